"""Add the exam that a recording belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the migration."""
    # Not in batch mode, which would copy every recording.
    op.add_column("recordings", sa.Column("exam", sa.String(length=32), nullable=True))
    op.create_index(
        "recordings_by_exam",
        "recordings",
        ["exam", "device_id", "id"],
        sqlite_where=sa.text("exam IS NOT NULL"),
        postgresql_where=sa.text("exam IS NOT NULL"),
    )


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("recordings_by_exam", "recordings")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_column("exam")
