"""CSV table of labelled recordings: file, label and group of each."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.errors import AudioError
from edge_worker.inference.model_card import ModelCard

OTHER: Final = ""
"""Stands for every label that the model does not have."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns to read."""

    file: str = "file"
    label: str = "label"
    group: str | None = None
    """Patient, speaker or source; None: each file is a group of its own."""
    by: str | None = None
    """Column whose values are reported separately; None: no such column."""

    @property
    def names(self) -> list[str]:
        """Names of the columns that the table must have."""
        return [name for name in (self.file, self.label, self.group, self.by) if name is not None]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled recording."""

    file: str
    label: str
    """A label of the model card, or `OTHER`."""
    group: str
    part: str
    """Value in the column `Columns.by`; empty without it."""


def read(path: Path, columns: Columns, card: ModelCard, *, others_as_background: bool = False) -> list[Row]:
    """Return the rows of a CSV file.

    `others_as_background`: rows with other labels than those of the model become `OTHER`.

    Raises:
        AudioError: the CSV does not fit the model; the message is a sentence for the user.
    """
    if others_as_background and not card.background:
        raise AudioError(
            f"{card.model} has no background output: leave out --others-as-background and such rows"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
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
        _checked(row, f"{path} line {number}", card, others_as_background)
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


def _checked(row: Row, where: str, card: ModelCard, others_as_background: bool) -> Row:
    """Return a row whose label is one of the card's or `OTHER`; raises AudioError."""
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
