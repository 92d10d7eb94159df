"""Add calibrations and running spectra of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "device_calibrations",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("shift", sa.Float(), nullable=False),
        sa.Column("hearts", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("calibrated_at", sa.String(length=24), nullable=False),
        sa.Column("calibrated_by", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("device_id", "model"),
    )
    op.create_table(
        "device_spectra",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("levels_db", sa.JSON(), nullable=False),
        sa.Column("recordings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_id"),
    )


def downgrade() -> None:
    """Revert the migration."""
    op.drop_table("device_spectra")
    op.drop_table("device_calibrations")
