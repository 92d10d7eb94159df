"""Summary of a model card for the models page: figures with confidence intervals, and confusions."""

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
_MAX_MATRIX_LABELS: Final = 12
"""Above so many labels the page lists the most frequent confusions instead of the matrix."""
_MAX_CONFUSIONS: Final = 10
Card = dict[str, Any]


def summarize(card: Card) -> dict[str, Any]:
    """Return what the template `models.html` shows of a card; what the card lacks is empty."""
    measured: Card = (card.get("figures") or {}).get("cross_validation") or {}
    return {
        "card": card,
        "how": (card.get("figures") or {}).get("how", ""),
        "n": measured.get("n"),
        "has_reliability": bool(measured.get("reliability")),
        "figures": _figures(measured),
        "confusion": measured.get("confusion") if len(card["labels"]) <= _MAX_MATRIX_LABELS else None,
        "confusions": _confusions(measured.get("confusion") or [], card["labels"]),
    }


def _figures(measured: Card) -> list[tuple[str, float, list[float] | None]]:
    """Return (title, value, 95 % interval) of each figure that was measured."""
    intervals = measured.get("intervals") or {}
    return [
        (title, measured[name], intervals.get(name))
        for name, title in _FIGURES.items()
        if measured.get(name) is not None
    ]


def _confusions(confusion: list[list[int]], labels: list[str]) -> list[tuple[int, str, str]]:
    """Return (count, true label, predicted label) of the wrong predictions, most frequent first."""
    cells = (
        (count, true, predicted)
        for true, row in zip(labels, confusion, strict=False)
        for predicted, count in zip(labels, row, strict=False)
        if true != predicted and count
    )
    return sorted(cells, reverse=True)[:_MAX_CONFUSIONS]
