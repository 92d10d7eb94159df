"""Let a review correct a result to another label, and keep all reviews of a recording."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
_REVIEW = "verdict, note, reviewer, reviewed_at, version, finding"


def upgrade() -> None:
    """Apply the migration."""
    for column in _correction():
        op.add_column("reviews", column)
    op.create_table(
        "review_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=9), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("reviewed_at", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=8)),
        *_correction(),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("review_changes_by_recording", "review_changes", ["recording", "id"])
    op.execute(
        f"INSERT INTO review_changes (recording, {_REVIEW}) SELECT recording, {_REVIEW} FROM reviews"  # noqa: S608 - constants
    )


def downgrade() -> None:
    """Revert the migration: a correction becomes the rejection that it contains."""
    op.drop_index("review_changes_by_recording", "review_changes")
    op.drop_table("review_changes")
    op.execute("UPDATE reviews SET verdict = 'rejected' WHERE verdict = 'corrected'")
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        for column in _correction():
            batch_op.drop_column(column.name)


def _correction() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("model", sa.String(length=32), nullable=True),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("severity", sa.String(length=8), nullable=True),
    )
