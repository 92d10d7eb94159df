"""What is stored of one subject: in numbers, recording by recording, and the clips for training."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, cast, delete, func, select

from edge_worker.database import recording_query
from edge_worker.database.engine import LazyDatabase
from edge_worker.database.recording_query import SOUND_BYTES, RecordingEntry
from edge_worker.database.reviewing.review_tables import reviews
from edge_worker.database.schema import LONG, recordings, training_clips
from edge_worker.database.subjects.subject_change import set_subject
from edge_worker.database.subjects.subject_recordings import is_of
from edge_worker.database.training import source_digest

_BATCH = 100


@dataclass(frozen=True, slots=True)
class SubjectSummary:
    """What is stored of a subject, in numbers."""

    subject: str
    recordings: int
    analysing: int
    """Recordings without a result yet."""
    audio_bytes: int
    reviews: int
    exams: tuple[tuple[str, str], ...]
    """Device and id of each exam."""
    clips: int
    """Clips for training: recordings, and uploads whose source is named like the subject."""
    devices: tuple[str, ...]
    first_received_at: str | None
    last_received_at: str | None


@dataclass(frozen=True, slots=True)
class NamedSubject:
    """A subject that recordings name."""

    subject: str
    recordings: int
    last_received_at: str
    """Of the one that was stored last."""


class SubjectTable(LazyDatabase):
    """Reads what is stored of subjects, and deletes clips for training. Recordings: `RecordingDeletion`."""

    def summary(self, subject: str) -> SubjectSummary | None:
        """Return what is stored of a subject, in numbers; None: nothing is."""
        mine, row = is_of(subject), recordings.c
        counts = select(
            func.count(),
            func.count() - func.count(row.document),
            cast(func.coalesce(func.sum(SOUND_BYTES), 0), LONG),
            func.min(row.received_at),
            func.max(row.received_at),
        ).where(mine)
        reviewed = select(func.count()).select_from(reviews).join(recordings).where(mine)
        exams = select(row.device_id, row.exam).where(mine, row.exam.is_not(None)).distinct()
        devices = select(row.device_id).where(mine).distinct().order_by(row.device_id)
        clips = select(func.count()).select_from(training_clips).where(_is_clip(subject))
        with self._transaction() as connection:
            count, analysing, size, first, last = connection.execute(counts).one()
            summary = SubjectSummary(
                subject,
                count,
                analysing,
                size,
                connection.execute(reviewed).scalar_one(),
                tuple(
                    (each[0], each[1]) for each in connection.execute(exams.order_by(*exams.selected_columns))
                ),
                connection.execute(clips).scalar_one(),
                tuple(connection.execute(devices).scalars()),
                first,
                last,
            )
        return summary if summary.recordings or summary.clips else None

    def names(self, limit: int, after: str | None = None) -> list[NamedSubject]:
        """Return up to `limit` subjects that recordings name, by name, those after `after`."""
        row = recordings.c
        named = select(row.subject, func.count().label("recordings"), func.max(row.id).label("last"))
        named = named.where(row.subject.is_not(None), row.subject > (after or ""))
        page = named.group_by(row.subject).order_by(row.subject).limit(limit).subquery()
        query = select(page.c.subject, page.c.recordings, row.received_at.label("last_received_at"))
        query = query.join_from(page, recordings, row.id == page.c.last).order_by(page.c.subject)
        with self._transaction() as connection:
            return [NamedSubject(**each._mapping) for each in connection.execute(query)]

    def recordings(self, subject: str) -> Iterator[RecordingEntry]:
        """Yield the recordings of a subject, the one stored first first; read as they are consumed."""
        last = 0
        while True:
            with self._transaction() as connection:
                found = recording_query.after(connection, is_of(subject), last, _BATCH)
            yield from (entry for _, entry in found)
            if len(found) < _BATCH:
                return
            last = found[-1][0]

    def set_subject(self, device_id: str, recording_id: str, subject: str | None) -> bool:
        """Say whose an analysed recording is; return False where there is none such."""
        with self._transaction() as connection:
            return set_subject(connection, device_id, recording_id, subject)

    def clip_files(self, subject: str) -> list[str]:
        """Return the files of clips of a subject that are no recordings, below the data directory."""
        is_upload = (training_clips.c.source == source_digest(subject)) & training_clips.c.recording.is_(None)
        with self._transaction() as connection:
            return list(connection.execute(select(training_clips.c.file).where(is_upload)).scalars())

    def forget_clips(self, subject: str) -> int:
        """Delete the clips of a subject; return how many there were. Their files are removed before."""
        with self._transaction() as connection:
            return connection.execute(delete(training_clips).where(_is_clip(subject))).rowcount


def _is_clip(subject: str) -> ColumnElement[bool]:
    is_recording = training_clips.c.recording.in_(select(recordings.c.id).where(is_of(subject)))
    return (training_clips.c.source == source_digest(subject)) | is_recording
