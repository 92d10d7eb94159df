"""The reader's half of the history: pages of results, one recording, heartbeats. Nothing here writes.

Pages are cut by key, not by offset: the thousandth costs what the first costs, and what is inserted in
between moves nothing. "Newest" is the order in which recordings were stored.
"""

import base64
import binascii
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, exists, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from edge_worker import schema
from edge_worker.errors import StethoError, StoreError
from edge_worker.result import Completeness, Status
from edge_worker.schema import predictions, recordings, reviews, workers

_CURSOR: Final = struct.Struct(">Bq")
_CURSOR_VERSION: Final = 1


class CursorError(StethoError):
    """A cursor was not made by this version of the history."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a page is limited to; None lets everything through.

    `model` and `label` are held against the same prediction: with both, that model gave that label.
    """

    device: str | None = None
    label: str | None = None
    model: str | None = None
    status: Status | None = None
    since: str | None = None
    """Earliest `captured_at`: RFC 3339 in UTC with milliseconds and `Z`, as in the database."""
    until: str | None = None
    """First `captured_at` that is too late, same form."""


class Moment(NamedTuple):
    """A place in the order in which results were made."""

    analysed_at: str
    row: int


@dataclass(frozen=True, slots=True)
class Page:
    """Results, newest first."""

    documents: list[str]
    """JSON texts, exactly as published."""
    next: str | None
    """Cursor of the page after this one; None on the last."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording as the history knows it; the last four are None until it was analysed."""

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
    status: Status | None
    heart_rate_bpm: float | None
    analysed_at: str | None
    document: str | None
    """The result, JSON text exactly as published."""


@dataclass(frozen=True, slots=True)
class Verdict:
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
    given: int
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
class Heartbeat:
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

    def results(self, wanted: Filter, limit: int, cursor: str | None = None) -> Page:
        """Return up to `limit` results that pass `wanted`, newest first, from `cursor` on.

        Raises:
            CursorError: `cursor` is not one of ours.
        """
        before = None if cursor is None else _decode_cursor(cursor)
        with self._reading() as connection:
            rows = connection.execute(_page(wanted, before, limit + 1)).all()
        shown = rows[:limit]
        following = _encode_cursor(shown[-1].id) if len(rows) > limit else None
        return Page([row.document for row in shown], following)

    def recording(self, recording_id: str, device: str | None = None) -> list[Entry]:
        """Return the recordings of that id: ids are unique per device, so there may be several."""
        query = select(*(recordings.c[name] for name in Entry.__dataclass_fields__))
        query = query.where(recordings.c.recording_id == recording_id).order_by(recordings.c.id)
        if device is not None:
            query = query.where(recordings.c.device_id == device)
        with self._reading() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]

    def newest(self) -> Moment:
        """Return when the result that came last was made; the beginning of time where there is none."""
        columns = recordings.c.analysed_at, recordings.c.id
        query = select(*columns).where(recordings.c.analysed_at.is_not(None))
        with self._reading() as connection:
            row = connection.execute(query.order_by(*(each.desc() for each in columns)).limit(1)).first()
        return Moment("", 0) if row is None else Moment(*row)

    def since(self, moment: Moment, limit: int, device: str | None = None) -> list[tuple[Moment, str]]:
        """Return up to `limit` results that were made after `moment`, in the order of their making."""
        columns = recordings.c.analysed_at, recordings.c.id
        query = select(*columns, recordings.c.document).where(tuple_(*columns) > tuple_(*moment))
        if device is not None:
            query = query.where(recordings.c.device_id == device)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(*columns).limit(limit)).all()
        return [(Moment(row.analysed_at, row.id), row.document) for row in rows]

    def document(self, device_id: str, recording_id: str) -> dict[str, Any] | None:
        """Return the result of a recording; None: there is none yet."""
        query = select(recordings.c.document).where(
            recordings.c.device_id == device_id, recordings.c.recording_id == recording_id
        )
        with self._reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else json.loads(found)

    def latest(self, device: str, limit: int) -> list[Entry]:
        """Return the last `limit` recordings of a device, newest first."""
        query = select(*(recordings.c[name] for name in Entry.__dataclass_fields__))
        query = query.where(recordings.c.device_id == device).order_by(recordings.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]

    def review(self, device_id: str, recording_id: str) -> Review | None:
        """Return what a person said of a recording; None: nobody did."""
        columns = [reviews.c[name] for name in Review.__dataclass_fields__]
        query = select(*columns).join_from(reviews, recordings)
        mine = (recordings.c.device_id == device_id, recordings.c.recording_id == recording_id)
        with self._reading() as connection:
            row = connection.execute(query.where(*mine)).first()
        return None if row is None else Review(**row._mapping)

    def verdicts(self, limit: int, device: str | None = None) -> list[Verdict]:
        """Return the last `limit` predictions, of one device where one is given, newest first."""
        columns = (
            (recordings if name in ("captured_at", "audio_file") else predictions).c[name]
            for name in Verdict.__dataclass_fields__
        )
        query = select(*columns).join_from(predictions, recordings).order_by(predictions.c.id.desc())
        if device is not None:
            query = query.where(predictions.c.device_id == device)
        with self._reading() as connection:
            return [Verdict(**row._mapping) for row in connection.execute(query.limit(limit))]

    def label_counts(self) -> list[LabelCount]:
        """Return how often each model gave each label, by model, the most frequent label first."""
        model, label, given = predictions.c.model, predictions.c.label, func.count()
        accepted = func.sum(case((predictions.c.accepted, 1), else_=0))
        query = select(model, label, given, accepted).group_by(model, label)
        with self._reading() as connection:
            return [
                LabelCount(*row) for row in connection.execute(query.order_by(model, given.desc(), label))
            ]

    def heartbeats(self) -> list[Heartbeat]:
        """Return the last heartbeat of every worker, freshest first."""
        query = select(workers).order_by(workers.c.seen_at.desc())
        with self._reading() as connection:
            return [Heartbeat(**row._mapping) for row in connection.execute(query)]

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


