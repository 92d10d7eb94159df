"""Counts of recordings and labels: changed in the transaction that adds or deletes what they count.

Rows are changed in the order of their keys, so that no two writers wait for each other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final
from zlib import crc32

from sqlalchemy import Connection, delete, func, select, text

from edge_worker.database.counting.count_tables import label_counts, recording_counts
from edge_worker.database.schema import predictions, recordings
from edge_worker.database.statements.compiled_statement import CompiledStatement

_ADD_RECORDINGS: Final = CompiledStatement(
    text(
        "INSERT INTO recording_counts (device_id, recordings) VALUES (:device_id, :recordings) "
        "ON CONFLICT (device_id) DO UPDATE SET recordings = recording_counts.recordings + excluded.recordings"
    )
)
_ADD_LABELS: Final = CompiledStatement(
    text(
        "INSERT INTO label_counts (model, label, part, total, accepted) "
        "VALUES (:model, :label, :part, :total, :accepted) ON CONFLICT (model, label, part) DO UPDATE SET "
        "total = label_counts.total + excluded.total, accepted = label_counts.accepted + excluded.accepted"
    )
)
_PARTS: Final = 32
"""Of the devices; the hash that says which is theirs is in the rows, and stays as it is."""
_LabelKey = tuple[str, str, int]


def add_recordings(connection: Connection, devices: Iterable[str]) -> None:
    """Count a new recording of each of `devices`, which may name one several times."""
    _change_recordings(connection, Counter(devices))


def add_predictions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Count new rows of `predictions`."""
    totals, accepted = Counter[_LabelKey](), Counter[_LabelKey]()
    for row in rows:
        key = (row["model"], row["label"], _part_of(row["device_id"]))
        totals[key] += 1
        accepted[key] += bool(row["accepted"])
    _change_labels(connection, totals, accepted)


def remove(connection: Connection, rows: Sequence[int]) -> None:
    """Take recordings, by the ids of their rows, and their predictions out of the counts.

    Before they are deleted.
    """
    device = recordings.c.device_id
    counted = select(device, func.count()).where(recordings.c.id.in_(rows)).group_by(device)
    _change_recordings(connection, {name: -count for name, count in connection.execute(counted)})
    given = (predictions.c.model, predictions.c.label, predictions.c.device_id, predictions.c.accepted)
    totals, accepted = Counter[_LabelKey](), Counter[_LabelKey]()
    for model, label, name, is_accepted in connection.execute(
        select(*given).where(predictions.c.recording.in_(rows))
    ):
        totals[model, label, _part_of(name)] -= 1
        accepted[model, label, _part_of(name)] -= bool(is_accepted)
    _change_labels(connection, totals, accepted)
    connection.execute(delete(recording_counts).where(recording_counts.c.recordings <= 0))


def count_again(connection: Connection) -> None:
    """Count everything anew: after a repair of the database, which may have lost rows."""
    for table in (recording_counts, label_counts):
        connection.execute(delete(table))
    device = recordings.c.device_id
    counted = connection.execute(select(device, func.count()).group_by(device))
    _change_recordings(connection, {row[0]: row[1] for row in counted})
    key = (predictions.c.model, predictions.c.label, predictions.c.device_id, predictions.c.accepted)
    totals, accepted = Counter[_LabelKey](), Counter[_LabelKey]()
    for model, label, name, is_accepted, count in connection.execute(
        select(*key, func.count()).group_by(*key)
    ):
        totals[model, label, _part_of(name)] += count
        accepted[model, label, _part_of(name)] += count * bool(is_accepted)
    _change_labels(connection, totals, accepted)


def _part_of(device_id: str) -> int:
    return crc32(device_id.encode()) % _PARTS


def _change_recordings(connection: Connection, changes: dict[str, int]) -> None:
    rows = [{"device_id": device, "recordings": changes[device]} for device in sorted(changes)]
    if rows:
        _ADD_RECORDINGS.run(connection, rows)


def _change_labels(connection: Connection, totals: Counter[_LabelKey], accepted: Counter[_LabelKey]) -> None:
    names = ("model", "label", "part")
    rows = [
        {**dict(zip(names, key, strict=True)), "total": totals[key], "accepted": accepted[key]}
        for key in sorted(totals)
    ]
    if rows:
        _ADD_LABELS.run(connection, rows)
