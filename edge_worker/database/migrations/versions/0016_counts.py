"""Keep counts of recordings and labels, and add the indexes that a million rows need."""

from collections.abc import Iterable
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
_PARTS = 32
_PARTIAL = (
    ("recordings_in_exams", ["id"], "exam IS NOT NULL"),
    ("recordings_in_exams_by_device", ["device_id", "id"], "exam IS NOT NULL"),
    ("events_by_device", ["device_id", "id"], "parent IS NOT NULL"),
    ("recordings_by_disagreement", ["disagree", "id"], "disagree IS NOT NULL"),
    ("recordings_without_result", ["id"], "document IS NULL"),
)


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "recording_counts",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("recordings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_id"),
    )
    op.create_table(
        "label_counts",
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("model", "label", "part"),
    )
    op.execute(
        "INSERT INTO recording_counts (device_id, recordings) "
        "SELECT device_id, count(*) FROM recordings GROUP BY device_id"
    )
    labels = sa.table("label_counts", *map(sa.column, ("model", "label", "part", "total", "accepted")))
    if rows := list(_label_counts()):
        op.bulk_insert(labels, rows)
    op.create_index("recordings_by_device_and_capture", "recordings", ["device_id", "captured_at", "id"])
    for name, columns, where in _PARTIAL:
        condition = sa.text(where)
        op.create_index(name, "recordings", columns, sqlite_where=condition, postgresql_where=condition)
    _replace_index_of_file_names(postgresql_ops={"file_name": "text_pattern_ops"})
    op.drop_index("predictions_by_model_label", "predictions")
    op.create_index("predictions_by_outcome", "predictions", ["model", "label", "accepted", "recording"])


def downgrade() -> None:
    """Revert the migration."""
    op.drop_index("predictions_by_outcome", "predictions")
    op.create_index("predictions_by_model_label", "predictions", ["model", "label", "recording"])
    _replace_index_of_file_names()
    for name, *_ in reversed(_PARTIAL):
        op.drop_index(name, "recordings")
    op.drop_index("recordings_by_device_and_capture", "recordings")
    op.drop_table("label_counts")
    op.drop_table("recording_counts")


def _replace_index_of_file_names(**options: Any) -> None:  # noqa: ANN401 - Alembic's
    is_some = sa.text("file_name IS NOT NULL")
    op.drop_index("recordings_by_file_name", "recordings")
    op.create_index(
        "recordings_by_file_name",
        "recordings",
        ["file_name", "id"],
        sqlite_where=is_some,
        postgresql_where=is_some,
        **options,
    )


def _label_counts() -> Iterable[dict[str, Any]]:
    """Yield the counts of labels, by the part of the devices that a device belongs to."""
    found: dict[tuple[str, str, int], list[int]] = {}
    counted = sa.text(
        "SELECT model, label, device_id, count(*), sum(CASE WHEN accepted THEN 1 ELSE 0 END) "
        "FROM predictions GROUP BY model, label, device_id"
    )
    for model, label, device, total, accepted in op.get_bind().execute(counted):
        count = found.setdefault((model, label, crc32(device.encode()) % _PARTS), [0, 0])
        count[0] += total
        count[1] += accepted
    for (model, label, part), (total, accepted) in found.items():
        yield {"model": model, "label": label, "part": part, "total": total, "accepted": accepted}
