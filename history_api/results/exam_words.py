"""What the positions of an exam say, in words: for pages, reports and exports."""

import math
from typing import Any, Final

from history_api.results.translation import ENGLISH, Say

_LITTLE: Final = math.log(1.5)
_STRONG: Final = math.log(5)
"""Log odds from which evidence counts as more than little, and as strong: odds of 3 to 2, and of 5 to 1."""


def share_words(share: float) -> str:
    """Return a probability of 0 to 1 in percent; none is certain, so never 0 % or 100 %."""
    percent = round(100 * share)
    return "under 1 %" if percent == 0 else "over 99 %" if percent == 100 else f"{percent} %"  # noqa: PLR2004


def together(exam: dict[str, Any], say: Say = ENGLISH) -> str | None:
    """Return what all positions of an exam (a document) say together; None: none says anything."""
    share = exam["probability"]
    if share is None:
        return None
    speaking = sum(each["evidence"] is not None for each in exam["positions"])
    who = say("{count} positions together", count=speaking) if speaking > 1 else say("One position")
    abnormal, normal = say(share_words(share)), say(share_words(1 - share))
    return say("{who}: abnormal {abnormal}, normal {normal}", who=who, abnormal=abnormal, normal=normal)


def evidence(log_odds: float) -> str:
    """Return which label the evidence of a position is for."""
    if abs(log_odds) < _LITTLE:
        return "says little"
    side = "abnormal" if log_odds > 0 else "normal"
    return f"{'strongly ' if abs(log_odds) >= _STRONG else ''}for {side}"


def position_label(position: dict[str, Any]) -> str:
    """Return the label of a position; one that is not sure alone may still say something."""
    if position["label"]:
        return str(position["label"])
    if position["recording_id"] is None:
        return "missing"
    return "cannot tell" if position["evidence"] is None else "not sure alone"


def hint(exam: dict[str, Any], position: dict[str, Any]) -> str | None:
    """Return what to do about a position; None where the others make up for what it cannot tell alone."""
    is_enough = position["recording_id"] is not None and exam["label"] != "inconclusive"
    return None if is_enough else position["hint"]
