"""Add the pseudonym of the person or animal whose sound a recording is."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply the migration."""
    # Not in batch mode, which would copy every recording.
    op.add_column("recordings", sa.Column("subject", sa.String(length=40), nullable=True))
    op.create_index(
        "recordings_by_subject",
        "recordings",
        ["subject", "id"],
        sqlite_where=sa.text("subject IS NOT NULL"),
        postgresql_where=sa.text("subject IS NOT NULL"),
    )


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("recordings_by_subject", "recordings")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_column("subject")
