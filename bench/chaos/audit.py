"""Audit of a site: of what the neighbours sent, what is stored, lost, doubled or another sound."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.neighbours import Sent


@dataclass(frozen=True, slots=True)
class Audit:
    """Counts of recordings."""

    sent: int
    stored: int
    """Whole, with the sound that was sent, and analysed."""
    lost: int
    """Not in the history, or without samples that the neighbour sent."""
    doubled: int
    """With more than one row, or more than one prediction of a model."""
    corrupted: int
    """With another sound than was sent."""


def audit(data_dir: Path, sent: Iterable[Sent]) -> Audit:
    """Return the audit of the history in a data directory; raises sqlite3.Error when it cannot be read."""
    known = list(sent)
    with closing(sqlite3.connect(f"file:{data_dir / 'stetho.db'}?mode=ro", uri=True, timeout=30)) as history:
        rows = history.execute(
            "SELECT device_id, recording_id, completeness, audio_sha256, document IS NOT NULL FROM recordings"
        ).fetchall()
        doubled = history.execute(
            "SELECT COUNT(*) - COUNT(DISTINCT recording || ' ' || model) FROM predictions"
        ).fetchone()[0]
    by_name: dict[tuple[str, str], list[tuple[str, str, bool]]] = {}
    for device_id, recording_id, completeness, digest, is_analysed in rows:
        by_name.setdefault((device_id, recording_id), []).append((completeness, digest, bool(is_analysed)))
    found = [by_name.get((each.device_id, each.delivery.name), []) for each in known]
    whole = [rows[0][0] == "complete" if rows else False for rows in found]
    same = [bool(rows) and rows[0][1] == each.audio_sha256 for rows, each in zip(found, known, strict=True)]
    return Audit(
        sent=len(known),
        stored=sum(rows[0][2] and is_same for rows, is_same in zip(found, same, strict=True) if rows),
        lost=whole.count(False),
        doubled=doubled + sum(len(rows) > 1 for rows in found),
        corrupted=sum(is_whole and not is_same for is_whole, is_same in zip(whole, same, strict=True)),
    )
