"""A model card as people read it: figures with their intervals, and what is taken for what."""

from typing import Any, Final

_FIGURES: Final = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "F1, mean of the labels",
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accepted_fraction": "Answers instead of “cannot tell”",
    "accuracy_when_accepted": "Accuracy of those answers",
    "expected_calibration_error": "Calibration error",
}
_READABLE: Final = 12
"""Labels up to which a confusion matrix is read."""
_WORST: Final = 10
Card = dict[str, Any]


def of(card: Card) -> dict[str, Any]:
    """Return what a page shows of a card; whatever a card does not hold is empty."""
    measured: Card = (card.get("figures") or {}).get("cross_validation") or {}
    return {
        "card": card,
        "how": (card.get("figures") or {}).get("how", ""),
        "n": measured.get("n"),
        "has_reliability": bool(measured.get("reliability")),
        "figures": _figures(measured),
        "confusion": measured.get("confusion") if len(card["labels"]) <= _READABLE else None,
        "worst": _worst(measured.get("confusion") or [], card["labels"]),
    }


def _figures(measured: Card) -> list[tuple[str, float, list[float] | None]]:
    """Return name, value and 95 % interval of each figure that was measured."""
    intervals = measured.get("intervals") or {}
    return [
        (title, measured[name], intervals.get(name))
        for name, title in _FIGURES.items()
        if measured.get(name) is not None
    ]


def _worst(confusion: list[list[int]], labels: list[str]) -> list[tuple[int, str, str]]:
    """Return how often which label was taken for which other, most often first."""
    cells = (
        (count, true, said)
        for true, row in zip(labels, confusion, strict=False)
        for said, count in zip(labels, row, strict=False)
        if true != said and count
    )
    return sorted(cells, reverse=True)[:_WORST]
