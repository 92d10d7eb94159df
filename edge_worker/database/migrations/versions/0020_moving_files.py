"""Let shards of a cluster move with their files: from the spool of one machine to that of another."""

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


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("moving_files_by_shard", "moving_files")
    op.drop_table("moving_files")
