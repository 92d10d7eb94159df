"""The reader's half of the history: pages of results, one recording, heartbeats. Nothing here writes.

"Newest" is the order in which recordings were stored, unless another is asked for.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

from sqlalchemy import Connection, Engine, Select, case, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database import exam_query, result_query, schema
from edge_worker.database.exam_query import ExamPage
from edge_worker.database.result_query import ResultFilter, ResultPage, Sort
from edge_worker.database.schema import predictions, recordings, reviews, timelines, workers
from edge_worker.errors import StoreError
from edge_worker.protocol.exam import Exam
from edge_worker.protocol.result import Completeness, Status

_READ_AHEAD: Final = 200


class ResultPosition(NamedTuple):
    """A place in the order in which results were made."""

    analysed_at: str
    row: int


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """A recording as the history knows it; status, heart rate, time and document are None until analysed."""

    device_id: str
    recording_id: str
    received_at: str
    captured_at: str
    captured_at_source: str
    completeness: Completeness
    missing: list[list[int]]
    """Half-open ranges of samples that never came."""
    sample_rate: int
    """Hz"""
    channels: int
    samples: int
    """Per channel."""
    audio_sha256: str
    audio_file: str
    """Path of the WAV file below the data directory."""
    meta: dict[str, Any]
    exam: str | None
    """Id of the exam that it belongs to."""
    status: Status | None
    heart_rate_bpm: float | None
    analysed_at: str | None
    document: str | None
    """The result, JSON text exactly as published."""
    audio_start: int
    """Sample with which the sound that is here begins: of a stream only the end is kept."""

    @property
    def audio_s(self) -> float:
        """Length of the sound that is here, seconds."""
        return (self.samples - self.audio_start) / self.sample_rate

    @property
    def gaps_s(self) -> list[tuple[float, float]]:
        """What never came of the sound that is here, in seconds from where that begins."""
        gaps = [(max(begin, self.audio_start), end) for begin, end in self.missing]
        return [
            ((begin - self.audio_start) / self.sample_rate, (end - self.audio_start) / self.sample_rate)
            for begin, end in gaps
            if begin < end
        ]


@dataclass(frozen=True, slots=True)
class PredictionEntry:
    """What one model said about one recording, in few words."""

    captured_at: str
    device_id: str
    recording_id: str
    audio_file: str
    model: str
    label: str
    confidence: float
    accepted: bool
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often a model gave a label."""

    model: str
    label: str
    total: int
    accepted: int
    """How often of these it was sure enough to be shown."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said of a result."""

    verdict: Literal["confirmed", "rejected"]
    note: str
    reviewer: str
    reviewed_at: str
    version: int
    """1 for the first, one more with every change."""


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """What is here of a device; first and last in the order in which its recordings were stored."""

    device_id: str
    recordings: int
    first_captured_at: str
    last_captured_at: str
    last_recording_id: str
    last_status: Status | None
    """None while it is being analysed."""
    last_label: str | None
    """Of the first model that was sure; None: no model was."""


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """When a worker was last alive, and what it said of itself."""

    worker_id: str
    seen_at: str
    document: dict[str, Any]


