"""Query of the devices that have recordings, each with its first and last recording."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

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
    """Return all devices by name, or only `device`; the counting reads one index alone."""
    return [DeviceSummary(**row._mapping) for row in connection.execute(_query(device))]


def _query(device: str | None) -> Select[Any]:
    """Return the query of devices: a walk of one index, then two rows for each."""
    columns = (func.count().label("recordings"), func.min(recordings.c.id), func.max(recordings.c.id))
    grouped = select(recordings.c.device_id, *columns).group_by(recordings.c.device_id)
    if device is not None:
        grouped = grouped.where(recordings.c.device_id == device)
    counts = grouped.subquery()
    name, number, first_id, last_id = counts.c
    first, last = recordings.alias(), recordings.alias()
    return (
        select(
            name,
            number,
            first.c.captured_at.label("first_captured_at"),
            last.c.captured_at.label("last_captured_at"),
            last.c.recording_id.label("last_recording_id"),
            last.c.status.label("last_status"),
            last.c.verdict.label("last_label"),
            last.c.severity.label("last_severity"),
        )
        .join_from(counts, first, first.c.id == first_id)
        .join(last, last.c.id == last_id)
        .order_by(name)
    )
