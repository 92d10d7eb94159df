"""Write access to the database for the worker: recordings, results, outbox and heartbeat.

Two threads of a worker write. Every method is one transaction: one sync; called twice, nothing changes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError

from edge_worker.database import (
    exam_query,
    outbox,
    prediction_query,
    recording_query,
    result_feed,
    worker_heartbeat,
)
from edge_worker.database.adaptation import running_spectrum
from edge_worker.database.counting import counted_rows, counts
from edge_worker.database.engine import connect, connect_existing, follow_file, sqlite_path
from edge_worker.database.lookup.received_recordings import ReceivedRecordings
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.repair.database_repair import DatabaseRepair
from edge_worker.database.revision import REVISION, current_revision, upgrade
from edge_worker.database.schema import deletions, recordings, timelines
from edge_worker.database.site_state.site_clock import SiteClock
from edge_worker.database.subjects import subject_assignments
from edge_worker.database.worker_heartbeat import WorkerHeartbeat
from edge_worker.errors import StoreError
from edge_worker.protocol.result import CapturedAtSource, Completeness, Result
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS, HeldShards
from edge_worker.protocol.verdict import Verdict

InsertRows = Callable[[Connection, Sequence[dict[str, Any]]], list[int]]
StoreFault = (StoreError, OperationalError, InterfaceError)
"""Errors of a database that is full, locked or gone. Any other error is a bug, and not worth another try."""
LookupFault = (*StoreFault, DatabaseError)
"""Errors of a query by ids: it may find the database damaged, which is not the fault of what it looks up."""


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A recording whose audio is durable: what its analysis starts from."""

    device_id: str
    recording_id: str
    received_at: str
    captured_at: str
    captured_at_source: CapturedAtSource
    completeness: Completeness
    missing: Sequence[Sequence[int]]
    """Half-open ranges of samples that did not arrive."""
    sample_rate: int
    """Hz"""
    channels: int
    samples: int
    """Per channel."""
    audio_sha256: str
    audio_file: str
    """Path of the WAV file below the data directory."""
    meta: dict[str, Any]
    exam: str | None = None
    """Id of the exam that it belongs to."""
    audio_start: int = 0
    """Sample with which the WAV file begins."""
    parent: str | None = None
    """Recording id of the stream that this is an event of."""
    parent_start: int | None = None
    """Sample of the stream with which the event begins."""
    file_name: str | None = None
    subject: str | None = None
    id: int | None = None
    """Of its row, once it has one."""

    def assigned_to(self, subject: str | None) -> Self:
        """Return the recording with the subject that was assigned to its device; its own wins."""
        if subject is None or self.subject is not None:
            return self
        named = {"subject": subject, "subject_source": subject_assignments.SOURCE}
        return replace(self, subject=subject, meta={**self.meta, **named})


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """The result of an analysis with the messages that publish it, to be saved together."""

    recording: int
    """Id of the recording's row."""
    result: Result
    document: str
    """The full result, JSON; the published one may be shorter."""
    analysed_at: str
    """RFC 3339, UTC, `Z`."""
    messages: tuple[OutboxMessage, ...]
    heart_shape: tuple[float, ...] | None = None
    """Spectral shape that the spectrum of its device learns from, dB by band; None: it learns nothing."""


