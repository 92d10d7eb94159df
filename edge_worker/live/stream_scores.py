"""Scores of one model for a stream: sums over its windows, and the label of this moment.

The result of a stream is, as that of a recording, the mean of the calibrated probabilities of its windows;
of a stream only usable windows count, as long as there is one.
"""

from collections import deque
from dataclasses import replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from edge_worker.inference.adaptation import shifted
from edge_worker.inference.classifier import WindowScores
from edge_worker.inference.device_adaptation import DeviceAdaptation
from edge_worker.inference.model_card import ModelCard
from edge_worker.live.timeline import Timeline
from edge_worker.protocol.prediction import Prediction

Scores = npt.NDArray[np.float64]

RECENT: Final = 3
"""Usable windows whose mean gives the current label."""
RECENT_S: Final = 10.0
"""Windows that ended longer ago do not count for the current label."""


class StreamScores:
    """Sums over the windows that one version of one model classified."""

    def __init__(self, card: ModelCard, adaptation: DeviceAdaptation | None = None) -> None:
        """Begin with no window; `adaptation` is what was known of the device when the stream began."""
        self.card = card
        self.adaptation = adaptation or DeviceAdaptation()
        self.timeline = Timeline()
        """Values: the probability of each label, as the model gives it."""
        self._usable, self._all = np.zeros(card.outputs + 2), np.zeros(card.outputs + 2)
        """Sums of the probabilities, of the threshold and of the familiarity of the device."""
        self.usable = self.windows = 0
        self._took_ms = 0.0
        self._recent: deque[tuple[float, Scores]] = deque(maxlen=RECENT)

    def add(
        self, start_s: float, end_s: float, scored: WindowScores, *, usable: bool, took_ms: float
    ) -> None:
        """Add the scores of one window."""
        scores = scored.probabilities.mean(axis=0)
        sums = np.append(scores, (scored.threshold, scored.familiarity or 0.0))
        self.windows += 1
        self._all += sums
        self._took_ms += took_ms
        if usable:
            self.usable += 1
            self._usable += sums
            self._recent.append((end_s, sums))
        labels = scores[: len(self.card.labels)].tolist()
        self.timeline.add(start_s, end_s, labels, usable=usable)

    def prediction(self) -> Prediction:
        """Return the prediction over all windows so far; there must be one at least."""
        sums = self._usable / self.usable if self.usable else self._all / self.windows
        prediction = self._prediction(sums)
        return prediction if self.usable else replace(prediction, accepted=False)

    def _prediction(self, sums: Scores) -> Prediction:
        """Return the prediction of mean probabilities, with threshold and familiarity after them."""
        *scores, threshold, familiarity = sums.tolist()
        mean = self._adapted(np.array(scores))
        label, confidence, is_accepted = _best(self.card, mean, threshold)
        calibration = self.adaptation.calibration
        return Prediction(
            model=self.card.model,
            version=self.card.version,
            sha256=self.card.sha256,
            label=label,
            confidence=confidence,
            threshold=threshold,
            accepted=is_accepted,
            probabilities=dict(zip(self.card.labels, mean.tolist(), strict=False)),
            windows=self.usable or self.windows,
            took_ms=self._took_ms,
            hears=self.card.domain,
            meaning=self.card.meaning(label),
            familiarity=None if self.card.unfamiliar_device is None else familiarity,
            calibration=None if calibration is None else calibration.facts(self.card),
        )

    def _adapted(self, mean: Scores) -> Scores:
        """Return mean probabilities as the calibration of the device shifts them (`Classifier.classify`)."""
        calibration = self.adaptation.current(self.card)
        return mean if calibration is None else shifted(mean, self.card.labels, calibration.shift)

    def current(self, now_s: float) -> Prediction | None:
        """Return the prediction of the last windows; None: there is none."""
        recent = [sums for end_s, sums in self._recent if now_s - end_s < RECENT_S]
        if self.card.domain == "sound":  # one sound follows another; a heart stays the same
            recent = recent[-1:]
        return self._prediction(np.mean(recent, axis=0)) if recent else None

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
    def restore(
        cls, card: ModelCard, document: dict[str, Any], adaptation: DeviceAdaptation | None = None
    ) -> Self:
        """Return the sums whose state is `document`; empty ones when another version made it."""
        restored = cls(card, adaptation)
        if document["sha256"] != card.sha256:
            return restored
        restored.usable, restored._usable = _restored_sums(card, document["usable"])
        restored.windows, restored._all = _restored_sums(card, document["all"])
        restored._took_ms = document["took_ms"]
        restored.timeline = Timeline.restore(document["timeline"])
        return restored


def _restored_sums(card: ModelCard, document: list[Any]) -> tuple[int, Scores]:
    """Return count and sums; those that an older worker stored are of probabilities alone."""
    count, sums = document
    facts = () if len(sums) > card.outputs else (count * card.threshold, 0.0)
    return count, np.append(sums, facts)


def _best(card: ModelCard, mean: Scores, threshold: float) -> tuple[str, float, bool]:
    """Return the most probable label, its probability, and whether it is accepted (`Classifier.classify`)."""
    best = int(mean[: len(card.labels)].argmax())
    confidence = float(mean[best])
    return card.labels[best], confidence, bool(1 > threshold <= confidence == mean.max())
