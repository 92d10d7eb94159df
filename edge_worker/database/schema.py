"""Tables of the database: recordings, predictions, reviews, outbox, training; `site_state` has two more.

Times are RFC 3339 text in UTC with `Z`: they sort as they are and mean the same in every database. A change
of this file needs a migration in `migrations/` and the new `revision.REVISION`.
"""

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
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
    text,
)

from edge_worker.database.json_text import JsonText

metadata: Final = MetaData()

LONG: Final = BigInteger().with_variant(Integer, "sqlite")
"""Type of what 31 bits do not count: samples of a day, rows of years. SQLite's integers have 64 bits."""


def _index_of_some(name: str, *columns: str, where: str | None = None, **options: Any) -> Index:  # noqa: ANN401 - SQLAlchemy's
    """Return an index of the rows `where` something holds: by default, that the first column is not null."""
    is_some = text(where or f"{columns[0]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=is_some, postgresql_where=is_some, **options)


recordings: Final = Table(
    "recordings",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("device_id", String(32), nullable=False),
    Column("recording_id", String(16), nullable=False),
    Column("received_at", String(24), nullable=False),
    Column("captured_at", String(24), nullable=False),
    Column("captured_at_source", String(8), nullable=False),
    Column("completeness", String(8), nullable=False),
    Column("missing", JSON, nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("samples", LONG, nullable=False),
    Column("audio_sha256", String(64), nullable=False),
    Column("audio_file", Text, nullable=False),
    Column("meta", JSON, nullable=False),
    Column("exam", String(32)),
    Column("status", String(12)),
    Column("heart_rate_bpm", Float),
    Column("analysed_at", String(24)),
    Column("document", JsonText),
    Column("audio_start", LONG, nullable=False, server_default="0"),
    Column("parent", String(16)),
    Column("parent_start", LONG),
    Column("verdict", String(64)),
    Column("severity", String(8)),
    Column("disagree", Boolean),
    Column("file_name", String(120)),
    Column("subject", String(40)),
    UniqueConstraint("device_id", "recording_id"),
    Index("recordings_by_device", "device_id", "id"),
    Index("recordings_by_device_and_capture", "device_id", "captured_at", "id"),
    Index("recordings_by_recording_id", "recording_id"),
    Index("recordings_by_captured_at", "captured_at", "id"),
    Index("recordings_by_received_at", "received_at"),
    Index("recordings_by_status", "status", "id"),
    Index("recordings_by_verdict", "verdict", "id"),
    Index("recordings_by_severity", "severity", "id"),
    # Partial: most recordings belong to no exam, and to no stream.
    _index_of_some("recordings_by_parent", "parent", "id"),
    _index_of_some("recordings_by_exam", "exam", "device_id", "id"),
    _index_of_some("recordings_in_exams", "id", where="exam IS NOT NULL"),
    _index_of_some("recordings_in_exams_by_device", "device_id", "id", where="exam IS NOT NULL"),
    _index_of_some("events_by_device", "device_id", "id", where="parent IS NOT NULL"),
    _index_of_some(
        "recordings_by_file_name", "file_name", "id", postgresql_ops={"file_name": "text_pattern_ops"}
    ),
    _index_of_some("recordings_by_subject", "subject", "id"),
    _index_of_some("recordings_by_disagreement", "disagree", "id"),
    _index_of_some("recordings_without_subject", "id", where="subject IS NULL"),
    _index_of_some("recordings_without_result", "id", where="document IS NULL"),
)
"""One row per recording, from the moment its audio is durable; `status`, `document` (the full result as
published) and what is filtered by of its verdict (`verdict`: its label) are null until it is analysed. The
WAV file begins with sample `audio_start`: of a stream only the end is stored. An event is a part of the
stream `parent`, from its sample `parent_start` on. `file_name` is of an upload, as its sender calls it,
`subject` the pseudonym of whose sound it is."""

result_feed: Final = Table(
    "result_feed",
    metadata,
    Column("number", LONG, primary_key=True),
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    UniqueConstraint("recording"),
    sqlite_autoincrement=True,
)
"""Number of each result, in the order in which they were made: no clock decides what is new."""

predictions: Final = Table(
    "predictions",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
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
    Index("predictions_by_outcome", "model", "label", "accepted", "recording"),
)
"""One row per recording and model: a result exists once, whatever was delivered twice."""

timelines: Final = Table(
    "timelines",
    metadata,
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("document", JsonText, nullable=False),
)
"""Timeline of a stream: scores over time, JSON. Its size does not grow with the length of the stream."""

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
"""Settings that a site wants for a device: `models` and `gate`; `{}`: those of the configuration. `revision`
counts the changes of all devices, so that one number tells the worker whether there is something new."""

device_calibrations: Final = Table(
    "device_calibrations",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("shift", Float, nullable=False),
    Column("hearts", Integer, nullable=False),
    Column("source", String(8), nullable=False),
    Column("calibrated_at", String(24), nullable=False),
    Column("calibrated_by", String(64), nullable=False),
    Column("reference", JSON(none_as_null=True)),
    Column("abnormal_hearts", Integer, nullable=False, server_default="0"),
    Column("threshold", Float),
)
"""Calibration of a device by known hearts, for the version of a model with this SHA-256."""

device_spectra: Final = Table(
    "device_spectra",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("levels_db", JSON, nullable=False),
    Column("recordings", Integer, nullable=False),
)
"""Mean spectral shape of the hearts that a device heard, one level a band, and how many recordings count."""

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("retain", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
"""Messages saved with their result and not yet acknowledged by the broker; a row is deleted with its PUBACK.
Ids are never used twice, so an acknowledgement that comes late cannot delete another message."""

workers: Final = Table(
    "workers",
    metadata,
    Column("worker_id", String(32), primary_key=True),
    Column("seen_at", String(24), nullable=False),
    Column("document", JSON, nullable=False),
)
"""Heartbeat of each worker: tells the history API whether a worker is running, and its state."""

training_clips: Final = Table(
    "training_clips",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("model", String(32), nullable=False),
    Column("label", String(64), nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("added_at", String(24), nullable=False),
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE")),
    UniqueConstraint("model", "sha256"),
    _index_of_some("training_clips_by_recording", "recording"),
)
"""Labelled clips for training; `file` is a path below the data directory. Clips of one `source` (a patient, a
device; a digest, never a name) are all trained on or all held out: `held_out` is decided once, so no version
is ever trained on a clip that another is assessed by. A reviewed `recording` is a clip with its own file,
and deleted with it."""

training_jobs: Final = Table(
    "training_jobs",
    metadata,
    Column("id", LONG, primary_key=True),
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
"""Training jobs: queued → running → promoted, kept (the model in use was not beaten) or failed."""

model_versions: Final = Table(
    "model_versions",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("model", String(32), nullable=False),
    Column("version", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(9), nullable=False),
    Column("made_at", String(24), nullable=False),
    Column("job", LONG, ForeignKey("training_jobs.id")),
    Column("document", JSON, nullable=False),
    UniqueConstraint("model", "version"),
)
"""Model versions stored beside the data: candidate (better, not yet in use), active or former. The worker
uses the version that the model's file `active` names; this table follows that file."""

deletions: Final = Table(
    "deletions",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("recording_id", String(16), primary_key=True),
    Column("deleted_at", String(24), nullable=False),
)
"""Tombstones of deleted recordings: one that is sent again is answered with `stored`, and not stored."""

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("device_id", String(32)),
    Column("digest", String(64), nullable=False, unique=True),
    Column("made_at", String(24), nullable=False),
)
"""Keys of the API with their roles: `owner` (of `device_id`), `operator` or `admin`, and their digests."""

browser_sessions: Final = Table(
    "browser_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key_digest", String(64), nullable=False),
    Column("ends_at", String(24), nullable=False),
    Index("browser_sessions_by_key", "key_digest"),
)
"""Sessions of browsers by the SHA-256 of their cookie, begun with the key that has `key_digest`."""

uploads: Final = Table(
    "uploads",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("device_id", String(32), nullable=False),
    Column("recording_id", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("made_at", String(24), nullable=False),
)
"""Idempotency-Key of each upload, with the digest of its body: the same one again gets the same recording."""
