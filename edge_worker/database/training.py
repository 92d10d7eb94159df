"""Tables of training: labelled clips, training jobs, and the model versions that the jobs made.

Written by the trainer, by its commands and by the upload of clips; every method is one transaction.
"""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from sqlalchemy import Connection, Engine, Select, func, insert, select, update

from edge_worker.database.engine import connect_existing
from edge_worker.database.reviewing import labelled_recordings
from edge_worker.database.reviewing.labelled_recordings import LabelledRecording
from edge_worker.database.schema import model_versions, training_clips, training_jobs
from edge_worker.protocol.timestamp import rfc3339

HELD_OUT: Final = 0.2
"""Share of the sources of a label that is held out: never trained on, only assessed by."""

JobState = Literal["queued", "running", "promoted", "kept", "failed"]
VersionState = Literal["candidate", "active", "former"]


def _now() -> str:
    return rfc3339(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Clip:
    """A labelled clip of audio for training."""

    model: str
    label: str
    file: str
    """Path below the data directory."""
    sha256: str
    """Of the file."""
    source: str
    """Digest of the patient or device that the clip shares with others, where known; else of the clip."""
    held_out: bool = False
    """Whether it is only assessed by, never trained on; decided when the clip is added."""
    recording: int | None = None
    """Row of the reviewed recording whose file this is, and with which it goes; None: it has its own."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job of training a model. Times are RFC 3339 in UTC, None when not yet."""

    id: int
    model: str
    state: JobState
    asked_at: str
    started_at: str | None
    finished_at: str | None
    progress: dict[str, Any]
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model that is stored beside the data."""

    model: str
    version: str
    sha256: str
    """Of the .tflite file."""
    state: VersionState
    job: int | None = None
    """Job that made it; None for a shipped version that was stored when another replaced it."""
    document: dict[str, Any] = field(default_factory=dict)
    """The comparison in which it was better than the version in use."""
    made_at: str = field(default_factory=_now)


class TrainingTables:
    """Labelled clips, training jobs and model versions. Every method may raise `store.StoreFault`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the database that a worker created; raise StoreError when there is none of this version."""
        return cls(connect_existing(url))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # --- clips --------------------------------------------------------------------------------------

    def clips(self, model: str) -> list[Clip]:
        """Return the clips of a model, oldest first."""
        with self._engine.connect() as connection:
            return _clips(connection, model)

    def add_clips(self, fresh: Sequence[Clip]) -> list[Clip]:
        """Add clips of one model, held out or not like others of their source; return them as stored.

        A new source is held out when one of its labels has less than `HELD_OUT` of its sources held out. So
        the first source of a label is: a class that cannot be assessed could be lost unnoticed.
        """
        if not fresh:
            return []
        with self._engine.begin() as connection:
            split = _with_split(_clips(connection, fresh[0].model), fresh)
            rows = [{**_columns(clip), "added_at": _now()} for clip in split]
            connection.execute(insert(training_clips), rows)
        return split

    def move_clips(self, model: str, sources: Mapping[int, str]) -> None:
        """Give clips, by the row of their recording, another source: who it is may be said later.

        They are held out, or not, as others of that source are.
        """
        with self._engine.begin() as connection:
            is_held_out = {clip.source: clip.held_out for clip in _clips(connection, model)}
            for row, source in sources.items():
                values: dict[str, Any] = {"source": source}
                if source in is_held_out:
                    values["held_out"] = is_held_out[source]
                is_it = (training_clips.c.model == model, training_clips.c.recording == row)
                connection.execute(update(training_clips).where(*is_it).values(**values))

    def labelled_recordings(self) -> list[LabelledRecording]:
        """Return the reviewed recordings, with the labels that people say are right."""
        with self._engine.connect() as connection:
            return labelled_recordings.find_all(connection)

    # --- jobs ---------------------------------------------------------------------------------------

    def queue_job(self, model: str) -> int:
        """Queue a job and return its id, or the id of one that is queued already for this model."""
        jobs = training_jobs.c
        queued = select(jobs.id).where(jobs.model == model, jobs.state == "queued")
        values = {"model": model, "state": "queued", "asked_at": _now(), "progress": {}, "report": {}}
        with self._engine.begin() as connection:
            job_id: int | None = connection.execute(queued).scalar()
            if job_id is None:
                job_id = connection.execute(insert(training_jobs).returning(jobs.id), values).scalar_one()
        return job_id

    def start_next_job(self) -> Job | None:
        """Set the job that was queued first to running and return it; None when none is queued."""
        oldest = select(func.min(training_jobs.c.id)).where(training_jobs.c.state == "queued")
        with self._engine.begin() as connection:
            job_id = connection.execute(oldest).scalar()
            if job_id is None:
                return None
            _set(connection, job_id, state="running", started_at=_now(), progress={"phase": "started"})
            return _jobs(connection, select(training_jobs).where(training_jobs.c.id == job_id))[0]

    def jobs(self, limit: int = 100, state: JobState | None = None) -> list[Job]:
        """Return up to `limit` jobs, in one state where one is given, newest first."""
        query = select(training_jobs).order_by(training_jobs.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(training_jobs.c.state == state)
        with self._engine.connect() as connection:
            return _jobs(connection, query)

    def save_progress(self, job: int, progress: dict[str, Any]) -> None:
        """Write the progress of a job."""
        with self._engine.begin() as connection:
            _set(connection, job, progress=progress)

    def requeue_job(self, job: int) -> None:
        """Set an interrupted job back to queued, as if it had not started."""
        with self._engine.begin() as connection:
            _set(connection, job, state="queued", started_at=None, progress={})

    def finish_job(self, job: int, state: JobState, report: dict[str, Any]) -> None:
        """Write the final state and the report of a job."""
        with self._engine.begin() as connection:
            _set(connection, job, state=state, finished_at=_now(), report=report)

    # --- versions -----------------------------------------------------------------------------------

    def versions(self, model: str) -> list[ModelVersion]:
        """Return the stored versions of a model, oldest first."""
        query = select(model_versions).where(model_versions.c.model == model).order_by(model_versions.c.id)
        with self._engine.connect() as connection:
            return [_version(row) for row in connection.execute(query)]

    def version_of_job(self, job: int) -> ModelVersion | None:
        """Return the version that a job made, None where it made none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(model_versions).where(model_versions.c.job == job)).first()
        return None if row is None else _version(row)

    def add_version(self, version: ModelVersion) -> None:
        """Add a version that is stored beside the data."""
        values = {name: getattr(version, name) for name in ModelVersion.__dataclass_fields__}
        with self._engine.begin() as connection:
            connection.execute(insert(model_versions), values)

    def set_active(self, model: str, active: str | None) -> None:
        """Mark the version in use as active (None: the shipped one), and the active one before as former."""
        versions = model_versions.c
        change = update(model_versions).where(versions.model == model)
        with self._engine.begin() as connection:
            connection.execute(change.where(versions.state == "active").values(state="former"))
            if active is not None:
                connection.execute(change.where(versions.version == active).values(state="active"))


