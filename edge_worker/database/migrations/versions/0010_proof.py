"""Add what a reviewer says that a heart is, and the threshold that known hearts prove on a device."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("reviews", sa.Column("finding", sa.String(length=8), nullable=True))
    op.add_column(
        "device_calibrations",
        sa.Column("abnormal_hearts", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("device_calibrations", sa.Column("threshold", sa.Float(), nullable=True))


def downgrade() -> None:
    """Revert the migration."""
    for table, columns in (
        ("device_calibrations", ("threshold", "abnormal_hearts")),
        ("reviews", ("finding",)),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
