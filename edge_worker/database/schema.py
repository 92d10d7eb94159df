"""Tables of the history, and how to open the database that holds them.

SQLite by default, any SQLAlchemy URL by setting. Times are RFC 3339 text in UTC with `Z`: they sort as
they are and mean the same in every database. Changes of this file go with a migration in `migrations/`.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.errors import StoreError

REVISION: Final = "0005"
"""The newest migration; a test holds it against Alembic's own head."""

Database = Engine
"""For those who hold one without a door to SQLAlchemy."""
metadata: Final = MetaData()

SAMPLES: Final = BigInteger().with_variant(Integer, "sqlite")
"""A day of sound has more samples than 31 bits count; SQLite's integers are as wide as they need to be."""

recordings: Final = Table(
    "recordings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device_id", String(32), nullable=False),
    Column("recording_id", String(16), nullable=False),
    Column("received_at", String(24), nullable=False),
    Column("captured_at", String(24), nullable=False),
    Column("captured_at_source", String(8), nullable=False),
    Column("completeness", String(8), nullable=False),
    Column("missing", JSON, nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("samples", SAMPLES, nullable=False),
    Column("audio_sha256", String(64), nullable=False),
    Column("audio_file", Text, nullable=False),
    Column("meta", JSON, nullable=False),
    Column("exam", String(32)),
    Column("status", String(12)),
    Column("heart_rate_bpm", Float),
    Column("analysed_at", String(24)),
    Column("document", Text),
    Column("audio_start", SAMPLES, nullable=False, server_default="0"),
    Column("parent", String(16)),
    Column("parent_start", SAMPLES),
    UniqueConstraint("device_id", "recording_id"),
    Index("recordings_by_device", "device_id", "id"),
    Index("recordings_by_recording_id", "recording_id"),
    Index("recordings_by_captured_at", "captured_at"),
    Index("recordings_by_status", "status", "id"),
    Index("recordings_by_analysed_at", "analysed_at", "id"),
    # Of those that belong to an exam alone: most do not.
    Index(
        "recordings_by_exam",
        *("exam", "device_id", "id"),
        sqlite_where=text("exam IS NOT NULL"),
        postgresql_where=text("exam IS NOT NULL"),
    ),
)
"""One row per recording, from the moment its audio is durable; `status` and `document` (the full result
as published) are null until it was analysed. The sound on disk begins with sample `audio_start`: of a stream
only the end is kept. An event is a part of the stream `parent`, from its sample `parent_start` on."""

