"""What people change in the history: reviews of results, and deletions.

A deletion leaves a tombstone, so that a device that sends the recording again does not bring it back. Rows
and tombstone change in one transaction, files go after it: what a crash leaves in between is a file that
nothing names any more, and deleting again, or the next start of the API, removes it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database import schema
from edge_worker.database.schema import deletions, recordings, reviews, uploads
from edge_worker.errors import StoreError
from edge_worker.protocol.timestamp import rfc3339

BATCH: Final = 100
"""Recordings deleted in one transaction: short, because the worker waits for it."""
_FORGET: Final = delete(deletions).where(
    deletions.c.device_id == bindparam("device"), deletions.c.recording_id == bindparam("recording")
)
_SWEEP: Final = 1000
"""Tombstones read at once."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion removed."""

    recordings: int = 0
    bytes: int = 0
    """Of sound."""


class Curation:
    """The API's writing half of the database, and the files it removes. Safe from any thread.

    Opened by its first use: the API starts before the worker has made the database. Every method may raise
    StoreError.
    """

    def __init__(self, url: str, data_dir: Path) -> None:
        self._url = url
        self._data_dir = data_dir.resolve()

    def review(
        self, device_id: str, recording_id: str, *, verdict: str, note: str, reviewer: str, expected: int
    ) -> bool:
        """Save what a person said; False when the review is not at version `expected` (0: none) any more."""
        said: dict[str, Any] = {
            "verdict": verdict,
            "note": note,
            "reviewer": reviewer,
            "reviewed_at": rfc3339(datetime.now(UTC)),
            "version": expected + 1,
        }
        mine = _mine(device_id, recording_id)
        with self._writing() as connection:
            if expected == 0:
                return _insert_review(connection, mine, said)
            change = update(reviews).where(
                reviews.c.recording == _row_of(mine), reviews.c.version == expected
            )
            return connection.execute(change.values(**said)).rowcount > 0

    def withdraw(self, device_id: str, recording_id: str, expected: int) -> bool:
        """Take a review back; False when it is not at version `expected` any more."""
        mine = _row_of(_mine(device_id, recording_id))
        with self._writing() as connection:
            gone = delete(reviews).where(reviews.c.recording == mine, reviews.c.version == expected)
            return connection.execute(gone).rowcount > 0

    def delete(self, device_id: str, recording_id: str) -> Deleted:
        """Delete a recording with everything; one that is still being analysed stays."""
        return self._delete(_mine(device_id, recording_id))

    def delete_of(self, device_id: str) -> Deleted:
        """Delete up to `BATCH` recordings of a device that were analysed."""
        return self._delete((recordings.c.device_id == device_id,))

    def delete_oldest(self, received_before: str | None = None) -> Deleted:
        """Delete up to `BATCH` of the recordings stored first; only those `received_before`, RFC 3339."""
        old = () if received_before is None else (recordings.c.received_at < received_before,)
        return self._delete((), old)

    def finish(self, device_id: str | None = None, recording_id: str | None = None) -> int:
        """Remove what a crash left of deleted recordings, all or these; return how many were deleted."""
        key = (deletions.c.device_id, deletions.c.recording_id)
        wanted = zip(key, (device_id, recording_id), strict=True)
        which = [column == value for column, value in wanted if value is not None]
        is_back = exists().where(*(recordings.c[column.name] == column for column in key))
        query = select(*key).where(*which, ~is_back).order_by(*key).limit(_SWEEP)
        count, found = 0, self._rows(query)
        while found:
            self._remove([f"audio/{row.device_id}/{row.recording_id}.wav" for row in found])
            count += len(found)
            last = found[-1]
            beyond = (key[0] > last.device_id) | ((key[0] == last.device_id) & (key[1] > last.recording_id))
            found = self._rows(query.where(beyond))
        return count

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._writing() as connection:
            return connection.execute(query).all()

    def _delete(
        self, which: Sequence[ColumnElement[bool]], also: Sequence[ColumnElement[bool]] = ()
    ) -> Deleted:
        analysed = recordings.c.document.is_not(None)
        chosen = select(recordings.c.id).where(*which, analysed).order_by(recordings.c.id).limit(BATCH)
        # Predictions and review go with their recording: ON DELETE CASCADE.
        gone = delete(recordings).where(recordings.c.id.in_(chosen), *also)
        columns = (recordings.c.device_id, recordings.c.recording_id, recordings.c.audio_file)
        with self._writing() as connection:
            rows = connection.execute(gone.returning(*columns)).all()
            keys = [(row.device_id, row.recording_id) for row in rows]
            _bury(connection, keys)
            # Sent again under the same Idempotency-Key it is a new recording, not one that is gone.
            named = tuple_(uploads.c.device_id, uploads.c.recording_id)
            connection.execute(delete(uploads).where(named.in_(keys)))
        return Deleted(len(rows), self._remove([row.audio_file for row in rows]))

    def _remove(self, audio_files: Sequence[str]) -> int:
        """Remove files, as far as they are there; return how many bytes they had."""
        freed = 0
        for name in audio_files:
            path = self._data_dir / name
            if not path.parent.resolve().is_relative_to(self._data_dir / "audio"):
                continue  # whatever the database says, only sound is removed
            try:
                size = path.lstat().st_size
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{name} cannot be removed ({error}); mend that and delete again") from error
            freed += size
        return freed

    @cached_property
    def _engine(self) -> Engine:
        return schema.connect_existing(self._url)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be written: {str(error).splitlines()[0]}") from error


def _mine(device_id: str, recording_id: str) -> tuple[ColumnElement[bool], ...]:
    return (recordings.c.device_id == device_id, recordings.c.recording_id == recording_id)


def _row_of(mine: Sequence[ColumnElement[bool]]) -> ScalarSelect[Any]:
    return select(recordings.c.id).where(*mine).scalar_subquery()


def _insert_review(connection: Connection, mine: Sequence[ColumnElement[bool]], said: dict[str, Any]) -> bool:
    nobody = ~exists().where(reviews.c.recording == recordings.c.id)
    new = select(recordings.c.id, *map(literal, said.values())).where(*mine, nobody)
    return connection.execute(insert(reviews).from_select(["recording", *said], new)).rowcount > 0


def _bury(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Leave a tombstone for each of `keys`, device and recording, and only one."""
    if keys:
        now = rfc3339(datetime.now(UTC))
        connection.execute(_FORGET, [{"device": device, "recording": name} for device, name in keys])
        graves = [{"device_id": device, "recording_id": name, "deleted_at": now} for device, name in keys]
        connection.execute(insert(deletions), graves)
