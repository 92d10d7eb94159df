"""Queries of single recordings: by id, the last of a device, their result and their timeline."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
    update,
)

from edge_worker.audio_store.sound import recording_of
from edge_worker.database.counting.count_tables import recording_counts
from edge_worker.database.schema import deletions, recordings, timelines
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.protocol.chunk import SAMPLE_BYTES
from edge_worker.protocol.result import Completeness, Result, Status
from edge_worker.protocol.timestamp import possible_capture
from edge_worker.telemetry.logfmt import line

_RESULT_COLUMNS: Final = (
    "status", "verdict", "severity", "disagree", "heart_rate_bpm", "analysed_at", "document",
)  # fmt: skip
_LOG = logging.getLogger(__name__)
_ASKED_AT_ONCE: Final = 500
"""Recordings of one query by their keys."""


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """A stored recording with its result.

    `status`, `heart_rate_bpm`, `analysed_at` and `document` are None until it is analysed.
    """

    device_id: str
    recording_id: str
    received_at: str
    captured_at: str
    captured_at_source: str
    completeness: Completeness
    missing: list[list[int]]
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
    exam: str | None
    """Id of the exam that it belongs to."""
    status: Status | None
    heart_rate_bpm: float | None
    analysed_at: str | None
    document: str | None
    """The full result, JSON text."""
    audio_start: int
    """Sample with which the WAV file begins: of a stream only the end is stored."""

    @property
    def heard_at(self) -> str | None:
        """When it was captured: the time of arrival where `captured_at` is later; None: no clock is believed.

        Databases of earlier versions have times of devices whose clocks were in 2036.
        """
        if self.captured_at_source == "unsure":
            return None
        return possible_capture(self.captured_at, self.received_at)

    @property
    def audio_s(self) -> float:
        """Length of the stored audio, seconds."""
        return (self.samples - self.audio_start) / self.sample_rate

    @property
    def gaps_s(self) -> list[tuple[float, float]]:
        """Gaps in the stored audio, in seconds from the start of the recording."""
        gaps = [(max(begin, self.audio_start), end) for begin, end in self.missing]
        return [(begin / self.sample_rate, end / self.sample_rate) for begin, end in gaps if begin < end]

    @property
    def audio_start_s(self) -> float:
        """Second of the recording with which the stored audio begins; 0 unless it is a long stream."""
        return self.audio_start / self.sample_rate


SOUND_BYTES: Final = (
    (recordings.c.samples - recordings.c.audio_start) * recordings.c.channels * SAMPLE_BYTES
).label("bytes")
"""Size of the stored sound."""
KEEPS_AUDIO: Final = """
    audio_start < samples AND (parent IS NULL OR EXISTS (
        SELECT 1 FROM recordings AS stream WHERE stream.device_id = recordings.device_id
        AND stream.recording_id = recordings.parent AND stream.audio_start < stream.samples))"""
"""Condition of SQL: the WAV file of the recording must be there. With `STETHO_STREAM_AUDIO_S=0` a stream and
its events have none."""


def audio_files(connection: Connection) -> dict[str, bool]:
    """Return the WAV files that recordings name, below the data directory: whether each must be there."""
    query = select(recordings.c.audio_file, literal_column(f"CASE WHEN {KEEPS_AUDIO} THEN 1 ELSE 0 END"))
    return {name: bool(is_kept) for name, is_kept in connection.execute(query)}


def named(connection: Connection, sounds: Sequence[str]) -> set[str]:
    """Return those of `sounds`, names of WAV files, that recordings have."""
    keys = [recording_of(each) for each in sounds]
    key = tuple_(recordings.c.device_id, recordings.c.recording_id)
    found: set[str] = set()
    for first in range(0, len(keys), _ASKED_AT_ONCE):
        some = key.in_(keys[first : first + _ASKED_AT_ONCE])
        found.update(connection.execute(select(recordings.c.audio_file).where(some)).scalars())
    return found.intersection(sounds)


def is_recording(device_id: str, recording_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions under which a row of `recordings` is this recording."""
    return recordings.c.device_id == device_id, recordings.c.recording_id == recording_id


# The row may have been deleted meanwhile, and its id be another recording's.
_SAVE_RESULT: Final = CompiledStatement(
    update(recordings)
    .where(recordings.c.id == bindparam("row"), recordings.c.document.is_(None))
    .where(
        recordings.c.device_id == bindparam("device"),
        recordings.c.recording_id == bindparam("name"),
    )
    .values({name: bindparam(name) for name in _RESULT_COLUMNS})
)


_COMPLETENESS: Final = CompiledStatement(
    union_all(
        *(
            select(answer).where(
                of.c.device_id == bindparam("device_id"), of.c.recording_id == bindparam("recording_id")
            )
            for of, answer in (
                (recordings, recordings.c.completeness),
                (deletions, literal_column("'complete'")),
            )
        )
    )
)
_NAMES_OF_DEVICE: Final = [
    CompiledStatement(
        select(of.c.recording_id).where(of.c.device_id == bindparam("device_id")).limit(bindparam("most"))
    )
    for of in (recordings, deletions)
]
_OF_DEVICE: Final = CompiledStatement(
    select(recordings.c.id).where(recordings.c.device_id == bindparam("device_id")).limit(1)
)


def completeness(connection: Connection, device_id: str, recording_id: str) -> Completeness | None:
    """Return how complete a recording was stored, None when it was not; a deleted one counts as complete.

    Its device may forget it, too.
    """
    found = _COMPLETENESS.found(connection, {"device_id": device_id, "recording_id": recording_id})
    return found[0][0] if found else None


