"""Add the sessions of browsers."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "browser_sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.String(length=64), nullable=False),
        sa.Column("ends_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("browser_sessions_by_key", "browser_sessions", ["key_digest"], unique=False)


def downgrade() -> None:
    """Revert the migration."""
    op.drop_table("browser_sessions")
