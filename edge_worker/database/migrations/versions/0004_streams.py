"""Add streams and their events to recordings; create timelines and device settings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SAMPLES = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the migration."""
    # Plain ALTERs: a table of a million recordings is not copied.
    op.add_column("recordings", sa.Column("audio_start", _SAMPLES, nullable=False, server_default="0"))
    op.add_column("recordings", sa.Column("parent", sa.String(length=16), nullable=True))
    op.add_column("recordings", sa.Column("parent_start", _SAMPLES, nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("recordings", "samples", type_=sa.BigInteger(), existing_nullable=False)
    op.create_table(
        "timelines",
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording"),
    )
    op.create_table(
        "device_settings",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.String(length=24), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("device_id"),
    )
    op.create_index("device_settings_by_revision", "device_settings", ["revision"])


def downgrade() -> None:
    """Revert the migration."""
    op.drop_table("device_settings")
    op.drop_table("timelines")
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("recordings", "samples", type_=sa.Integer(), existing_nullable=False)
    for column in ("parent_start", "parent", "audio_start"):
        with op.batch_alter_table("recordings") as batch_op:
            batch_op.drop_column(column)