def names(connection: Connection, device_id: str, limit: int) -> list[str]:
    """Return the recordings of a device that are stored or deleted, at most `limit` of each."""
    row = {"device_id": device_id, "most": limit}
    return [found[0] for query in _NAMES_OF_DEVICE for found in query.found(connection, row)]


def has_recordings(connection: Connection, device_id: str) -> bool:
    """Return whether there are recordings of a device."""
    return bool(_OF_DEVICE.found(connection, {"device_id": device_id}))


def save_result(connection: Connection, row: int, result: Result, *, document: str, analysed_at: str) -> bool:
    """Write a result into the row of its recording; return False when that has one already, or is gone."""
    verdict = result.verdict
    values = {
        "row": row,
        "device": result.device_id,
        "name": result.recording_id,
        "status": result.status,
        "verdict": verdict.label,
        "severity": verdict.severity,
        "disagree": bool(verdict.disagree),
        "heart_rate_bpm": result.heart_rate_bpm,
        "analysed_at": analysed_at,
        "document": document,
    }
    return _SAVE_RESULT.run(connection, [values]) > 0


def find(connection: Connection, recording_id: str, device: str | None = None) -> list[RecordingEntry]:
    """Return the recordings of that id: ids are unique per device, so there may be several."""
    query = select(*_COLUMNS).where(recordings.c.recording_id == recording_id).order_by(recordings.c.id)
    if device is not None:
        query = query.where(recordings.c.device_id == device)
    return [RecordingEntry(**row._mapping) for row in connection.execute(query)]


def latest(connection: Connection, device: str, limit: int) -> list[RecordingEntry]:
    """Return the last `limit` recordings of a device, newest first."""
    query = select(*_COLUMNS).where(recordings.c.device_id == device)
    rows = connection.execute(query.order_by(recordings.c.id.desc()).limit(limit))
    return [RecordingEntry(**row._mapping) for row in rows]


def after(
    connection: Connection, condition: ColumnElement[bool], row: int, limit: int
) -> list[tuple[int, RecordingEntry]]:
    """Return up to `limit` recordings of which a condition holds, stored after that row, with their rows."""
    query = select(recordings.c.id, *_COLUMNS).where(condition, recordings.c.id > row)
    rows = connection.execute(query.order_by(recordings.c.id).limit(limit)).mappings()
    return [(each["id"], RecordingEntry(**{name: each[name] for name in _NAMES})) for each in rows]


def of_file(connection: Connection, file_name: str, device: str | None = None) -> RecordingEntry | None:
    """Return the last recording that was uploaded under this name, None where there is none."""
    return _last(connection, recordings.c.file_name == file_name, device)


def of_stem(connection: Connection, stem: str, device: str | None = None) -> RecordingEntry | None:
    """Return the last recording that was uploaded under this name, whatever follows its last point."""
    file_name = recordings.c.file_name
    is_longer = file_name.startswith(f"{stem}.", autoescape=True)
    if connection.dialect.name == "sqlite":  # its index knows no LIKE
        is_longer &= file_name.between(f"{stem}.", f"{stem}/")
    has_point = func.substr(file_name, len(stem) + 2).contains(".")
    return _last(connection, (file_name == stem) | (is_longer & ~has_point), device)


def _last(
    connection: Connection, condition: ColumnElement[bool], device: str | None
) -> RecordingEntry | None:
    query = select(*_COLUMNS).where(condition)
    if device is not None:
        query = query.where(recordings.c.device_id == device)
    row = connection.execute(query.order_by(recordings.c.id.desc()).limit(1)).first()
    return None if row is None else RecordingEntry(**row._mapping)


def document(connection: Connection, device_id: str, recording_id: str) -> dict[str, Any] | None:
    """Return the result of a recording, None where there is none yet."""
    query = select(recordings.c.document).where(*is_recording(device_id, recording_id))
    text = connection.execute(query).scalar()
    return None if text is None else json.loads(text)


def timeline(connection: Connection, device_id: str, recording_id: str) -> str | None:
    """Return the timeline of a stream, JSON text; None: there is none, because it is no stream."""
    query = select(timelines.c.document).join_from(timelines, recordings)
    text: str | None = connection.execute(query.where(*is_recording(device_id, recording_id))).scalar()
    return text


def count(connection: Connection) -> int:
    """Return how many recordings there are."""
    return int(connection.execute(select(func.sum(recording_counts.c.recordings))).scalar() or 0)


_NAMES: Final = tuple(RecordingEntry.__dataclass_fields__)
_COLUMNS: Final = [recordings.c[name] for name in _NAMES]


def readable_rows(
    connection: Connection, columns: Sequence[Column[Any]], condition: ColumnElement[bool]
) -> Iterator[RowMapping]:
    """Yield the columns of all recordings of which `condition` holds, oldest first.

    One by one, because a row whose JSON cannot be read must cost no other; it is logged.
    """
    ids = (
        connection.execute(select(recordings.c.id).where(condition).order_by(recordings.c.id)).scalars().all()
    )
    for row_id in ids:
        try:
            row = connection.execute(select(*columns).where(recordings.c.id == row_id)).mappings().first()
        except (ValueError, TypeError, RecursionError):
            _LOG.exception(line("failed", row=row_id))
            continue
        if row is not None:
            yield row
