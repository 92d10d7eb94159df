"""What each model reached on recordings it never heard, in the words of the heart CNN's `GET /metrics`."""

import math
from collections.abc import Iterable
from typing import Any, Final

from history_api.openapi.schemas import NUMBER, TEXT, Schema, map_of, or_null, strict_object

NAMES: Final = ("accuracy", "precision", "recall", "f1", "auc_roc")
HEADLINE: Final = "heart2"
"""The model of the system whose clients read the figures at the top of the document."""
_TWO: Final = 2
_SHARES: Final[dict[str, Schema]] = {name: or_null(NUMBER) for name in NAMES}
_OF_MODEL: Final = strict_object(
    {
        "version": or_null(TEXT),
        **_SHARES,
        "average": TEXT | {"description": "of precision, recall, f1: `macro`, or the label looked for"},
        "recordings": or_null(NUMBER),
        "how": or_null(TEXT),
    }
)
SCHEMA: Final = strict_object({"model": TEXT, **_SHARES, "models": map_of(_OF_MODEL)})


def document(cards: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of all models, those of `HEADLINE` at the top; null where a card does not say."""
    models = {model: of_card(card) for model, card in cards.items()}
    headline = models.get(HEADLINE, {})
    return {"model": HEADLINE, **{name: headline.get(name) for name in NAMES}, "models": models}


def of_card(card: dict[str, Any]) -> dict[str, Any]:
    """Return the figures in a card: of the second label where there are two, else means over all labels."""
    figures = _object(card.get("figures"))
    whole = _object(figures.get("cross_validation"))
    labels = _object(whole.get("per_class"))
    if len(card["labels"]) == _TWO:
        average = str(card["labels"][1])
        part = _object(labels.get(average))
        precision, recall, f1 = (_number(part.get(name)) for name in ("precision", "recall", "f1"))
    else:
        average = "macro"
        precision = _mean(_object(each).get("precision") for each in labels.values())
        recall, f1 = _number(whole.get("balanced_accuracy")), _number(whole.get("macro_f1"))
    return {
        "version": _text(card.get("version")),
        "accuracy": _number(whole.get("accuracy")),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "auc_roc": _number(whole.get("auc")),
        "average": average,
        "recordings": _number(whole.get("n")),
        "how": _text(figures.get("how")),
    }


def _mean(values: Iterable[object]) -> float | None:
    """Return the mean to four digits, as cards have them; None when one is missing."""
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
