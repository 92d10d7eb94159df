"""Let an operator say whose the next recordings of a device are."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "subject_assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("begins_at", sa.String(length=24), nullable=False),
        sa.Column("ends_at", sa.String(length=24), nullable=False),
        sa.Column("assigned_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("subject_assignments_by_device", "subject_assignments", ["device_id", "begins_at"])


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("subject_assignments_by_device", "subject_assignments")
    op.drop_table("subject_assignments")
