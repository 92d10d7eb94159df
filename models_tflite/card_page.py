"""`python -m models_tflite.card_page`: each card `<model>.json` as a page `<model>.md` for people."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from models_tflite.evaluation import card_tables, readme_table

HERE: Final = Path(__file__).parent
EXAMPLES: Final = """example:
  python -m models_tflite.card_page --readme README.md     write the page of every card, and their table
"""
FOR_THE_WORKER: Final = frozenset(
    {"model", "version", "sha256", "kind", "labels", "background", "features", "normalisation"}
    | {"window_s", "hop_s", "hears", "pad", "trim_db", "temperature", "threshold", "max_missing_fraction"}
)
FOR_PEOPLE: Final = frozenset(
    {"task", "data", "licence_of_data", "split", "not_for", "baseline", "threshold_rule"}
    | {"training", "figures", "cost", "check"}
)
"""Keys that have a place of their own on the page; what is neither is a note."""
Card = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.card_page",
        description="Write the page of every model card anew.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--models-dir", type=Path, default=HERE, help="where the models are (default: %(default)s)"
    )
    parser.add_argument("--readme", type=Path, help="write the table of all models into this file, too")
    options = parser.parse_args(arguments)
    found = cards(options.models_dir)
    for path in found:
        path.with_suffix(".md").write_text(page(json.loads(path.read_text())), encoding="utf-8")
    if options.readme is not None:
        before = options.readme.read_text(encoding="utf-8")
        options.readme.write_text(readme_table.written_into(before, found), encoding="utf-8")
    return 0


def cards(folder: Path) -> list[Path]:
    """Return the cards of the classifiers in `folder`."""
    found = sorted(path.with_suffix(".json") for path in folder.glob("*.tflite"))
    return [path for path in found if json.loads(path.read_text()).get("kind", "classifier") == "classifier"]


def page(card: Card) -> str:
    """Return a card as Markdown."""
    sections = [_head(card), _facts(card), *card_tables.sections(card), _notes(card)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(card: Card) -> str:
    return (
        f"# {card['model']} {card['version']}\n\n{card.get('task', '')}\n\n"
        "**Research and education, not a medical device.** A label describes a sound; it is not a "
        'diagnosis, and "cannot tell" is a valid answer.\n\n'
        f"**Not for:** {card.get('not_for', 'any decision about a person.')}\n\n"
        f"Written by `python -m models_tflite.card_page` from `{card['model']}.json`: change that."
    )


def _facts(card: Card) -> str:
    known = {
        "labels": ", ".join(card["labels"])
        + (" (and one output for none of these)" if card.get("background") else ""),
        "data": _sentence(card.get("data")),
        "licence of the data": card.get("licence_of_data"),
        "split": card.get("split"),
        "recordings trained on": card.get("training", {}).get("recordings"),
        "features": ", ".join(f"{name} {value}" for name, value in card["features"].items()),
        "window": f"{card['window_s']:g} s, at most {card['hop_s']:g} s apart, averaged over the recording; "
        "of a stream, over its usable windows",
        "temperature": card["temperature"],
        "threshold": _sentence([str(card["threshold"]), card.get("threshold_rule")]),
        "size": _size(card),
        "one window": _speed(card.get("cost")),
        "SHA-256": f"`{card['sha256']}`",
    }
    return "## What it is\n\n" + card_tables.markdown_table(("", ""), known.items())


def _notes(card: Card) -> str:
    notes = {key: value for key, value in card.items() if key not in FOR_THE_WORKER | FOR_PEOPLE}
    check = card.get("check")
    lines = [f"- {key.replace('_', ' ')}: {_sentence(value)}" for key, value in notes.items()]
    if check:
        lines.append(
            f"- held by a test to an accuracy of {check['accuracy']} (not below {check['interval'][0]}) on "
            f"{check['n']} fixed recordings, most of which it was trained on"
        )
    return "## Notes\n\n" + "\n".join(lines) if lines else ""


def _sentence(value: object) -> str:
    """Return a fact of any shape as text."""
    if isinstance(value, dict):
        return "; ".join(f"{key.replace('_', ' ')}: {_sentence(of)}" for key, of in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_sentence(each) for each in value if each is not None)
    return "–" if value is None else str(value)


def _size(card: Card) -> str:
    size = card.get("cost", {}).get("bytes") or card.get("training", {}).get("model_bytes")
    return "–" if size is None else f"{size:,} bytes, int8 from input to output"


def _speed(cost: Card | None) -> str:
    if not cost:
        return "–"
    return (
        f"features {cost['features_ms']:.2f} ms, network {cost['inference_ms']:.2f} ms of one core "
        f"({cost['runtime']}), where it was made"
    )


if __name__ == "__main__":
    sys.exit(main())
