"""Evaluation figures of the models from their cards, in the form of the absorbed heart CNN's `GET /metrics`.

They are measured in cross-validation, on recordings that training did not use.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

from history_api.openapi.schemas import NUMBER, TEXT, Schema, map_of, or_null, strict_object

NAMES: Final = ("accuracy", "precision", "recall", "f1", "auc_roc")
HEADLINE: Final = "heart2"
"""The model whose figures are at the top of the document, where clients of that system read them."""
_BINARY: Final = 2
_SHARES: Final[dict[str, Schema]] = {name: or_null(NUMBER) for name in NAMES}
_OF_MODEL: Final = strict_object(
    {
        "version": or_null(TEXT),
        **_SHARES,
        "average": TEXT | {"description": "of precision, recall, f1: `macro`, or the positive label"},
        "recordings": or_null(NUMBER),
        "how": or_null(TEXT),
    }
)
SCHEMA: Final = strict_object({"model": TEXT, **_SHARES, "models": map_of(_OF_MODEL)})


def document(cards: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of all models, those of `HEADLINE` at the top; null where a card has none."""
    models = {model: of_card(card) for model, card in cards.items()}
    headline = models.get(HEADLINE, {})
    return {"model": HEADLINE, **{name: headline.get(name) for name in NAMES}, "models": models}


def of_card(card: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a card: of the second label of two, the positive one, else macro averages."""
    figures = _object(card.get("figures"))
    validation = _object(figures.get("cross_validation"))
    labels = _object(validation.get("per_class"))
    if len(card["labels"]) == _BINARY:
        average = str(card["labels"][1])
        positive = _object(labels.get(average))
        precision, recall, f1 = (_number(positive.get(name)) for name in ("precision", "recall", "f1"))
    else:
        average = "macro"
        precision = _mean(_object(each).get("precision") for each in labels.values())
        recall, f1 = _number(validation.get("balanced_accuracy")), _number(validation.get("macro_f1"))
    return {
        "version": _text(card.get("version")),
        "accuracy": _number(validation.get("accuracy")),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "auc_roc": _number(validation.get("auc")),
        "average": average,
        "recordings": _number(validation.get("n")),
        "how": _text(figures.get("how")),
    }


def _mean(values: Iterable[object]) -> float | None:
    """Return the mean to four digits, as in cards; None when a value is missing."""
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    return round(sum(known) / len(known), 4) if known and len(known) == len(numbers) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