def _page(wanted: Filter, before: int | None, limit: int) -> Select[Any]:
    """Return the query of one page, written so that SQLite walks one index in order and stops early."""
    query = select(recordings.c.id, recordings.c.document).where(recordings.c.document.is_not(None))
    key = recordings.c.id
    judged = [
        column == value
        for column, value in ((predictions.c.model, wanted.model), (predictions.c.label, wanted.label))
        if value is not None
    ]
    if judged and wanted.device is None:
        # From the predictions to their recordings: a rare label is found without reading the others.
        key = predictions.c.recording
        query = query.add_columns(key).join_from(predictions, recordings).where(*judged).distinct()
    elif judged:
        query = query.where(exists().where(predictions.c.recording == recordings.c.id, *judged))
    if wanted.device is not None:
        query = query.where(recordings.c.device_id == wanted.device)
    if wanted.status is not None:
        query = query.where(recordings.c.status == wanted.status)
    times = _times(wanted.since, wanted.until)
    if times and wanted.device is None:
        # Read from the index alone: a range long ago is found without touching what came after it.
        query = query.where(key.in_(select(recordings.c.id).where(*times)))
    elif times:
        query = query.where(*times)
    if before is not None:
        query = query.where(key < before)
    return query.order_by(key.desc()).limit(limit)


def _times(since: str | None, until: str | None) -> list[ColumnElement[bool]]:
    times = []
    if since is not None:
        times.append(recordings.c.captured_at >= since)
    if until is not None:
        times.append(recordings.c.captured_at < until)
    return times


def _encode_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(_CURSOR.pack(_CURSOR_VERSION, last_id)).decode()


def _decode_cursor(cursor: str) -> int:
    try:
        version, last_id = _CURSOR.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, struct.error):
        version, last_id = 0, 0
    if version != _CURSOR_VERSION or last_id < 1:
        raise CursorError("the cursor is not one that this history gave; start again without it")
    return int(last_id)
