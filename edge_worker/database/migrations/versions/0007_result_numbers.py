"""Number results in the order in which they were made: clocks jump."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "result_feed",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("recording"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO result_feed (recording) "
        "SELECT id FROM recordings WHERE document IS NOT NULL ORDER BY analysed_at, id"
    )
    op.drop_index("recordings_by_analysed_at", "recordings")


def downgrade() -> None:
    """Revert the migration."""
    op.create_index("recordings_by_analysed_at", "recordings", ["analysed_at", "id"], unique=False)
    op.drop_table("result_feed")
