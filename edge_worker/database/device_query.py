"""Query of the devices that have recordings, each with its first and last recording."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, func, select

from edge_worker.database.counting.count_tables import recording_counts
from edge_worker.database.schema import recordings
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.result import Status


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """Recordings of one device; first and last in the order in which they were stored."""

    device_id: str
    recordings: int
    first_captured_at: str
    last_captured_at: str
    last_recording_id: str
    last_status: Status | None
    """None while it is being analysed."""
    last_label: str | None
    """Of its verdict; None where it cannot be told."""
    last_severity: Severity | None


def summaries(connection: Connection, device: str | None = None) -> list[DeviceSummary]:
    """Return all devices by name, or only `device`."""
    return [DeviceSummary(**row._mapping) for row in connection.execute(_query(device))]


def _query(device: str | None) -> Select[Any]:
    """Return the query of devices: the row of each count, then the first and the last recording."""
    name = recording_counts.c.device_id
    first, last = recordings.alias(), recordings.alias()
    query = (
        select(
            name,
            recording_counts.c.recordings,
            first.c.captured_at.label("first_captured_at"),
            last.c.captured_at.label("last_captured_at"),
            last.c.recording_id.label("last_recording_id"),
            last.c.status.label("last_status"),
            last.c.verdict.label("last_label"),
            last.c.severity.label("last_severity"),
        )
        .join_from(recording_counts, first, first.c.id == _end_of_device(func.min))
        .join(last, last.c.id == _end_of_device(func.max))
    )
    return (query if device is None else query.where(name == device)).order_by(name)


def _end_of_device(end: Callable[..., ColumnElement[Any]]) -> ScalarSelect[Any]:
    """Return the id of the first or last row of a device: one step in the index of devices."""
    mine = recordings.alias()
    is_mine = mine.c.device_id == recording_counts.c.device_id
    return select(end(mine.c.id)).where(is_mine).correlate(recording_counts).scalar_subquery()
