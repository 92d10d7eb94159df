"""Give numbers of rows 64 bits on PostgreSQL; SQLite has no shorter ones."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
_COLUMNS: Final = {
    "recordings": ("id",),
    "result_feed": ("number", "recording"),
    "predictions": ("id", "recording"),
    "timelines": ("recording",),
    "outbox": ("id",),
    "reviews": ("recording",),
    "review_changes": ("id", "recording"),
    "uncertain_times": ("recording",),
    "training_clips": ("id", "recording"),
    "training_jobs": ("id",),
    "model_versions": ("id", "job"),
    "api_keys": ("id",),
    "subject_assignments": ("id",),
    "recording_counts": ("recordings",),
    "label_counts": ("total", "accepted"),
}
_OWN_SEQUENCE: Final = sa.text("SELECT pg_get_serial_sequence(:table, :column)")


def upgrade() -> None:
    """Apply the migration."""
    _alter("BIGINT")


def downgrade() -> None:
    """Revert the migration."""
    _alter("INTEGER")


def _alter(kind: str) -> None:
    """Change columns and the sequences that number them; one statement a table, which is written anew."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table, columns in _COLUMNS.items():
        changes = ", ".join(f"ALTER COLUMN {column} TYPE {kind}" for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
        for column in columns:
            sequence = connection.execute(_OWN_SEQUENCE, {"table": table, "column": column}).scalar()
            if sequence is not None:
                op.execute(f"ALTER SEQUENCE {sequence} AS {kind}")
