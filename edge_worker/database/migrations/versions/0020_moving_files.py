"""Let shards of a cluster move with their files, and the index of capture times have the ids of rows.

PostgreSQL reads a range of time from that index alone; SQLite has them in each index anyway.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "moving_files",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "name"),
    )
    op.create_index("moving_files_by_shard", "moving_files", ["shard"])
    _index_times("captured_at", "id")


def downgrade() -> None:
    """Revert the migration."""
    _index_times("captured_at")
    op.drop_index("moving_files_by_shard", "moving_files")
    op.drop_table("moving_files")


def _index_times(*columns: str) -> None:
    op.drop_index("recordings_by_captured_at", "recordings")
    op.create_index("recordings_by_captured_at", "recordings", columns)
