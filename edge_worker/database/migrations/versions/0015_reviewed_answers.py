"""Keep in a review what the machine said, and let recordings be clips for training."""

import json
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

from edge_worker.database.reviewing.reviewed_answer import reviewed_answer

revision = "0015"
down_revision = "0014"
_TABLES: Final = ("reviews", "review_changes")
_ROWS: Final = 500


def upgrade() -> None:
    """Apply the migration."""
    for table in _TABLES:
        for column in _answer():
            op.add_column(table, column)
        _fill(op.get_bind(), table)
    with op.batch_alter_table("training_clips", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recording", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            "training_clips_of_recording", "recordings", ["recording"], ["id"], ondelete="CASCADE"
        )
    is_some = sa.text("recording IS NOT NULL")
    op.create_index(
        "training_clips_by_recording",
        "training_clips",
        ["recording"],
        sqlite_where=is_some,
        postgresql_where=is_some,
    )


def downgrade() -> None:
    """Revert the migration: recordings are no clips any more."""
    op.execute("DELETE FROM training_clips WHERE recording IS NOT NULL")
    op.drop_index("training_clips_by_recording", "training_clips")
    with op.batch_alter_table("training_clips", schema=None) as batch_op:
        batch_op.drop_constraint("training_clips_of_recording", type_="foreignkey")
        batch_op.drop_column("recording")
    for table in _TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in _answer():
                batch_op.drop_column(column.name)


def _answer() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("said_model", sa.String(length=32), nullable=True),
        sa.Column("said_version", sa.String(length=32), nullable=True),
        sa.Column("said_label", sa.String(length=64), nullable=True),
    )


def _fill(connection: sa.Connection, table: str) -> None:
    """Write what the machine said into the reviews of a table: a result never changes."""
    key = "recording" if table == "reviews" else "id"
    query = sa.text(
        f"SELECT each.{key} AS key, each.model, each.label, each.severity, recordings.document FROM {table} AS each "  # noqa: S608, E501 - constants
        f"JOIN recordings ON recordings.id = each.recording WHERE each.{key} > :last AND each.verdict != 'withdrawn' "  # noqa: E501
        f"ORDER BY each.{key} LIMIT :rows"
    )
    change = sa.text(
        f"UPDATE {table} SET said_model = :model, said_version = :version, said_label = :label "  # noqa: S608
        f"WHERE {key} = :key"
    )
    last = 0
    while rows := connection.execute(query, {"last": last, "rows": _ROWS}).all():
        if values := list(_values(rows)):
            connection.execute(change, values)
        last = rows[-1].key


def _values(rows: Sequence[sa.Row[tuple[object, ...]]]) -> list[dict[str, object]]:
    values: list[dict[str, object]] = []
    for row in rows:
        try:
            said = reviewed_answer(json.loads(row.document), row.model, row.severity)
        except (ValueError, TypeError, LookupError):  # a result that cannot be read says nothing
            continue
        if said is not None:
            values.append({"key": row.key, "model": said.model, "version": said.version, "label": said.label})
    return values