predictions: Final = Table(
    "predictions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", Integer, ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("device_id", String(32), nullable=False),
    Column("recording_id", String(16), nullable=False),
    Column("model", String(32), nullable=False),
    Column("version", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("label", String(64), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("windows", Integer, nullable=False),
    Column("took_ms", Float, nullable=False),
    UniqueConstraint("device_id", "recording_id", "model"),
    Index("predictions_by_recording", "recording"),
    Index("predictions_by_label", "label", "recording"),
    Index("predictions_by_model", "model", "recording"),
    Index("predictions_by_model_label", "model", "label", "recording"),
)
"""One row per recording and model: what makes a result exist once, whatever was delivered twice."""

timelines: Final = Table(
    "timelines",
    metadata,
    Column("recording", Integer, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("document", Text, nullable=False),
)
"""What was said of each moment of a stream, JSON; it does not grow with the length of the stream."""

device_settings: Final = Table(
    "device_settings",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed_at", String(24), nullable=False),
    Column("changed_by", String(64), nullable=False),
    Index("device_settings_by_revision", "revision"),
)
"""What a site wants of a device: `models` and `gate`; `{}`: what the settings say. `revision` counts changes
of any device, so that the worker sees by one number whether there is something new."""

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("retain", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
"""Messages saved with their result and not yet acknowledged by the broker; a row goes with its PUBACK.
Ids are never used twice, so an acknowledgement that comes late cannot delete another message."""

workers: Final = Table(
    "workers",
    metadata,
    Column("worker_id", String(32), primary_key=True),
    Column("seen_at", String(24), nullable=False),
    Column("document", JSON, nullable=False),
)
"""Heartbeat of each worker: how the history API knows that somebody analyses."""

training_clips: Final = Table(
    "training_clips",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(32), nullable=False),
    Column("label", String(64), nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("added_at", String(24), nullable=False),
    UniqueConstraint("model", "sha256"),
)
"""Labelled uploads; `file` is a path below the data directory. Clips of one `source` (a patient, a device; a
digest, never a name) stand on one side: `held_out` is decided once, so no version ever learns a clip that
another is judged by."""

training_jobs: Final = Table(
    "training_jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(32), nullable=False),
    Column("state", String(8), nullable=False),
    Column("asked_at", String(24), nullable=False),
    Column("started_at", String(24)),
    Column("finished_at", String(24)),
    Column("progress", JSON, nullable=False),
    Column("report", JSON, nullable=False),
    Index("training_jobs_by_state", "state", "id"),
    sqlite_autoincrement=True,
)
"""Requests to train: queued → running → promoted, kept (the model in use was not beaten) or failed."""

model_versions: Final = Table(
    "model_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(32), nullable=False),
    Column("version", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(9), nullable=False),
    Column("made_at", String(24), nullable=False),
    Column("job", Integer, ForeignKey("training_jobs.id")),
    Column("document", JSON, nullable=False),
    UniqueConstraint("model", "version"),
)
"""Versions that are kept beside the data: candidate (won, not yet in use), active or former. What the worker
uses is what the file `active` of the model names; this table follows it."""

reviews: Final = Table(
    "reviews",
    metadata,
    Column("recording", Integer, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("verdict", String(9), nullable=False),
    Column("note", Text, nullable=False),
    Column("reviewer", String(64), nullable=False),
    Column("reviewed_at", String(24), nullable=False),
    Column("version", Integer, nullable=False),
)
"""What a person said of a result: `confirmed` or `rejected`. `version` counts changes, for `If-Match`."""

deletions: Final = Table(
    "deletions",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("recording_id", String(16), primary_key=True),
    Column("deleted_at", String(24), nullable=False),
)
"""Recordings that were deleted: what a device sends of them again is answered with `stored` and not kept."""

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("device_id", String(32)),
    Column("digest", String(64), nullable=False, unique=True),
    Column("made_at", String(24), nullable=False),
)
"""Who may use the API: `owner` (of `device_id`), `operator` or `admin`. A key is random, so its SHA-256 is
enough to keep: there is nothing to guess."""

uploads: Final = Table(
    "uploads",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("device_id", String(32), nullable=False),
    Column("recording_id", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("made_at", String(24), nullable=False),
)
"""Idempotency-Key of uploads, with the digest of what was sent: the same again gets the same recording."""


def connect(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine for `url`; SQLite gets WAL, full durability and a patient lock.

    A read-only SQLite connection still needs a writable directory: in WAL mode the last reader may have
    to create the `-shm` file. `query_only` is what keeps it from writing.

    Raises:
        StoreError: `url` is malformed or its driver is not installed.
    """
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreError(f"STETHO_DATABASE_URL is not usable: {error}") from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine, read_only=read_only)
    elif engine.dialect.name == "postgresql" and read_only:
        engine = engine.execution_options(postgresql_readonly=True)
    return engine


def connect_existing(url: str) -> Engine:
    """Return a writing engine for a database that a worker made; raises StoreError when it is not there."""
    engine = connect(url)
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path and not Path(path).exists():
        raise StoreError(f"there is no database {path}; start the worker once, it creates the tables")
    require_revision(engine)
    return engine


def revision(engine: Engine) -> str | None:
    """Return the migration that the database is at, None for an empty database.

    Raises:
        StoreError: the database cannot be read or is not ours.
    """
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            if "alembic_version" in tables:
                return connection.execute(
                    select(text("version_num")).select_from(text("alembic_version"))
                ).scalar()
    except SQLAlchemyError as error:
        raise StoreError(f"the database {_shown(engine)} cannot be read: {_first_line(error)}") from error
    if tables:
        raise StoreError(
            f"the database {_shown(engine)} holds other tables; name another one in STETHO_DATABASE_URL"
        )
    return None


def upgrade(engine: Engine) -> None:
    """Bring the tables to `REVISION`.

    Raises:
        StoreError: the database is of a newer version, or cannot be written.
    """
    from alembic import command  # noqa: PLC0415 - costs 0.2 s, and only a first start needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database {_shown(engine)} is of another version of this program: {error}"
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database {_shown(engine)} cannot be written: {_first_line(error)}") from error


def require_revision(engine: Engine) -> None:
    """Raise StoreError unless the database is at `REVISION`."""
    found = revision(engine)
    if found is None:
        raise StoreError(
            f"the database {_shown(engine)} is empty; start the worker once, it creates the tables"
        )
    if found != REVISION:
        raise StoreError(
            f"the database {_shown(engine)} is at schema {found}, this program needs {REVISION}; "
            "run `python -m edge_worker migrate` of the newest version"
        )


def _shown(engine: Engine) -> str:
    return make_url(engine.url).render_as_string(hide_password=True)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _tune_sqlite(engine: Engine, *, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()
