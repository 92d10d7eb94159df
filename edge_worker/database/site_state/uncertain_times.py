"""Recordings that arrived while the clock was not believed: marked, and corrected once the time is known.

Age deletes none of them. The mark says when the recording arrived in time since the start of the system: once
the clock is believed within the same start, the true time follows from that. Otherwise the recording arrived
before now, and counts as new.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from edge_worker.database.schema import recordings
from edge_worker.database.site_state.clock_check import text_of
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.site_state.site_tables import uncertain_times
from edge_worker.protocol import strict_json

_BATCH: Final = 100
"""Recordings corrected in one transaction."""


def mark(connection: Connection, rows: Sequence[int], arrival: ClockReading) -> None:
    """Mark recordings, by the ids of their rows, which arrived at that reading; again changes nothing."""
    known = connection.execute(
        select(uncertain_times.c.recording).where(uncertain_times.c.recording.in_(rows))
    )
    new = set(rows) - set(known.scalars())
    if new:
        values = {"boot": arrival.boot, "uptime_s": arrival.uptime_s}
        connection.execute(insert(uncertain_times), [{"recording": row} | values for row in sorted(new)])


def mark_later_than(connection: Connection, received_at: str) -> None:
    """Mark the recordings that arrived, as they say, after this time: it is in the future."""
    later = select(recordings.c.id).where(recordings.c.received_at > received_at)
    rows = list(connection.execute(later).scalars())
    for start in range(0, len(rows), _BATCH):
        mark(connection, rows[start : start + _BATCH], ClockReading(0.0, "", 0.0))


def correct(connection: Connection, now: ClockReading) -> int:
    """Correct up to `_BATCH` marked recordings by the believed reading `now`; return how many it were."""
    columns = ("received_at", "captured_at", "captured_at_source", "document")
    marked = (
        select(uncertain_times, *(recordings.c[name] for name in columns))
        .join_from(uncertain_times, recordings)
        .limit(_BATCH)
    )
    found = connection.execute(marked).all()
    if not found:
        return 0
    for row in found:
        arrival = ClockReading(now.wall_s, row.boot, row.uptime_s)
        received_at = text_of(now.wall_s - arrival.elapsed_s(now))
        values = {"received_at": received_at} | _captured(row, received_at)
        connection.execute(update(recordings).where(recordings.c.id == row.recording).values(values))
    rows = [row.recording for row in found]
    connection.execute(delete(uncertain_times).where(uncertain_times.c.recording.in_(rows)))
    return len(found)


def _captured(row: Row[Any], received_at: str) -> dict[str, Any]:
    """Return the values of a row that follow from its true time, where its device had no time of its own."""
    if row.captured_at_source == "device":
        return {}
    values = {"captured_at": received_at, "captured_at_source": "worker"}
    if row.document is None:
        return values
    document = json.loads(row.document) | values | {"captured_at_claimed": row.captured_at}
    return values | {"document": strict_json.write(document)}
