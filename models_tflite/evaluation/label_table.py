"""A CSV of labelled recordings: which file, which label, whom it is from."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.errors import AudioError
from edge_worker.inference.classifier import ModelCard

OTHER: Final = ""
"""Stands for every label that the model does not know."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns that are read."""

    file: str = "file"
    label: str = "label"
    group: str | None = None
    """None: each file is a group of its own."""
    by: str | None = None
    """Column whose values are reported one by one; None: none is."""

    @property
    def names(self) -> list[str]:
        """Those that must be there."""
        return [name for name in (self.file, self.label, self.group, self.by) if name is not None]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled recording."""

    file: str
    label: str
    """One of the card's, or `OTHER`."""
    group: str
    part: str
    """Value of `Columns.by`; empty without it."""


def read(path: Path, columns: Columns, card: ModelCard, *, others_as_background: bool = False) -> list[Row]:
    """Return every row; raises AudioError with a sentence when the CSV does not fit the model."""
    if others_as_background and not card.background:
        raise AudioError(f"{card.model} knows no background: leave out --others-as-background and such rows")
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            reader = csv.DictReader(table)
            missing = [name for name in columns.names if name not in (reader.fieldnames or ())]
            lines = [] if missing else list(reader)
    except FileNotFoundError as error:
        raise AudioError(f"{path} is missing: give --labels a CSV with files and labels") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AudioError(f"{path} is not a CSV in UTF-8 ({error}): save it as one") from error
    if missing:
        raise AudioError(
            f"{path} has no column {' and no column '.join(sorted(missing))}: add it, or name another"
        )
    if not lines:
        raise AudioError(f"{path} has no rows: there is nothing to evaluate")
    rows = [_row(line, columns) for line in lines]
    return [
        _known(row, f"{path} line {number}", card, others_as_background)
        for number, row in enumerate(rows, start=2)
    ]


def _row(line: dict[str, str], columns: Columns) -> Row:
    file = line[columns.file] or ""
    return Row(
        file,
        line[columns.label] or "",
        (line[columns.group] or "") if columns.group else file,
        (line[columns.by] or "") if columns.by else "",
    )


def _known(row: Row, where: str, card: ModelCard, others_as_background: bool) -> Row:
    if not row.file:
        raise AudioError(f"{where} names no file: complete or remove the line")
    if row.label in card.labels:
        return row
    if not others_as_background:
        hint = "; or add --others-as-background" if card.background else ""
        raise AudioError(
            f"{where}: the model does not know {row.label!r}, only {', '.join(card.labels)}{hint}"
        )
    return Row(row.file, OTHER, row.group, row.part)
