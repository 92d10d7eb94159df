"""Create recordings, predictions, outbox and workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("retain", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.String(length=24), nullable=False),
        sa.Column("captured_at", sa.String(length=24), nullable=False),
        sa.Column("captured_at_source", sa.String(length=8), nullable=False),
        sa.Column("completeness", sa.String(length=8), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("audio_sha256", sa.String(length=64), nullable=False),
        sa.Column("audio_file", sa.Text(), nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=True),
        sa.Column("heart_rate_bpm", sa.Float(), nullable=True),
        sa.Column("analysed_at", sa.String(length=24), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("device_id", "recording_id"),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index("recordings_by_captured_at", ["captured_at"], unique=False)
        batch_op.create_index("recordings_by_device", ["device_id", "id"], unique=False)
        batch_op.create_index("recordings_by_status", ["status", "id"], unique=False)
        batch_op.create_index("recordings_by_recording_id", ["recording_id"], unique=False)

    op.create_table(
        "workers",
        sa.Column("worker_id", sa.String(length=32), nullable=False),
        sa.Column("seen_at", sa.String(length=24), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("worker_id"),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("took_ms", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("device_id", "recording_id", "model"),
    )
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.create_index("predictions_by_label", ["label", "recording"], unique=False)
        batch_op.create_index("predictions_by_model", ["model", "recording"], unique=False)
        batch_op.create_index("predictions_by_model_label", ["model", "label", "recording"], unique=False)
        batch_op.create_index("predictions_by_recording", ["recording"], unique=False)


def downgrade() -> None:
    """Revert the migration."""
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.drop_index("predictions_by_recording")
        batch_op.drop_index("predictions_by_model_label")
        batch_op.drop_index("predictions_by_model")
        batch_op.drop_index("predictions_by_label")

    op.drop_table("predictions")
    op.drop_table("workers")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_index("recordings_by_recording_id")
        batch_op.drop_index("recordings_by_status")
        batch_op.drop_index("recordings_by_device")
        batch_op.drop_index("recordings_by_captured_at")

    op.drop_table("recordings")
    op.drop_table("outbox")
