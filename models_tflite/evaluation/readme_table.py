"""README table of the models: aim, claim of the source system, its method and ours as measured."""

import json
from pathlib import Path
from typing import Any, Final

from models_tflite.evaluation import card_tables

AIMS: Final = {
    "heart2": ("balanced_accuracy", 0.80),
    "heart5": ("balanced_accuracy", 0.80),
    "digits": ("accuracy", 0.99),
    "esc50": ("accuracy", 0.88),
    "us8k": ("accuracy", 0.80),
    "emotion": ("accuracy", 0.78),
}
"""Main metric of each model, on groups that training did not use, and its aim."""
NAMES: Final = {"balanced_accuracy": "mean recall of its labels", "accuracy": "accuracy"}
BEGIN: Final = "<!-- models: written by stetho report cards --readme README.md -->"
END: Final = "<!-- end of models -->"


def table(cards: list[Path]) -> str:
    """Return the Markdown table of the cards that have an aim."""
    by_model = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in cards}
    return card_tables.markdown_table(
        ("model", "figure", "aim", "source claims", "source's method, measured", "ours, measured"),
        [_row(model, by_model[model]) for model in AIMS if model in by_model],
    )


def written_into(readme: str, cards: list[Path]) -> str:
    """Return a README with the table between its two markers; raises ValueError when they are missing."""
    before, rest = readme.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{table(cards)}\n{END}{after}"


def _row(model: str, card: dict[str, Any]) -> tuple[str, ...]:
    metric, aim = AIMS[model]
    if "unseen_sites" in card["figures"]:
        return _unseen_row(model, card, aim)
    whole = card["figures"]["cross_validation"]
    low, high = whole["intervals"][metric]
    return (
        f"[`{model}`](models_tflite/{model}.md)",
        NAMES[metric],
        f"{aim:.2f}",
        str(card["baseline"].get("claimed", "–")),
        f"{card['baseline'][metric]:.3f}",
        f"**{whole[metric]:.3f}** ({low:.3f} to {high:.3f})",
    )


def _unseen_row(model: str, card: dict[str, Any], aim: float) -> tuple[str, ...]:
    """Return the row of a model that is measured on sites that it never heard."""
    unseen, known = card["figures"]["unseen_sites"]["balanced_accuracy"], card["figures"]["cross_validation"]
    return (
        f"[`{model}`](models_tflite/{model}.md)",
        f"{NAMES['balanced_accuracy']}, at sites never heard",
        f"{aim:.2f}",
        str(card["baseline"].get("claimed", "–")),
        f"{card['baseline']['balanced_accuracy_by_site']:.3f} at sites that it knew",
        f"**{unseen['mean']:.3f}** over {len(card['figures']['unseen_sites']['by_site'])} sites; "
        f"{known['balanced_accuracy']:.3f} at known ones",
    )