def source_digest(source: str) -> str:
    """Return the digest of a person or device, as clips keep it: never its name."""
    return hashlib.sha256(os.fsencode(source)).hexdigest()


def _with_split(known: Sequence[Clip], fresh: Sequence[Clip]) -> list[Clip]:
    """Return `fresh` with `held_out` decided, source by source, beside the `known` clips."""
    is_held_out = {clip.source: clip.held_out for clip in known}
    labels: dict[str, set[str]] = defaultdict(set)
    for clip in (*known, *fresh):
        labels[clip.source].add(clip.label)
    counts, held_out = Counter[str](), Counter[str]()
    # By digest: an order that does not follow the names of files, and that is reproducible.
    for source in (*is_held_out, *sorted({clip.source for clip in fresh} - set(is_held_out))):
        lacking = (held_out[label] < HELD_OUT * (counts[label] + 1) for label in labels[source])
        if is_held_out.setdefault(source, any(lacking)):
            held_out.update(labels[source])
        counts.update(labels[source])
    return [replace(clip, held_out=is_held_out[clip.source]) for clip in fresh]


def _clips(connection: Connection, model: str) -> list[Clip]:
    columns = [training_clips.c[name] for name in Clip.__dataclass_fields__]
    query = select(*columns).where(training_clips.c.model == model).order_by(training_clips.c.id)
    return [Clip(**row._mapping) for row in connection.execute(query)]


def _jobs(connection: Connection, query: Select[Any]) -> list[Job]:
    return [Job(**row._mapping) for row in connection.execute(query)]


def _version(row: Any) -> ModelVersion:  # noqa: ANN401 - SQLAlchemy's row
    return ModelVersion(**{name: getattr(row, name) for name in ModelVersion.__dataclass_fields__})


def _set(connection: Connection, job: int, **values: object) -> None:
    connection.execute(update(training_jobs).where(training_jobs.c.id == job).values(**values))


def _columns(clip: Clip) -> dict[str, Any]:
    return {name: getattr(clip, name) for name in Clip.__dataclass_fields__}
