"""Candidate against incumbent on the same recordings, and which of the two may serve.

The uploads decide: neither model has ever learned the held-out ones. Public recordings guard what the
uploads do not show. A shipped model has learned all of them, which flatters its figures there, and the
candidate may fall behind by as much as that is worth.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_worker.inference.classifier import Classifier
from edge_worker.protocol.result import Prediction
from models_tflite.evaluation import audio, metrics
from models_tflite.training.corpus.corpus import Recording, TrainingError
from models_tflite.training.retraining.data_split import DataSplit

MANY_RECORDINGS: Final = 50
"""Held-out uploads of a class from which on its recall may fall by `RECALL_TOLERANCE`; else by nothing."""
RECALL_TOLERANCE: Final = 0.02
LEARNED_TOLERANCE: Final = 0.10
"""Tolerance on public recordings that the incumbent has learned; on others, `RECALL_TOLERANCE`."""
MIN_SHARE_LEFT: Final = 0.5
"""A class of the public recordings is lost when less than this share of its recall is left; and answers are,
when less than this share of the uploads that were accepted and right still is."""

ProgressCallback = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class PairedConfusion:
    """Confusion matrices of both on the same recordings; rows are the truth, columns what was said."""

    labels: tuple[str, ...]
    candidate: metrics.FloatArray
    incumbent: metrics.FloatArray
    accepted_correct: tuple[float, float] = (1.0, 1.0)
    """Shares of the candidate's and of the incumbent's labels that are right and accepted, so that people
    see them."""

    @property
    def macro_recall(self) -> tuple[float, float]:
        """Of the candidate, of the incumbent."""
        return _macro_recall(self.candidate), _macro_recall(self.incumbent)

    def by_class(self) -> list[tuple[str, int, float, float]]:
        """Return label, recordings, recall of the candidate and of the incumbent; classes that are there."""
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
    """What both reached on what neither, or only the incumbent, has learned."""

    uploads: PairedConfusion
    public: PairedConfusion | None
    incumbent_learned_public: bool
    """The incumbent has learned the public recordings."""
    rejected: tuple[float, float] | None = None
    """Shares of public sounds that are none of the labels which the candidate and the incumbent reject."""

    def rejection_reason(self) -> str | None:
        """Return why the incumbent stays; None when the candidate is better and loses no class."""
        return (
            self._on_uploads()
            or (self._on_public(self.public) if self.public else None)
            or (self._on_others(*self.rejected) if self.rejected else None)
        )

    def _on_uploads(self) -> str | None:
        new, old = self.uploads.macro_recall
        if new <= old:
            return f"macro recall {new:.3f} is not above {old:.3f} on held-out uploads"
        shown, before = self.uploads.accepted_correct
        if shown < before * MIN_SHARE_LEFT:
            return f"right labels that are accepted fall from {before:.3f} to {shown:.3f} of held-out uploads"
        for label, n, new, old in self.uploads.by_class():
            if old - new > (RECALL_TOLERANCE if n >= MANY_RECORDINGS else 0):
                return f"recall of {label} falls from {old:.3f} to {new:.3f} on {n} held-out uploads"
        return None

    def _on_public(self, public: PairedConfusion) -> str | None:
        new, old = public.macro_recall
        if old - new > (LEARNED_TOLERANCE if self.incumbent_learned_public else RECALL_TOLERANCE):
            return f"macro recall falls from {old:.3f} to {new:.3f} on held-out public recordings"
        for label, n, new, old in public.by_class():
            if new < old * MIN_SHARE_LEFT:
                return f"recall of {label} falls from {old:.3f} to {new:.3f} on {n} public recordings"
        return None

    def _on_others(self, new: float, old: float) -> str | None:
        if old - new > (LEARNED_TOLERANCE if self.incumbent_learned_public else RECALL_TOLERANCE):
            return f"of sounds that are none of the labels, {new:.3f} are rejected instead of {old:.3f}"
        return None

    def document(self) -> dict[str, Any]:
        """Return all figures and the reason for a report."""
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
    data_split: DataSplit,
    report_progress: ProgressCallback,
    *,
    incumbent_learned_public: bool,
) -> Comparison:
    """Let both judge what is held out, as the worker does; `report_progress` hears how far it is.

    Raises:
        AudioError: a recording is missing or cannot be read.
        TrainingError: the two do not have the same labels.
    """
    if set(candidate.card.labels) != set(incumbent.card.labels):
        raise TrainingError(f"the recipe has other labels than version {incumbent.card.version}: correct it")
    uploads = _measure(candidate, incumbent, data_split.uploads, report_progress)
    public = _measure(candidate, incumbent, data_split.public, report_progress) if data_split.public else None
    others = (
        _rejected(candidate, incumbent, data_split.background, report_progress)
        if data_split.background
        else None
    )
    return Comparison(uploads, public, incumbent_learned_public, others)


def _measure(
    candidate: Classifier,
    incumbent: Classifier,
    recordings: Sequence[Recording],
    report_progress: ProgressCallback,
) -> PairedConfusion:
    labels = incumbent.card.labels
    truth = np.array([labels.index(recording.label) for recording in recordings], dtype=np.intp)
    said = np.empty((len(recordings), 2), dtype=np.intp)
    accepted = np.empty((len(recordings), 2), dtype=bool)
    for row, heard in enumerate(_heard(candidate, incumbent, recordings, report_progress)):
        said[row] = [labels.index(each.label) for each in heard]
        accepted[row] = [each.accepted for each in heard]
    candidates, incumbents = (metrics.confusion(truth, column, len(labels)) for column in said.T)
    shown, before = (accepted & (said == truth[:, np.newaxis])).mean(axis=0)
    return PairedConfusion(labels, candidates, incumbents, (float(shown), float(before)))


def _rejected(
    candidate: Classifier,
    incumbent: Classifier,
    recordings: Sequence[Recording],
    report_progress: ProgressCallback,
) -> tuple[float, float]:
    accepted = [
        [each.accepted for each in heard]
        for heard in _heard(candidate, incumbent, recordings, report_progress)
    ]
    new, old = 1 - np.mean(accepted, axis=0)
    return float(new), float(old)


def _heard(
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
