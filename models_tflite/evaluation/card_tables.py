"""The figures of a card as sections of a page: tables in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

LARGEST_TABLE: Final = 12
"""Labels from which on a confusion matrix is no longer read, and its worst cells are named instead."""
WORST: Final = 20
NAMES: Final = {
    "balanced_accuracy": "balanced accuracy (macro recall)",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auc": "AUC",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "expected_calibration_error": "expected calibration error",
    "accepted_fraction": "accepted",
    "accuracy_when_accepted": "accuracy when accepted",
}
PART_NAMES: Final = ("accuracy", "balanced_accuracy", "auc", "accepted_fraction", "accuracy_when_accepted")
Card = dict[str, Any]
Rows = Iterable[Sequence[object]]


def sections(card: Card) -> list[str]:
    """Return what a card measured, a section each; those of figures that it does not hold are empty."""
    figures = card["figures"]
    whole = figures.get("cross_validation") or {}
    return [
        _whole(card, whole) if whole else "",
        _classes(whole) if whole else "",
        _parts("By site", "site", figures.get("by_site")),
        _parts("Sites that training never heard at all", "site", figures.get("site_held_out")),
        _parts("By fold", "fold", dict(enumerate(whole.get("by_fold", ()), start=1))),
        _confusion(whole, card["labels"]) if whole else "",
        _reliability(whole.get("reliability")),
        _before_int8(figures.get("before_int8")),
    ]


def _whole(card: Card, whole: Card) -> str:
    baseline = card.get("baseline")
    others = baseline if isinstance(baseline, dict) else {}
    rows: list[tuple[object, ...]] = [
        (name, whole[key], _bounds(whole, key), others.get(key))
        for key, name in NAMES.items()
        if whole.get(key) is not None
    ]
    rejected = whole.get("background")
    if rejected:
        name = f"sounds that are none of the labels, rejected (n = {rejected['n']:,})"
        rows.append((name, rejected["rejected"], _bounds(rejected, "rejected"), others.get("rejected")))
    groups = f" of {whole['groups']:,} groups" if "groups" in whole else ""
    return (
        f"## Figures\n\n{whole['n']:,} recordings{groups} in {whole['folds']} folds. "
        f"{card['figures'].get('how', 'Each was judged by a model that never heard its group.')}\n\n"
        + markdown_table(("figure", "value", "95 % interval", "baseline"), rows)
        + _baseline(baseline)
    )


def _baseline(baseline: object) -> str:
    if not baseline:
        return ""
    if isinstance(baseline, str):
        return f"\n\nBaseline: {baseline}."
    if not isinstance(baseline, dict):
        return ""
    said = [str(baseline[key]) for key in ("method", "claimed") if baseline.get(key)]
    return f"\n\nBaseline, re-implemented and measured on the same folds: {'; '.join(said)}." if said else ""


def _classes(whole: Card) -> str:
    rows = (
        (
            label,
            of["n"],
            of["recall"],
            _bounds(of, "recall"),
            of["precision"],
            _bounds(of, "precision"),
            of["f1"],
        )
        for label, of in whole["per_class"].items()
    )
    head = ("label", "n", "recall", "95 %", "precision", "95 %", "F1")
    return "## By class\n\n" + markdown_table(head, rows)


def _parts(title: str, what: str, parts: dict[Any, Card] | None) -> str:
    if not parts or (len(parts) == 1 and title == "By site"):
        return ""
    shown = [name for name in PART_NAMES if any(part.get(name) is not None for part in parts.values())]
    has_others = any("background" in part for part in parts.values())
    head = [
        what,
        "n",
        *(NAMES[name] for name in shown),
        *(["others", "others rejected"] if has_others else []),
    ]
    rows = (
        [
            name,
            part["n"],
            *(_with_bounds(part, figure) for figure in shown),
            *(_others(part) if has_others else []),
        ]
        for name, part in parts.items()
    )
    return f"## {title}\n\n" + markdown_table(head, rows)


def _others(part: Card) -> list[str]:
    others = part.get("background", {"n": 0})
    return [_cell(others["n"]), _with_bounds(others, "rejected")]


def _confusion(whole: Card, labels: list[str]) -> str:
    counts: list[list[int]] = whole["confusion"]
    if len(labels) <= LARGEST_TABLE:
        rows = ((f"**{label}**", *row) for label, row in zip(labels, counts, strict=True))
        return "## What was said (columns) of what (rows)\n\n" + markdown_table(("", *labels), rows)
    cells = [
        (counts[i][j], labels[i], labels[j])
        for i in range(len(labels))
        for j in range(len(labels))
        if i != j and counts[i][j]
    ]
    worst = sorted(cells, key=lambda cell: (-cell[0], cell[1:]))[:WORST]
    return "## Most frequent confusions\n\nThe whole matrix is in the card.\n\n" + markdown_table(
        ("truth", "was called", "times"), ((truth, said, n) for n, truth, said in worst)
    )


def _reliability(curve: list[Card] | None) -> str:
    if not curve:
        return ""
    rows = (
        (f"{bin_['from']:g}–{bin_['to']:g}", bin_["n"], bin_["confidence"], bin_["accuracy"])
        for bin_ in curve
    )
    return "## Is its confidence honest?\n\nIt is where the last two columns agree.\n\n" + markdown_table(
        ("confidence", "n", "mean confidence", "accuracy"), rows
    )


def _before_int8(before: Card | None) -> str:
    if not before:
        return ""
    gain = before["int8_minus_float"]
    rows = ((NAMES[name], before[name], f"{gain[name]:+.4f}") for name in gain)
    same = f"{100 * before['same_label']:.1f} % of the recordings get the same label"
    return f"## Before int8\n\nThe same folds in float; {same}.\n\n" + markdown_table(
        ("figure", "float", "int8 minus float"), rows
    )


def _bounds(figures: Card, name: str) -> str:
    bounds = figures.get("intervals", {}).get(name)
    return "–" if bounds is None else f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def _with_bounds(figures: Card, name: str) -> str:
    bounds = _bounds(figures, name)
    return _cell(figures.get(name)) + ("" if bounds == "–" else f" ({bounds})")


def markdown_table(head: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table; None is a dash, and numbers have three decimals."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return (
        f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )
