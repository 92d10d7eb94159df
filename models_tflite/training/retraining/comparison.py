"""Comparison of a candidate with the model in use, the incumbent, on the same held-out recordings.

The uploads decide: neither model was trained on the held-out ones. Public recordings guard what the uploads
do not show. A shipped model was trained on all of them, which flatters its figures there, and the candidate
may fall behind by as much as that is worth.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_worker.inference.classifier import Classifier
from edge_worker.protocol.prediction import Prediction
from models_tflite.evaluation import audio, metrics
from models_tflite.training.corpus.corpus import Recording, TrainingError
from models_tflite.training.retraining.data_split import DataSplit

MANY_RECORDINGS: Final = 50
"""Held-out uploads of a class from which on its recall may fall by `RECALL_TOLERANCE`; with fewer, by
nothing."""
RECALL_TOLERANCE: Final = 0.02
LEARNED_TOLERANCE: Final = 0.10
"""Fall of macro recall allowed on public recordings that the incumbent was trained on; on others it is
`RECALL_TOLERANCE`."""
MIN_SHARE_LEFT: Final = 0.5
"""A class of the public recordings counts as lost when less than this share of its recall is left; and
results do, when less than this share of the uploads that were accepted and right still is."""

ProgressCallback = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class PairedConfusion:
    """Confusion matrices of both models on the same recordings: rows are the truth, columns predictions."""

    labels: tuple[str, ...]
    candidate: metrics.FloatArray
    incumbent: metrics.FloatArray
    accepted_correct: tuple[float, float] = (1.0, 1.0)
    """Shares of recordings whose label is right and accepted, of the candidate and of the incumbent."""

    @property
    def macro_recall(self) -> tuple[float, float]:
        """Macro recall of the candidate and of the incumbent."""
        return _macro_recall(self.candidate), _macro_recall(self.incumbent)

    def by_class(self) -> list[tuple[str, int, float, float]]:
        """Return label, recordings, recall of the candidate and of the incumbent, without empty classes."""
        n = self.candidate.sum(axis=1).astype(int).tolist()
        new, old = (metrics.recall(counts).tolist() for counts in (self.candidate, self.incumbent))
        return [row for row in zip(self.labels, n, new, old, strict=True) if row[1]]

    def document(self) -> dict[str, Any]:
        """Return the figures of both for a report."""
        return {"candidate": self._figures(self.candidate), "incumbent": self._figures(self.incumbent)}

    def _figures(self, counts: metrics.FloatArray) -> dict[str, Any]:
        return {
            "n": int(counts.sum()),
            "macro_recall": _macro_recall(counts),
            "accuracy": float(metrics.accuracy(counts)),
            "per_class": metrics.per_class(counts, self.labels),
            "confusion": counts.tolist(),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of both models on held-out uploads and public recordings, and the decision."""

    uploads: PairedConfusion
    public: PairedConfusion | None
    incumbent_learned_public: bool
    """Whether the incumbent was trained on the public recordings."""
    rejected: tuple[float, float] | None = None
    """Shares of held-out public background that the candidate and the incumbent reject."""

    def rejection_reason(self) -> str | None:
        """Return why the incumbent stays; None when the candidate is better and loses no class."""
        return (
            self._uploads_objection()
            or (self._public_objection(self.public) if self.public else None)
            or (self._background_objection(*self.rejected) if self.rejected else None)
        )

    def _uploads_objection(self) -> str | None:
        new, old = self.uploads.macro_recall
        if new <= old:
            return f"macro recall {new:.3f} is not above {old:.3f} on held-out uploads"
        new, old = self.uploads.accepted_correct
        if new < old * MIN_SHARE_LEFT:
            return f"right labels that are accepted fall from {old:.3f} to {new:.3f} of held-out uploads"
        for label, n, new, old in self.uploads.by_class():
            if old - new > (RECALL_TOLERANCE if n >= MANY_RECORDINGS else 0):
                return f"recall of {label} falls from {old:.3f} to {new:.3f} on {n} held-out uploads"
        return None

    def _public_objection(self, public: PairedConfusion) -> str | None:
        new, old = public.macro_recall
        if old - new > (LEARNED_TOLERANCE if self.incumbent_learned_public else RECALL_TOLERANCE):
            return f"macro recall falls from {old:.3f} to {new:.3f} on held-out public recordings"
        for label, n, new, old in public.by_class():
            if new < old * MIN_SHARE_LEFT:
                return f"recall of {label} falls from {old:.3f} to {new:.3f} on {n} public recordings"
        return None

    def _background_objection(self, new: float, old: float) -> str | None:
        if old - new > (LEARNED_TOLERANCE if self.incumbent_learned_public else RECALL_TOLERANCE):
            return f"of sounds that are none of the labels, {new:.3f} are rejected instead of {old:.3f}"
        return None

    def document(self) -> dict[str, Any]:
        """Return all figures and the decision for a report."""
        return {
            "uploads": self.uploads.document(),
            "public": self.public and self.public.document(),
            "others_rejected": self.rejected
            and dict(zip(("candidate", "incumbent"), self.rejected, strict=True)),
            "incumbent_has_learned_public": self.incumbent_learned_public,
            "why": self.rejection_reason() or "better on held-out uploads, and no class is lost",
        }