class History:
    """The reading side of the database. Safe from any thread; every method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the history at `url`, which need not exist yet.

        Raises:
            StoreError: `url` is malformed, or what it names is not our database.
        """
        history = cls(schema.connect(url, read_only=True))
        if history._is_there():
            schema.revision(history._engine)
        else:
            _require_room(Path(str(history._engine.url.database)).parent)
        return history

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def require_ready(self) -> None:
        """Raise StoreError, which says what to do, unless the tables are there in this version."""
        self._require_file()
        schema.require_revision(self._engine)

    def results(
        self, wanted: ResultFilter, limit: int, cursor: str | None = None, sort: Sort = "-stored"
    ) -> ResultPage:
        """Return up to `limit` results that pass `wanted`, in the order of `sort`, from `cursor` on.

        Raises:
            CursorError: `cursor` is not one of ours, or of another order.
        """
        with self._reading() as connection:
            return result_query.read(connection, wanted, sort, cursor, limit)

    def all_results(self, wanted: ResultFilter, sort: Sort = "-stored") -> Iterator[str]:
        """Give the documents of all pages, read as they are taken: memory and transactions stay small."""
        cursor: str | None = None
        while True:
            found = self.results(wanted, _READ_AHEAD, cursor, sort)
            yield from found.documents
            if found.next is None:
                return
            cursor = found.next

    def recording(self, recording_id: str, device: str | None = None) -> list[RecordingEntry]:
        """Return the recordings of that id: ids are unique per device, so there may be several."""
        query = select(*(recordings.c[name] for name in RecordingEntry.__dataclass_fields__))
        query = query.where(recordings.c.recording_id == recording_id).order_by(recordings.c.id)
        if device is not None:
            query = query.where(recordings.c.device_id == device)
        with self._reading() as connection:
            return [RecordingEntry(**row._mapping) for row in connection.execute(query)]

    def last_position(self) -> ResultPosition:
        """Return when the result that came last was made; the beginning of time where there is none."""
        columns = recordings.c.analysed_at, recordings.c.id
        query = select(*columns).where(recordings.c.analysed_at.is_not(None))
        with self._reading() as connection:
            row = connection.execute(query.order_by(*(each.desc() for each in columns)).limit(1)).first()
        return ResultPosition("", 0) if row is None else ResultPosition(*row)

    def results_after(
        self, moment: ResultPosition, limit: int, device: str | None = None
    ) -> list[tuple[ResultPosition, str]]:
        """Return up to `limit` results that were made after `moment`, in the order of their making."""
        columns = recordings.c.analysed_at, recordings.c.id
        query = select(*columns, recordings.c.document).where(tuple_(*columns) > tuple_(*moment))
        if device is not None:
            query = query.where(recordings.c.device_id == device)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(*columns).limit(limit)).all()
        return [(ResultPosition(row.analysed_at, row.id), row.document) for row in rows]

    def document(self, device_id: str, recording_id: str) -> dict[str, Any] | None:
        """Return the result of a recording; None: there is none yet."""
        query = select(recordings.c.document).where(
            recordings.c.device_id == device_id, recordings.c.recording_id == recording_id
        )
        with self._reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else json.loads(found)

    def timeline(self, device_id: str, recording_id: str) -> str | None:
        """Return the timeline of a stream, JSON text; None: there is none, for it is no stream."""
        query = select(timelines.c.document).join_from(timelines, recordings)
        mine = (recordings.c.device_id == device_id, recordings.c.recording_id == recording_id)
        with self._reading() as connection:
            found: str | None = connection.execute(query.where(*mine)).scalar()
        return found

    def latest_recordings(self, device: str, limit: int) -> list[RecordingEntry]:
        """Return the last `limit` recordings of a device, newest first."""
        query = select(*(recordings.c[name] for name in RecordingEntry.__dataclass_fields__))
        query = query.where(recordings.c.device_id == device).order_by(recordings.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [RecordingEntry(**row._mapping) for row in connection.execute(query)]

    def last_events(self, device_id: str, limit: int) -> list[str]:
        """Return the results of the last events of a device, newest first, as JSON."""
        with self._reading() as connection:
            return result_query.last_events(connection, device_id, limit)

    def review(self, device_id: str, recording_id: str) -> Review | None:
        """Return what a person said of a recording; None: nobody did."""
        columns = [reviews.c[name] for name in Review.__dataclass_fields__]
        query = select(*columns).join_from(reviews, recordings)
        mine = (recordings.c.device_id == device_id, recordings.c.recording_id == recording_id)
        with self._reading() as connection:
            row = connection.execute(query.where(*mine)).first()
        return None if row is None else Review(**row._mapping)

    def exam(self, exam_id: str, device: str | None = None) -> list[Exam]:
        """Return the exams of that id: ids are unique per device, so there may be several."""
        with self._reading() as connection:
            found = exam_query.devices(connection, exam_id, device)
            return [exam_query.exam(connection, each, exam_id) for each in found]

    def exams(self, limit: int, device: str | None = None, after: int | None = None) -> ExamPage:
        """Return up to `limit` exams, the one begun last first, from `after` on."""
        with self._reading() as connection:
            return exam_query.read(connection, limit, device, after)

    def predictions(self, limit: int, device: str | None = None) -> list[PredictionEntry]:
        """Return the last `limit` predictions, of one device where one is given, newest first."""
        columns = (
            (recordings if name in ("captured_at", "audio_file") else predictions).c[name]
            for name in PredictionEntry.__dataclass_fields__
        )
        query = select(*columns).join_from(predictions, recordings).order_by(predictions.c.id.desc())
        if device is not None:
            query = query.where(predictions.c.device_id == device)
        with self._reading() as connection:
            return [PredictionEntry(**row._mapping) for row in connection.execute(query.limit(limit))]

    def devices(self, device: str | None = None) -> list[DeviceSummary]:
        """Return the devices by name, or the one that is named; counted in an index alone."""
        with self._reading() as connection:
            rows = connection.execute(_devices(device))
            return [DeviceSummary(**row._mapping) for row in rows]

    def label_counts(self) -> list[LabelCount]:
        """Return how often each model gave each label, by model, the most frequent label first."""
        model, label, given = predictions.c.model, predictions.c.label, func.count()
        accepted = func.sum(case((predictions.c.accepted, 1), else_=0))
        query = select(model, label, given, accepted).group_by(model, label)
        with self._reading() as connection:
            return [
                LabelCount(*row) for row in connection.execute(query.order_by(model, given.desc(), label))
            ]

    def heartbeats(self) -> list[WorkerHeartbeat]:
        """Return the last heartbeat of every worker, freshest first."""
        query = select(workers).order_by(workers.c.seen_at.desc())
        with self._reading() as connection:
            return [WorkerHeartbeat(**row._mapping) for row in connection.execute(query)]

    def count(self) -> int:
        """Return how many recordings there are."""
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(recordings)).scalar_one()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._require_file()
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            schema.require_revision(self._engine)  # says it better where it is the reason
            raise StoreError(f"the database cannot be read: {str(error).splitlines()[0]}") from error

    def _require_file(self) -> None:
        # Connecting would make an empty file, which then belongs to the wrong program.
        if not self._is_there():
            raise StoreError("the database does not exist yet; start the worker once, it creates the tables")

    def _is_there(self) -> bool:
        path = self._engine.url.database
        return self._engine.dialect.name != "sqlite" or path is None or Path(path).exists()


