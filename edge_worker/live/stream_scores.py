"""What one model says of a stream: its windows added up, and its label of this moment.

The result of a stream is, as that of a recording, the mean of the calibrated probabilities of its windows;
of a stream only those count that were fit to be judged, as long as there is one.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from edge_worker.inference.model_card import ModelCard
from edge_worker.live.timeline import Timeline
from edge_worker.protocol.result import Prediction

Scores = npt.NDArray[np.float64]

RECENT: Final = 3
"""Usable windows that the label of the moment is the mean of."""
RECENT_S: Final = 10.0
"""Those that ended longer ago say nothing of the moment."""


class StreamScores:
    """The windows of one version of one model."""

    def __init__(self, card: ModelCard) -> None:
        """Begin with none."""
        self.card = card
        self.timeline = Timeline()
        """Values: the probability of each label."""
        self._usable, self._all = np.zeros(card.outputs), np.zeros(card.outputs)
        self.usable = self.windows = 0
        self._took_ms = 0.0
        self._recent: deque[tuple[float, Scores]] = deque(maxlen=RECENT)

    def add(self, start_s: float, end_s: float, scores: Scores, *, usable: bool, took_ms: float) -> None:
        """Take the calibrated probabilities of one window (outputs,)."""
        self.windows += 1
        self._all += scores
        self._took_ms += took_ms
        if usable:
            self.usable += 1
            self._usable += scores
            self._recent.append((end_s, scores))
        labels = scores[: len(self.card.labels)].tolist()
        self.timeline.add(start_s, end_s, labels, usable=usable)

    def prediction(self) -> Prediction:
        """Return the label of all windows so far; there is one at least."""
        mean = self._usable / self.usable if self.usable else self._all / self.windows
        label, confidence, is_sure = _best(self.card, mean)
        return Prediction(
            model=self.card.model,
            version=self.card.version,
            sha256=self.card.sha256,
            label=label,
            confidence=confidence,
            threshold=self.card.threshold,
            accepted=is_sure and self.usable > 0,
            probabilities=dict(zip(self.card.labels, mean.tolist(), strict=False)),
            windows=self.usable or self.windows,
            took_ms=self._took_ms,
        )

    def now(self, at_s: float) -> tuple[str, float] | None:
        """Return the label of the last windows and its confidence; None: no label is accepted."""
        recent = [scores for end_s, scores in self._recent if at_s - end_s < RECENT_S]
        if self.card.domain == "sound":  # sounds follow each other; a heart stays what it is
            recent = recent[-1:]
        if not recent:
            return None
        label, confidence, is_sure = _best(self.card, np.mean(recent, axis=0))
        return (label, confidence) if is_sure else None

    def document(self) -> dict[str, Any]:
        """Return the sums as JSON, for `restore`."""
        return {
            "sha256": self.card.sha256,
            "usable": [self.usable, self._usable.tolist()],
            "all": [self.windows, self._all.tolist()],
            "took_ms": round(self._took_ms, 3),
            "timeline": self.timeline.document(),
        }

    @classmethod
    def restore(cls, card: ModelCard, document: dict[str, Any]) -> Self:
        """Return the sums that `document` was made of; empty ones when they are of another version."""
        found = cls(card)
        if document["sha256"] != card.sha256:
            return found
        found.usable, found._usable = document["usable"][0], np.array(document["usable"][1])
        found.windows, found._all = document["all"][0], np.array(document["all"][1])
        found._took_ms = document["took_ms"]
        found.timeline = Timeline.restore(document["timeline"])
        return found


def _best(card: ModelCard, scores: Sequence[float] | Scores) -> tuple[str, float, bool]:
    """Return the likeliest label, its probability, and whether it is accepted: as `Classifier.classify`."""
    mean = np.asarray(scores)
    best = int(mean[: len(card.labels)].argmax())
    confidence = float(mean[best])
    return card.labels[best], confidence, bool(confidence >= card.threshold and confidence == mean.max())
