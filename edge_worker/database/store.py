"""The writer's half of the history: recordings, predictions, the outbox, the heartbeat.

One thread of one worker writes. Every method is one transaction, so that many recordings cost one sync of
the disk, and doing it twice changes nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from edge_worker.database import exam_query, result_query, schema
from edge_worker.errors import StoreError
from edge_worker.protocol import topics
from edge_worker.protocol.result import Completeness, Prediction, Result

recordings, predictions, outbox, workers, deletions, timelines = (
    schema.recordings,
    schema.predictions,
    schema.outbox,
    schema.workers,
    schema.deletions,
    schema.timelines,
)

_STORED = select(recordings.c.completeness).where(
    recordings.c.device_id == bindparam("device_id"), recordings.c.recording_id == bindparam("recording_id")
)
_DELETED = select(deletions.c.device_id).where(
    deletions.c.device_id == bindparam("device_id"), deletions.c.recording_id == bindparam("recording_id")
)
_OF_DEVICE = select(recordings.c.id).where(recordings.c.device_id == bindparam("device_id")).limit(1)
_IDENTITY = select(recordings.c.id).where(
    recordings.c.device_id == bindparam("device_id"), recordings.c.recording_id == bindparam("recording_id")
)
_ANALYSED = (
    update(recordings)
    .where(
        recordings.c.id == bindparam("identity"),
        # The row may have been deleted meanwhile, and its id be another recording's.
        recordings.c.device_id == bindparam("of_device"),
        recordings.c.recording_id == bindparam("of_recording"),
        recordings.c.document.is_(None),
    )
    .values(
        status=bindparam("status"),
        heart_rate_bpm=bindparam("heart_rate_bpm"),
        analysed_at=bindparam("analysed_at"),
        document=bindparam("document"),
    )
)
_KEPT = insert(recordings).returning(recordings.c.id, sort_by_parameter_order=True)
_POSTED = insert(outbox).returning(outbox.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A recording whose audio is durable: the facts that analysis starts from."""

    device_id: str
    recording_id: str
    received_at: str
    captured_at: str
    captured_at_source: str
    completeness: Completeness
    missing: Sequence[Sequence[int]]
    sample_rate: int
    channels: int
    samples: int
    audio_sha256: str
    audio_file: str
    """Path of the WAV file below the data directory."""
    meta: dict[str, Any]
    exam: str | None = None
    """Id of the exam that it belongs to."""
    audio_start: int = 0
    """Sample with which the sound in that file begins."""
    parent: str | None = None
    """Recording id of the stream that this is an event of."""
    parent_start: int | None = None
    """Sample of the stream with which the event begins."""
    id: int | None = None
    """Of its row, once it has one."""


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """A result to be saved, with the messages that announce it."""

    recording: int
    """Id of the recording's row."""
    result: Result
    document: str
    """The full result as published, JSON."""
    analysed_at: str
    """RFC 3339, UTC, `Z`."""
    messages: tuple["OutboxMessage", ...]


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A publish that must reach the broker."""

    topic: str
    payload: bytes
    retain: bool
    id: int = 0


class Store:
    """The writing side of the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the database at `url` and bring its tables up to date.

        Raises:
            StoreError: it cannot be opened or written, is not ours, or is of a newer version.
        """
        engine = schema.connect(url)
        found = schema.revision(engine)
        if found != schema.REVISION:
            schema.upgrade(engine)
        return cls(engine)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def completeness(self, device_id: str, recording_id: str) -> Completeness | None:
        """Return how a recording was stored, None when not; a deleted one was. Safe from any thread."""
        with self._engine.connect() as connection:
            key = {"device_id": device_id, "recording_id": recording_id}
            found: Completeness | None = connection.execute(_STORED, key).scalar()
            if found is None and connection.execute(_DELETED, key).first() is not None:
                return "complete"  # its device may forget it, too
        return found

    def has_recordings(self, device_id: str) -> bool:
        """Return whether there are recordings of a device. Safe from any thread."""
        with self._engine.connect() as connection:
            return connection.execute(_OF_DEVICE, {"device_id": device_id}).first() is not None

    def save_recordings(self, kept: Sequence[StoredRecording]) -> list[StoredRecording]:
        """Insert recordings, leave those alone that are there already; return all with their ids."""
        rows = [_columns(recording) for recording in kept]
        try:
            with self._engine.begin() as connection:
                ids = list(connection.execute(_KEPT, rows).scalars())
        except IntegrityError:  # a crash came between this commit and what follows it
            with self._engine.begin() as connection:
                ids = [_insert_if_new(connection, row) for row in rows]
        return [replace(recording, id=identity) for recording, identity in zip(kept, ids, strict=True)]

    def save_results(
        self, verdicts: Sequence[AnalysisResult], delivered: Sequence[int] = ()
    ) -> list[OutboxMessage]:
        """Save results and what announces them and their exams; return these messages with outbox ids.

        A recording that has its result already keeps it, and nothing is announced again. Messages that were
        `delivered` leave the outbox on the way.
        """
        with self._engine.begin() as connection:
            fresh = [verdict for verdict in verdicts if _mark_analysed(connection, verdict)]
            rows = [row for verdict in fresh for row in _prediction_rows(verdict)]
            if rows:
                connection.execute(insert(predictions), rows)
            if delivered:
                connection.execute(delete(outbox).where(outbox.c.id.in_(list(delivered))))
            messages = [message for verdict in fresh for message in verdict.messages]
            return _post(connection, messages + _exam_messages(connection, fresh))

    def save_stream(
        self, stream: StoredRecording, verdict: Callable[[int], AnalysisResult], timeline: str
    ) -> list[OutboxMessage]:
        """Save a stream with its result and its timeline, all at once; nothing where it is there already."""
        with self._engine.begin() as connection:
            key = {"device_id": stream.device_id, "recording_id": stream.recording_id}
            if connection.execute(_IDENTITY, key).scalar() is not None:
                return []
            identity = connection.execute(_KEPT, [_columns(stream)]).scalar_one()
            said = verdict(identity)
            _mark_analysed(connection, said)
            rows = _prediction_rows(said)
            if rows:
                connection.execute(insert(predictions), rows)
            connection.execute(insert(timelines), {"recording": identity, "document": timeline})
            return _post(connection, [*said.messages, *_exam_messages(connection, [said])])

    def last_events(self, device_id: str, limit: int) -> list[str]:
        """Return the results of the last events of a device, newest first, as JSON."""
        with self._engine.connect() as connection:
            return result_query.last_events(connection, device_id, limit)

    def unanalysed(self) -> list[StoredRecording]:
        """Return the recordings that have no result yet, oldest first."""
        columns = [recordings.c[name] for name in StoredRecording.__dataclass_fields__]
        query = select(*columns).where(recordings.c.document.is_(None)).order_by(recordings.c.id)
        with self._engine.connect() as connection:
            return [StoredRecording(**row._mapping) for row in connection.execute(query)]

    def pending(self) -> list[OutboxMessage]:
        """Return the messages that the broker has not acknowledged, oldest first."""
        query = select(outbox).order_by(outbox.c.id)
        with self._engine.connect() as connection:
            return [
                OutboxMessage(row.topic, row.payload, row.retain, row.id) for row in connection.execute(query)
            ]

    def acknowledge(self, message_ids: Iterable[int]) -> None:
        """Take messages out of the outbox: the broker has them."""
        with self._engine.begin() as connection:
            connection.execute(delete(outbox).where(outbox.c.id.in_(list(message_ids))))

    def save_heartbeat(self, worker_id: str, seen_at: str, document: dict[str, Any]) -> None:
        """Note that a worker is alive."""
        values = {"seen_at": seen_at, "document": document}
        with self._engine.begin() as connection:
            mine = update(workers).where(workers.c.worker_id == worker_id)
            if connection.execute(mine.values(**values)).rowcount == 0:
                connection.execute(insert(workers), {"worker_id": worker_id, **values})

    def last_heartbeat(self, worker_id: str) -> str | None:
        """Return when `worker_id` was last alive, RFC 3339, None when never."""
        with self._engine.connect() as connection:
            return connection.execute(
                select(func.max(workers.c.seen_at)).where(workers.c.worker_id == worker_id)
            ).scalar()


def open_existing(url: str) -> Store:
    """Return a store on a database that a worker made; nothing is created or changed by opening it.

    Raises:
        StoreError: it is not there or of another version.
    """
    engine = schema.connect(url, read_only=True)
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path and not Path(path).exists():
        raise StoreError(f"there is no database {path}; start the worker once, it creates the tables")
    schema.require_revision(engine)
    return Store(engine)


def _insert_if_new(connection: Connection, row: dict[str, Any]) -> int:
    key = {name: row[name] for name in ("device_id", "recording_id")}
    found: int | None = connection.execute(_IDENTITY, key).scalar()
    return connection.execute(_KEPT, [row]).scalar_one() if found is None else found


def _mark_analysed(connection: Connection, verdict: AnalysisResult) -> bool:
    """Write the result into its recording; False when it has one already, or is gone."""
    values = {
        "identity": verdict.recording,
        "of_device": verdict.result.device_id,
        "of_recording": verdict.result.recording_id,
        "status": verdict.result.status,
        "heart_rate_bpm": verdict.result.heart_rate_bpm,
        "analysed_at": verdict.analysed_at,
        "document": verdict.document,
    }
    return connection.execute(_ANALYSED, values).rowcount > 0


def _prediction_rows(verdict: AnalysisResult) -> list[dict[str, Any]]:
    result = verdict.result
    key = {
        "recording": verdict.recording,
        "device_id": result.device_id,
        "recording_id": result.recording_id,
    }
    return [{**key, **_columns(prediction)} for prediction in result.models]


def _exam_messages(connection: Connection, fresh: Sequence[AnalysisResult]) -> list[OutboxMessage]:
    """Return what the exams say now that these results joined them."""
    results = [verdict.result for verdict in fresh]
    joined = dict.fromkeys((each.device_id, each.exam) for each in results if each.exam is not None)
    return [
        OutboxMessage(topics.exam(*key), exam_query.exam(connection, *key).to_json(), retain=False)
        for key in joined
    ]


def _columns(row: StoredRecording | Prediction) -> dict[str, Any]:
    # Not dataclasses.asdict: its deep copies cost a third of a millisecond a recording.
    return {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "id"}


def _post(connection: Connection, messages: list[OutboxMessage]) -> list[OutboxMessage]:
    if not messages:
        return []
    rows = [{"topic": each.topic, "payload": each.payload, "retain": each.retain} for each in messages]
    ids = connection.execute(_POSTED, rows).scalars()
    return [replace(message, id=identity) for message, identity in zip(messages, ids, strict=True)]


StoreFault = (StoreError, OperationalError, InterfaceError)
"""What a database that is full, locked or gone raises. Anything else is a bug and is not tried again."""