def _require_room(directory: Path) -> None:
    """Raise StoreError when the worker could never make the database in `directory`."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    # A reader writes there too: the `-shm` file of SQLite's WAL.
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        raise StoreError(
            f"{directory} is not a directory that can be written; set STETHO_DATA_DIR or STETHO_DATABASE_URL"
        )


def _devices(device: str | None) -> Select[Any]:
    """Return the query of devices: a walk of one index, then two rows and a label for each."""
    count = (func.count().label("recordings"), func.min(recordings.c.id), func.max(recordings.c.id))
    counted = select(recordings.c.device_id, *count).group_by(recordings.c.device_id)
    if device is not None:
        counted = counted.where(recordings.c.device_id == device)
    each = counted.subquery()
    name, number, first_id, last_id = each.c
    first, last = recordings.alias(), recordings.alias()
    sure = select(predictions.c.label).where(predictions.c.recording == last_id, predictions.c.accepted)
    return (
        select(
            name,
            number,
            first.c.captured_at.label("first_captured_at"),
            last.c.captured_at.label("last_captured_at"),
            last.c.recording_id.label("last_recording_id"),
            last.c.status.label("last_status"),
            sure.order_by(predictions.c.id).limit(1).scalar_subquery().label("last_label"),
        )
        .join_from(each, first, first.c.id == first_id)
        .join(last, last.c.id == last_id)
        .order_by(name)
    )
