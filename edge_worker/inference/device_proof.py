"""Proof that a model is right on one device: hearts whose label is known, and the confidence they ask for.

What a model makes of a device that training did not hear cannot be told from the sound: sites sound alike
where it is right nine times in ten and where it is right no more often than a coin. So hearts of both labels,
known by other means, show it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

LEAST_KNOWN: Final = 50
"""Fewest hearts of each label that prove anything."""
RIGHT: Final = 0.95
"""Share of the accepted hearts of each label that must be right: on later hearts it is lower."""
LEAST_ACCEPTED: Final = 10
"""Fewest accepted hearts of each label."""
CANDIDATES: Final = np.arange(0.5, 1, 0.01).round(2)


def midpoint(log_odds: Sequence[float], is_abnormal: Sequence[bool]) -> float:
    """Return the log odds half way between the means of the two labels, both of which must be there."""
    odds, abnormal = np.asarray(log_odds, dtype=np.float64), np.asarray(is_abnormal, dtype=np.bool_)
    return float((odds[abnormal].mean() + odds[~abnormal].mean()) / 2)


def least_confidence(
    confidence: Sequence[float], is_right: Sequence[bool], is_abnormal: Sequence[bool]
) -> float:
    """Return the lowest confidence from which on enough accepted hearts of each label are right; 1: none.

    It must hold at every higher confidence, too, as long as enough hearts are accepted there: the lowest of
    many candidates that happens to hold is luck.

    Args:
        confidence: of the likelier label of each heart, 0..1.
        is_right: whether that is its label.
        is_abnormal: whether its label is abnormal, else it is normal.
    """
    sure, right, abnormal = np.asarray(confidence), np.asarray(is_right), np.asarray(is_abnormal)
    lowest = 1.0
    for threshold in reversed(CANDIDATES.tolist()):
        accepted = [right[(sure >= threshold) & (abnormal == label)] for label in (False, True)]
        if min(map(len, accepted)) < LEAST_ACCEPTED:
            continue
        if min(each.mean() for each in accepted) < RIGHT:
            break
        lowest = threshold
    return lowest
