"""Find the recordings that do not say whose they are without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Apply the migration."""
    is_missing = sa.text("subject IS NULL")
    op.create_index(
        "recordings_without_subject",
        "recordings",
        ["id"],
        sqlite_where=is_missing,
        postgresql_where=is_missing,
    )


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("recordings_without_subject", "recordings")