class Store:
    """The writing side of the database; `History` is the reading side."""

    def __init__(self, engine: Engine, repair: DatabaseRepair) -> None:
        self._engine = engine
        self.repair = repair
        self.received = ReceivedRecordings(engine)

    @classmethod
    def open(cls, url: str, *, is_ours: bool = False) -> Self:
        """Open the database at `url`, creating it where it does not exist, and upgrade its tables.

        A damaged SQLite file is repaired; one of which nothing can be read is moved aside if it `is_ours`.

        Raises:
            StoreError: it cannot be opened or written, is not ours, or is of a newer version.
        """
        engine = connect(url)
        store = cls(engine, DatabaseRepair(sqlite_path(engine), is_ours=is_ours))
        store.repair.make_usable()
        store._make_tables()
        follow_file(engine)
        return store

    @cached_property
    def clock(self) -> SiteClock:
        """The clock of this site, whose believed time is in this database."""
        return SiteClock(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        self.repair.close()

    def mend(self, error: Exception) -> None:
        """Repair the file if `error` says that it is damaged or gone; raises StoreError where that fails."""
        self.repair.mend(error, self._make_tables)

    def _make_tables(self) -> None:
        if current_revision(self._engine) != REVISION:
            upgrade(self._engine)
        if self.repair.has_lost_rows:
            with self._engine.begin() as connection:
                counts.count_again(connection)
        self._engine.dispose()
        self.repair.hold()

    def completeness(self, device_id: str, recording_id: str) -> Completeness | None:
        """Return how complete a recording was stored, None when it was not. Safe from any thread.

        A deleted recording counts as stored completely.
        """
        with self._engine.connect() as connection:
            return recording_query.completeness(connection, device_id, recording_id)

    def has_recordings(self, device_id: str) -> bool:
        """Return whether there are recordings of a device. Safe from any thread."""
        with self._engine.connect() as connection:
            return recording_query.has_recordings(connection, device_id)

    def assigned_subject(self, device_id: str, captured_at: str, received_at: str) -> str | None:
        """Return whose a recording is that names nobody; None: no operator said so. Safe from any thread."""
        with self._engine.connect() as connection:
            return subject_assignments.subject_of(connection, device_id, captured_at, received_at)

    def unanalysed(self, shards: HeldShards = ALL_SHARDS) -> list[StoredRecording]:
        """Return the recordings without a result, oldest first; not those that cannot be read."""
        columns = [recordings.c[name] for name in StoredRecording.__dataclass_fields__]
        with self._engine.connect() as connection:
            rows = recording_query.readable_rows(connection, columns, recordings.c.document.is_(None))
            return [StoredRecording(**row) for row in rows if shards.holds(row["device_id"])]

    def known(self) -> set[tuple[str, str]]:
        """Return device and recording id of every recording that is stored or was deleted."""
        queries = [select(table.c.device_id, table.c.recording_id) for table in (recordings, deletions)]
        with self._engine.connect() as connection:
            return {(row[0], row[1]) for query in queries for row in connection.execute(query)}

    def save_recordings(
        self, new: Sequence[StoredRecording], *, assign: bool = False
    ) -> list[StoredRecording]:
        """Insert recordings, leaving those alone that exist already; return all with their ids.

        With `assign`, one without a subject is of whom its device was assigned to.
        """
        try:
            return self._insert(new, counted_rows.insert_recordings, assign=assign)
        except IntegrityError:  # a crash came between this commit and what follows it
            return self._insert(new, counted_rows.insert_new, assign=assign)

    def _insert(
        self, new: Sequence[StoredRecording], insert_rows: InsertRows, *, assign: bool
    ) -> list[StoredRecording]:
        with self._engine.begin() as connection:
            named = subject_assignments.named(connection, new) if assign else new
            ids = insert_rows(connection, [_columns(each) for each in named])
            self.clock.mark(connection, zip(ids, [each.received_at for each in new], strict=True))
        self.received.add(new)
        return [replace(recording, id=row_id) for recording, row_id in zip(named, ids, strict=True)]

    def save_results(
        self, results: Sequence[AnalysisResult], delivered: Sequence[int] = ()
    ) -> list[OutboxMessage]:
        """Save results with the messages that publish them and their exams; return these with outbox ids.

        A recording that has its result already keeps it, nothing is published again, and the spectrum of its
        device learns nothing again. Messages that were `delivered` are removed from the outbox in the same
        transaction.
        """
        with self._engine.begin() as connection:
            new = [each for each in results if _save_result(connection, each)]
            _add_predictions(connection, new)
            if delivered:
                outbox.remove(connection, delivered)
            for each in new:
                if each.heart_shape is not None:
                    running_spectrum.learn(connection, each.result.device_id, each.heart_shape)
            exams = exam_query.messages(connection, [each.result for each in new])
            posted = outbox.add(connection, [each for one in new for each in one.messages] + exams)
            result_feed.add(connection, [each.recording for each in new])
        return posted

    def save_stream(
        self, stream: StoredRecording, result_of_row: Callable[[int], AnalysisResult], timeline: str
    ) -> list[OutboxMessage]:
        """Save a stream with its result and its timeline in one transaction, unless it exists already.

        `result_of_row` makes the result for the id of the stream's row.
        """
        try:
            with self._engine.begin() as connection:
                if counted_rows.row_id(connection, row := _columns(stream)) is not None:
                    return []
                (row_id,) = counted_rows.insert_recordings(connection, [row])
                self.clock.mark(connection, [(row_id, stream.received_at)])
                _save_result(connection, new := result_of_row(row_id))
                _add_predictions(connection, [new])
                connection.execute(insert(timelines), {"recording": row_id, "document": timeline})
                exams = exam_query.messages(connection, [new.result])
                posted = outbox.add(connection, [*new.messages, *exams])
                result_feed.add(connection, [new.recording])
        except IntegrityError:
            if self.completeness(stream.device_id, stream.recording_id) is None:
                raise
            posted = []  # another worker, which had the device before, saved it just now
        self.received.add([stream])
        return posted

    def last_events(self, device_id: str, limit: int) -> list[str]:
        """Return the results of the last events of a device, newest first, JSON texts."""
        with self._engine.connect() as connection:
            return result_feed.last_events(connection, device_id, limit)

    def event_verdict(self, device_id: str, stream: str) -> Verdict | None:
        """Return the verdict of the most serious event of a stream, of those the last; None: none has one."""
        with self._engine.connect() as connection:
            return result_feed.event_verdict(connection, device_id, stream)

    def pending(self, shards: HeldShards = ALL_SHARDS) -> list[OutboxMessage]:
        """Return the messages that the broker has not acknowledged, oldest first."""
        with self._engine.connect() as connection:
            return [each for each in outbox.pending(connection) if shards.publishes(each.topic)]

    def acknowledge(self, message_ids: Iterable[int]) -> None:
        """Remove messages from the outbox: the broker has acknowledged them."""
        with self._engine.begin() as connection:
            outbox.remove(connection, message_ids)

    def save_heartbeat(self, worker_id: str, seen_at: str, document: dict[str, Any]) -> None:
        """Write the heartbeat of a worker; `seen_at` is RFC 3339 in UTC."""
        with self._engine.begin() as connection:
            worker_heartbeat.save(connection, WorkerHeartbeat(worker_id, seen_at, document))

    def last_heartbeat(self, worker_id: str) -> str | None:
        """Return the time of a worker's last heartbeat, RFC 3339, None where there is none."""
        with self._engine.connect() as connection:
            return worker_heartbeat.last_seen(connection, worker_id)


def open_existing(url: str) -> Store:
    """Return a read-only store on an existing database of this version; raises StoreError."""
    return Store(connect_existing(url, read_only=True), DatabaseRepair(None, is_ours=False))


def _save_result(connection: Connection, new: AnalysisResult) -> bool:
    return recording_query.save_result(
        connection, new.recording, new.result, document=new.document, analysed_at=new.analysed_at
    )


def _add_predictions(connection: Connection, new: Sequence[AnalysisResult]) -> None:
    rows = [row for each in new for row in prediction_query.rows(each.recording, each.result)]
    counted_rows.insert_predictions(connection, rows)


def _columns(row: StoredRecording) -> dict[str, Any]:
    # Not dataclasses.asdict: its deep copies cost a third of a millisecond a recording.
    return {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "id"}
