"""Evidence of an exam: what the positions of one chest say together.

Each position has the log odds of `abnormal` against `normal`; their weighted sum is the log odds of the exam.
That is the product of likelihood ratios of naive Bayes (Good 1950), with one exponent below 1 because
positions of one chest are not independent (as in logarithmic opinion pools, Genest & Zidek 1986).
The constants were fitted to sites that the model had not heard, by `stetho report exam`; `docs/models.md` has
the figures. Normative: `docs/protocol.md` § Exam.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

NORMAL: Final = "normal"
ABNORMAL: Final = "abnormal"

WEIGHT: Final = 0.281
"""Weight of the sum: the most likely one over 377 exams of CirCor and 104 of BMD-HS."""
SURE_ABNORMAL: Final = 0.55
"""Least probability of `abnormal` for that label. 0.5 would have 90 % right at each site (0.94 and 0.97), but
is what positions say that contradict each other; this has 0.96 and 1.00."""
SURE_NORMAL: Final = 0.57
"""Least probability of `normal` for that label: 90 % right at each site (CirCor 0.91, BMD-HS 0.94)."""
MIN_POSITIONS: Final = 2
"""Fewest positions that say something together. One alone says what its models accept."""
LEAST_HEARD: Final = 0.5
"""Least probability of both labels together: the rest is "none of these", and says nothing about a heart."""
_LEAST_PROBABILITY: Final = 1e-4
"""Published probabilities have four digits: 0 stands for less than this."""


def log_odds(predictions: Iterable[Mapping[str, Any]]) -> float | None:
    """Return ln(p(abnormal) / p(normal)) of the first model that knows these two labels.

    `predictions` are the `models` of a result as published. None: there is no such model, or it hears
    neither.
    """
    for prediction in predictions:
        if is_evidence(prediction):
            p = prediction["probabilities"]
            is_heard = p[ABNORMAL] + p[NORMAL] >= LEAST_HEARD
            return math.log(_clipped(p[ABNORMAL]) / _clipped(p[NORMAL])) if is_heard else None
    return None


def is_evidence(prediction: Mapping[str, Any]) -> bool:
    """Return whether a prediction is of a model with exactly the labels `normal` and `abnormal`."""
    return set(prediction.get("probabilities") or ()) == {NORMAL, ABNORMAL}


def probability(evidence: Collection[float]) -> float | None:
    """Return the probability of `abnormal`, 0..1, from the log odds of the positions; None without any."""
    # tanh, because exp overflows when a hundred positions are certain.
    return (1 + math.tanh(WEIGHT * math.fsum(evidence) / 2)) / 2 if evidence else None


def _clipped(share: float) -> float:
    return max(share, _LEAST_PROBABILITY)
