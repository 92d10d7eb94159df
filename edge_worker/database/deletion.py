"""Deletion of recordings: their rows, their audio files, and the tombstones that keep them deleted.

A tombstone keeps a device that sends the recording again from bringing it back. Rows and tombstone change
in one transaction, files are removed after it. A crash in between leaves a file that no row names; deleting
again, or the next start of the API, removes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
)

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.sound import recording_of, sound_name
from edge_worker.database import recording_query
from edge_worker.database.counting import counts
from edge_worker.database.engine import LazyDatabase, begin_writing
from edge_worker.database.recording_query import SOUND_BYTES, is_recording
from edge_worker.database.schema import (
    LONG,
    deletions,
    device_calibrations,
    device_spectra,
    recordings,
    uploads,
)
from edge_worker.database.site_state.site_tables import uncertain_times
from edge_worker.database.subjects import subject_recordings
from edge_worker.database.subjects.subject_assignments import subject_assignments
from edge_worker.protocol.timestamp import rfc3339

BATCH: Final = 100
"""Recordings deleted in one transaction: short, because the worker waits for it."""
_TOMBSTONES_READ: Final = 1000
"""Tombstones read at once."""
_REMOVE_TOMBSTONE: Final = delete(deletions).where(
    deletions.c.device_id == bindparam("device"), deletions.c.recording_id == bindparam("recording")
)


@dataclass(frozen=True, slots=True)
class Deleted:
    """Count and size of what a deletion removed."""

    recordings: int = 0
    bytes: int = 0
    """Of audio files."""


class RecordingDeletion(LazyDatabase):
    """Deletes recordings with their results, reviews, uploads and audio files."""

    def __init__(self, url: str, audio: AudioStore) -> None:
        """Delete from the database at `url` and from the store of its sounds."""
        super().__init__(url)
        self._audio = audio

    def delete(self, device_id: str, recording_id: str) -> Deleted:
        """Delete a recording with all that belongs to it, unless it is still being analysed."""
        return self._delete(is_recording(device_id, recording_id))

    def delete_of_device(self, device_id: str) -> Deleted:
        """Delete up to `BATCH` analysed recordings of a device."""
        return self._delete((recordings.c.device_id == device_id,))

    def delete_of_subject(self, subject: str) -> Deleted:
        """Delete up to `BATCH` analysed recordings that name a subject."""
        return self._delete((subject_recordings.names(subject),))

    def delete_of_exams_of_subject(self, subject: str) -> Deleted:
        """Delete up to `BATCH` analysed recordings that name nobody, in exams of a subject.

        Before those that name it: without them nothing would say whose the others are.
        """
        return self._delete((subject_recordings.is_in_exam_of(subject),))

    def forget_device(self, device_id: str) -> bool:
        """Delete calibrations, spectrum and assigned subjects of a device; return whether there were any."""
        with self._transaction() as connection:
            counts = [
                connection.execute(delete(table).where(table.c.device_id == device_id)).rowcount
                for table in (device_calibrations, device_spectra, subject_assignments)
            ]
        return any(counts)

    def delete_received_before(self, time: str) -> Deleted:
        """Delete up to `BATCH` recordings that arrived before `time`, RFC 3339, and whose age is certain."""
        return self._delete(_arrived_before(time), order=recordings.c.received_at)

    def count_received_before(self, time: str) -> tuple[int, int]:
        """Return how many recordings `delete_received_before` would delete, and how many there are in all."""
        count = select(func.count()).select_from(recordings)
        with self._transaction() as connection:
            old = connection.execute(count.where(*_arrived_before(time))).scalar_one()
            return old, recording_query.count(connection)

    def delete_oldest(self, needed: int, device_id: str | None = None) -> Deleted:
        """Delete the recordings stored first, of one device or of all, until `needed` bytes are free.

        At most `BATCH` of them, and not one more than needed.
        """
        which = () if device_id is None else (recordings.c.device_id == device_id,)
        query = select(recordings.c.id, SOUND_BYTES).where(*which, recordings.c.document.is_not(None))
        ids: list[int] = []
        for row in self._rows(query.order_by(recordings.c.id).limit(BATCH)):
            if needed <= 0:
                break
            ids.append(row.id)
            needed -= row.bytes
        return self._delete((recordings.c.id.in_(ids),))

    def bytes_stored_after(self, row: int) -> dict[str, int]:
        """Return the bytes of sound that each device stored after a recording, by the id of its row."""
        query = select(recordings.c.device_id, cast(func.sum(SOUND_BYTES), LONG).label("bytes")).where(
            recordings.c.id > row
        )
        return {each.device_id: each.bytes for each in self._rows(query.group_by(recordings.c.device_id))}

    def last_row(self) -> int:
        """Return the id of the row that was stored last, 0 where there is none."""
        with self._transaction() as connection:
            return connection.execute(select(func.max(recordings.c.id))).scalar() or 0

    def remove_leftovers(self, device_id: str | None = None, recording_id: str | None = None) -> int:
        """Remove the files that a crash left of deleted recordings.

        Of all of them, or of one device or recording. Return how many recordings these are.
        """
        key = (deletions.c.device_id, deletions.c.recording_id)
        pairs = zip(key, (device_id, recording_id), strict=True)
        conditions = [column == value for column, value in pairs if value is not None]
        is_stored_again = exists().where(*(recordings.c[column.name] == column for column in key))
        query = select(*key).where(*conditions, ~is_stored_again).order_by(*key).limit(_TOMBSTONES_READ)
        # Of many it is looked up in a list what is there: each look at a remote store takes its time.
        there = {sound.name for sound in self._audio.sounds()} if not conditions else None
        count, rows = 0, self._rows(query)
        while rows:
            names = [sound_name(row.device_id, row.recording_id) for row in rows]
            self._audio.remove([name for name in names if there is None or name in there])
            count += len(rows)
            last = rows[-1]
            is_after = (key[0] > last.device_id) | ((key[0] == last.device_id) & (key[1] > last.recording_id))
            rows = self._rows(query.where(is_after))
        return count

    def remove_deleted(self, sounds: Sequence[str]) -> set[str]:
        """Remove those of `sounds`, which no recording has, whose recordings were deleted; return them."""
        key = tuple_(deletions.c.device_id, deletions.c.recording_id)
        deleted: set[tuple[str, str]] = set()
        for first in range(0, len(sounds), _TOMBSTONES_READ):
            some = [recording_of(each) for each in sounds[first : first + _TOMBSTONES_READ]]
            rows = self._rows(select(deletions.c.device_id, deletions.c.recording_id).where(key.in_(some)))
            deleted |= {(row.device_id, row.recording_id) for row in rows}
        names = {each for each in sounds if recording_of(each) in deleted}
        self._audio.remove(sorted(names))
        return names

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._transaction() as connection:
            return connection.execute(query).all()

    def _delete(
        self, which: Sequence[ColumnElement[bool]], order: ColumnElement[Any] = recordings.c.id
    ) -> Deleted:
        """Delete the first `BATCH` analysed recordings that are `which`."""
        is_analysed = recordings.c.document.is_not(None)
        chosen = select(recordings.c.id).where(*which, is_analysed).order_by(order).limit(BATCH)
        columns = (recordings.c.device_id, recordings.c.recording_id, recordings.c.audio_file)
        with self._transaction() as connection:
            begin_writing(connection)
            ids = connection.execute(chosen.with_for_update()).scalars().all()
            counts.remove(connection, ids)
            # Predictions and review are deleted with their recording: ON DELETE CASCADE.
            removal = delete(recordings).where(recordings.c.id.in_(ids))
            rows = connection.execute(removal.returning(*columns)).all()
            keys = [(row.device_id, row.recording_id) for row in rows]
            _add_tombstones(connection, keys)
            # Sent again under the same Idempotency-Key it is a new recording, not a deleted one.
            uploaded = tuple_(uploads.c.device_id, uploads.c.recording_id)
            connection.execute(delete(uploads).where(uploaded.in_(keys)))
        return Deleted(len(rows), self._audio.remove([row.audio_file for row in rows]))


def _arrived_before(time: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions under which a recording is older than `time`: not by a clock that was wrong."""
    is_unsure = recordings.c.id.in_(select(uncertain_times.c.recording))
    return recordings.c.received_at < time, ~is_unsure


def _add_tombstones(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Add a tombstone for each of `keys`, device and recording, replacing an earlier one."""
    if keys:
        now = rfc3339(datetime.now(UTC))
        earlier = [{"device": device, "recording": name} for device, name in keys]
        connection.execute(_REMOVE_TOMBSTONE, earlier)
        rows = [{"device_id": device, "recording_id": name, "deleted_at": now} for device, name in keys]
        connection.execute(insert(deletions), rows)
