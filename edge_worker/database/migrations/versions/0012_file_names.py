"""Add the name of the file that was uploaded as a recording."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply the migration."""
    # Not in batch mode, which would copy every recording.
    op.add_column("recordings", sa.Column("file_name", sa.String(length=120), nullable=True))
    op.create_index(
        "recordings_by_file_name",
        "recordings",
        ["file_name", "id"],
        sqlite_where=sa.text("file_name IS NOT NULL"),
        postgresql_where=sa.text("file_name IS NOT NULL"),
    )


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("recordings_by_file_name", "recordings")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_column("file_name")
