"""Create reviews, deletions, API keys and uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "reviews",
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=9), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("reviewed_at", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording"),
    )
    op.create_table(
        "deletions",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=16), nullable=False),
        sa.Column("deleted_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "recording_id"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "uploads",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index("recordings_by_analysed_at", ["analysed_at", "id"], unique=False)


def downgrade() -> None:
    """Revert the migration."""
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_index("recordings_by_analysed_at")

    for table in ("uploads", "api_keys", "deletions", "reviews"):
        op.drop_table(table)
