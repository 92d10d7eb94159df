"""The writer's half of the history: recordings, predictions, the outbox, the heartbeat.

One thread of one worker writes. Every method is one transaction, and doing it twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from edge_worker import schema
from edge_worker.errors import StoreError
from edge_worker.result import Completeness, Prediction, Result

recordings, predictions, outbox, workers = (
    schema.recordings,
    schema.predictions,
    schema.outbox,
    schema.workers,
)

_STORED = select(recordings.c.completeness).where(
    recordings.c.device_id == bindparam("device_id"), recordings.c.recording_id == bindparam("recording_id")
)
_IDENTITY = select(recordings.c.id).where(
    recordings.c.device_id == bindparam("device_id"), recordings.c.recording_id == bindparam("recording_id")
)
_ANALYSED = (
    update(recordings)
    .where(
        recordings.c.device_id == bindparam("for_device"),
        recordings.c.recording_id == bindparam("for_recording"),
        recordings.c.document.is_(None),
    )
    .values(
        status=bindparam("status"),
        heart_rate_bpm=bindparam("heart_rate_bpm"),
        analysed_at=bindparam("analysed_at"),
        document=bindparam("document"),
    )
)


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


@dataclass(frozen=True, slots=True)
class Message:
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
        """Return how a recording was stored, None when it was not. Safe from any thread."""
        with self._engine.connect() as connection:
            found: Completeness | None = connection.execute(
                _STORED, {"device_id": device_id, "recording_id": recording_id}
            ).scalar()
        return found

    def save_recording(self, recording: StoredRecording) -> bool:
        """Insert `recording`; return False when it is there already."""
        key = {"device_id": recording.device_id, "recording_id": recording.recording_id}
        with self._engine.begin() as connection:
            if connection.execute(_IDENTITY, key).scalar() is not None:
                return False
            connection.execute(insert(recordings), _columns(recording))
        return True

    def save_result(self, result: Result, analysed_at: str, messages: Iterable[Message]) -> list[Message]:
        """Save `result` and the messages that announce it; return those with their outbox ids.

        Returns an empty list, and changes nothing, when the recording has its result already.
        """
        values = {
            "for_device": result.device_id,
            "for_recording": result.recording_id,
            "status": result.status,
            "heart_rate_bpm": result.heart_rate_bpm,
            "analysed_at": analysed_at,
            "document": result.to_json().decode(),
        }
        key = {"device_id": result.device_id, "recording_id": result.recording_id}
        with self._engine.begin() as connection:
            if connection.execute(_ANALYSED, values).rowcount == 0:
                return []
            identity = connection.execute(_IDENTITY, key).scalar_one()
            rows = [_prediction_row(identity, key, prediction) for prediction in result.models]
            if rows:
                connection.execute(insert(predictions), rows)
            return [_post(connection, message) for message in messages]

    def unanalysed(self) -> list[StoredRecording]:
        """Return the recordings that have no result yet, oldest first."""
        columns = [recordings.c[name] for name in StoredRecording.__dataclass_fields__]
        query = select(*columns).where(recordings.c.document.is_(None)).order_by(recordings.c.id)
        with self._engine.connect() as connection:
            return [StoredRecording(**row._mapping) for row in connection.execute(query)]

    def pending(self) -> list[Message]:
        """Return the messages that the broker has not acknowledged, oldest first."""
        query = select(outbox).order_by(outbox.c.id)
        with self._engine.connect() as connection:
            return [Message(row.topic, row.payload, row.retain, row.id) for row in connection.execute(query)]

    def acknowledge(self, message_ids: Iterable[int]) -> None:
        """Take messages out of the outbox: the broker has them."""
        with self._engine.begin() as connection:
            connection.execute(delete(outbox).where(outbox.c.id.in_(list(message_ids))))

    def beat(self, worker_id: str, seen_at: str, document: dict[str, Any]) -> None:
        """Note that a worker is alive."""
        values = {"seen_at": seen_at, "document": document}
        with self._engine.begin() as connection:
            mine = update(workers).where(workers.c.worker_id == worker_id)
            if connection.execute(mine.values(**values)).rowcount == 0:
                connection.execute(insert(workers), {"worker_id": worker_id, **values})

    def last_beat(self, worker_id: str) -> str | None:
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
    schema.require_revision(engine)
    return Store(engine)


def _prediction_row(identity: int, key: dict[str, str], prediction: Prediction) -> dict[str, Any]:
    return {"recording": identity, **key, **_columns(prediction)}


def _columns(row: StoredRecording | Prediction) -> dict[str, Any]:
    # Not dataclasses.asdict: its deep copies cost a third of a millisecond a recording.
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _post(connection: Connection, message: Message) -> Message:
    values = {"topic": message.topic, "payload": message.payload, "retain": message.retain}
    key = connection.execute(insert(outbox), values).inserted_primary_key
    assert key is not None  # noqa: S101 - every dialect returns it for a single row
    return Message(message.topic, message.payload, message.retain, key[0])


StoreFault = (StoreError, SQLAlchemyError)
"""What a database that is full, locked or gone raises."""