def compare(
    candidate: Classifier,
    incumbent: Classifier,
    split: DataSplit,
    report_progress: ProgressCallback,
    *,
    incumbent_learned_public: bool,
) -> Comparison:
    """Classify the held-out recordings by both models, as the worker does.

    Raises:
        AudioError: a recording is missing or cannot be read.
        TrainingError: the two do not have the same labels.
    """
    if set(candidate.card.labels) != set(incumbent.card.labels):
        raise TrainingError(f"the recipe has other labels than version {incumbent.card.version}: correct it")
    uploads = _confusion(candidate, incumbent, split.held_out_uploads, report_progress)
    public, rejected = None, None
    if split.held_out_public:
        public = _confusion(candidate, incumbent, split.held_out_public, report_progress)
    if split.held_out_background:
        rejected = _rejected(candidate, incumbent, split.held_out_background, report_progress)
    return Comparison(uploads, public, incumbent_learned_public, rejected)


def _confusion(
    candidate: Classifier,
    incumbent: Classifier,
    recordings: Sequence[Recording],
    report_progress: ProgressCallback,
) -> PairedConfusion:
    labels = incumbent.card.labels
    truth = np.array([labels.index(recording.label) for recording in recordings], dtype=np.intp)
    predicted = np.empty((len(recordings), 2), dtype=np.intp)
    accepted = np.empty((len(recordings), 2), dtype=bool)
    for row, predictions in enumerate(_predictions(candidate, incumbent, recordings, report_progress)):
        predicted[row] = [labels.index(each.label) for each in predictions]
        accepted[row] = [each.accepted for each in predictions]
    candidates, incumbents = (metrics.confusion(truth, column, len(labels)) for column in predicted.T)
    accepted_new, accepted_old = (accepted & (predicted == truth[:, np.newaxis])).mean(axis=0)
    return PairedConfusion(labels, candidates, incumbents, (float(accepted_new), float(accepted_old)))


def _rejected(
    candidate: Classifier,
    incumbent: Classifier,
    recordings: Sequence[Recording],
    report_progress: ProgressCallback,
) -> tuple[float, float]:
    accepted = [
        [each.accepted for each in predictions]
        for predictions in _predictions(candidate, incumbent, recordings, report_progress)
    ]
    new, old = 1 - np.mean(accepted, axis=0)
    return float(new), float(old)


def _predictions(
    candidate: Classifier,
    incumbent: Classifier,
    recordings: Sequence[Recording],
    report_progress: ProgressCallback,
) -> Iterator[tuple[Prediction, Prediction]]:
    for row, recording in enumerate(recordings):
        report_progress({"phase": "judging", "recording": row, "recordings": len(recordings)})
        signal = audio.read(recording.path)
        yield candidate.classify(signal), incumbent.classify(signal)


def _macro_recall(counts: metrics.FloatArray) -> float:
    return float(metrics.balanced_accuracy(counts))
