"""Metrics of a model card as Markdown tables, the sections of its page."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

LARGEST_TABLE: Final = 12
"""Most labels whose confusion matrix is shown whole; for more, the most frequent confusions are listed."""
WORST: Final = 20
"""Confusions that are listed."""
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
UNSEEN_NAMES: Final = {
    "auc": "AUC",
    "balanced_accuracy": "balanced accuracy",
    "specificity": "specificity",
    "sensitivity": "sensitivity",
    "expected_calibration_error": "calibration error",
    "accepted_fraction": "accepted",
}
PART_NAMES: Final = ("accuracy", "balanced_accuracy", "auc", "accepted_fraction", "accuracy_when_accepted")
Card = dict[str, Any]
Rows = Iterable[Sequence[object]]


def sections(card: Card) -> list[str]:
    """Return the sections of a card; those of metrics that it does not hold are empty."""
    figures = card["figures"]
    whole = figures.get("cross_validation") or {}
    return [
        _unseen_sites(figures.get("unseen_sites"), card["labels"]),
        _whole(card, whole) if whole else "",
        _classes(whole) if whole else "",
        _parts("By site", "site", figures.get("by_site")),
        _parts("Sites without any recording in training", "site", figures.get("site_held_out")),
        _parts("By fold", "fold", dict(enumerate(whole.get("by_fold", ()), start=1))),
        _confusion(whole, card["labels"]) if whole else "",
        _reliability(whole.get("reliability")),
        _before_int8(figures.get("before_int8")),
    ]


def _unseen_sites(unseen: Card | None, labels: list[str]) -> str:
    """Return the section of sites that a model was trained without, one model for each."""
    if not unseen:
        return ""
    reports = unseen["by_site"]
    shown = [name for name in UNSEEN_NAMES if name in unseen]
    rows: list[list[object]] = [
        [site, of["n"], *(of.get(name) for name in shown), *(_accepted(of, label) for label in labels)]
        for site, of in reports.items()
    ]
    for which in ("mean", "worst"):
        rows.append([f"**{which}**", None, *(unseen[name][which] for name in shown), *([None] * len(labels))])
    rows += [
        [f"{site}, by patient", of["groups"], *(of.get(name) for name in shown)]
        + [_accepted(of, label) for label in labels]
        for site, of in ((site, report.get("by_patient")) for site, report in reports.items())
        if of
    ]
    head = ["site", "n", *(UNSEEN_NAMES[name] for name in shown)]
    return (
        "## Sites that the model never heard\n\nThe figure of a new stethoscope. For each site a model of "
        "the same recipe was trained without it; neither its temperature nor its thresholds know the site. "
        "The last columns: of the recordings with this label, how many were accepted, and which share of "
        "these got it. A patient is the mean of the log odds of the recordings.\n\n"
        + markdown_table([*head, *(f"{label}: accepted, right" for label in labels)], rows)
        + _proofs(reports, labels)
    )


def _proofs(reports: Card, labels: list[str]) -> str:
    """Return what is accepted at the sites once hearts of both labels are known there."""
    rows = [
        [site, known, of["proven"], of["accepted_fraction"], *(of["right"].get(label) for label in labels)]
        for site, report in reports.items()
        for known, of in report.get("proof", {}).items()
    ]
    if not rows:
        return ""
    head = ("site", "known of each label", "proven", "accepted", *(f"{label}: right" for label in labels))
    return (
        "\n\n**After a proof** (`stetho calibrate DEVICE --normals DIR --abnormals DIR`): patients of the "
        "site are drawn who prove the model right or do not, the others are judged. Proven is the share of "
        "the draws after which labels are accepted, accepted the share of recordings over all draws, and "
        "right the share of the accepted recordings of a label. Sites with fewer hearts are left out.\n\n"
        + markdown_table(head, rows)
    )


def _accepted(report: Card, label: str) -> str | None:
    of = report["accepted"][label]
    return "0" if not of["n"] else f"{of['n']}, {of['right']:.2f}"


def _whole(card: Card, whole: Card) -> str:
    """Return the section of the cross-validation as a whole."""
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
        f"{card['figures'].get('how', 'Each was classified by a model trained without its group.')}\n\n"
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
    facts = [str(baseline[key]) for key in ("method", "claimed") if baseline.get(key)]
    return (
        f"\n\nBaseline, re-implemented and measured on the same folds: {'; '.join(facts)}." if facts else ""
    )


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


def _parts(title: str, kind: str, parts: dict[Any, Card] | None) -> str:
    if not parts or (len(parts) == 1 and title == "By site"):
        return ""
    shown = [name for name in PART_NAMES if any(part.get(name) is not None for part in parts.values())]
    has_others = any("background" in part for part in parts.values())
    head = [
        kind,
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
        return "## Confusion matrix (rows: truth, columns: prediction)\n\n" + markdown_table(
            ("", *labels), rows
        )
    cells = [
        (counts[i][j], labels[i], labels[j])
        for i in range(len(labels))
        for j in range(len(labels))
        if i != j and counts[i][j]
    ]
    worst = sorted(cells, key=lambda cell: (-cell[0], cell[1:]))[:WORST]
    return "## Most frequent confusions\n\nThe full matrix is in the card.\n\n" + markdown_table(
        ("truth", "prediction", "n"), ((truth, predicted, n) for n, truth, predicted in worst)
    )


def _reliability(curve: list[Card] | None) -> str:
    if not curve:
        return ""
    rows = (
        (f"{bin_['from']:g}–{bin_['to']:g}", bin_["n"], bin_["confidence"], bin_["accuracy"])
        for bin_ in curve
    )
    return (
        "## Calibration\n\nThe confidence is calibrated where the last two columns agree.\n\n"
        + markdown_table(("confidence", "n", "mean confidence", "accuracy"), rows)
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
    """Return a Markdown table; None becomes a dash, and floats have three decimals."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return (
        f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )
