"""Add facts of the site, such as the last believed time, and marks of recordings whose time is uncertain."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "site_facts",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "uncertain_times",
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("boot", sa.String(length=36), nullable=False),
        sa.Column("uptime_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording"),
    )
    op.create_index("recordings_by_received_at", "recordings", ["received_at"], unique=False)
    # There was no version of this program before 2026: the clock was wrong.
    op.execute(
        "INSERT INTO uncertain_times (recording, boot, uptime_s) "
        "SELECT id, '', 0 FROM recordings WHERE received_at < '2026' AND received_at <> ''"
    )


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("recordings_by_received_at", "recordings")
    op.drop_table("uncertain_times")
    op.drop_table("site_facts")
