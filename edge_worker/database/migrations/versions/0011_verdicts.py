"""Give every result its verdict, in columns to filter by; older ones get theirs from what is stored."""

import json
from contextlib import suppress
from functools import cache
from typing import Any

import sqlalchemy as sa
from alembic import op

from edge_worker.errors import ModelError
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.protocol import strict_json
from edge_worker.protocol.meaning import LANGUAGES, UNKNOWN, Meaning
from edge_worker.protocol.verdict import of_predictions
from edge_worker.protocol.verdict_words import headline
from edge_worker.settings import DEFAULT_MODELS_DIR

revision = "0011"
down_revision = "0010"

_COLUMNS = ("verdict", "severity", "disagree")
_ROWS = 500
"""Of one step: documents are in memory."""
_SHIPPED = ModelRegistry(DEFAULT_MODELS_DIR, DEFAULT_MODELS_DIR / "none")


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("recordings", sa.Column("verdict", sa.String(length=64), nullable=True))
    op.add_column("recordings", sa.Column("severity", sa.String(length=8), nullable=True))
    op.add_column("recordings", sa.Column("disagree", sa.Boolean(), nullable=True))
    _fill(op.get_bind())
    op.create_index("recordings_by_verdict", "recordings", ["verdict", "id"], unique=False)
    op.create_index("recordings_by_severity", "recordings", ["severity", "id"], unique=False)
    op.create_index(
        "recordings_by_parent",
        "recordings",
        ["parent", "id"],
        unique=False,
        sqlite_where=sa.text("parent IS NOT NULL"),
        postgresql_where=sa.text("parent IS NOT NULL"),
    )


def downgrade() -> None:
    """Revert the migration; documents keep their verdict, a key that older programs ignore."""
    op.drop_index("recordings_by_parent", "recordings")
    op.drop_index("recordings_by_severity", "recordings")
    op.drop_index("recordings_by_verdict", "recordings")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        for column in reversed(_COLUMNS):
            batch_op.drop_column(column)


def _fill(connection: sa.Connection) -> None:
    """Write the verdict of every stored result, some rows at a time."""
    query = sa.text(
        "SELECT id, document FROM recordings WHERE document IS NOT NULL AND id > :last"
        " ORDER BY id LIMIT :rows"
    )
    change = sa.text(
        "UPDATE recordings SET document = :document, verdict = :verdict, severity = :severity,"
        " disagree = :disagree WHERE id = :id"
    )
    last = 0
    while rows := connection.execute(query, {"last": last, "rows": _ROWS}).all():
        connection.execute(change, [{"id": row.id, **_values(row.document)} for row in rows])
        last = rows[-1].id


def _values(text: str) -> dict[str, Any]:
    """Return the new columns of a result; one that cannot be read stays as it is, and says nothing."""
    with suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
        document = json.loads(text)
        models = [each | _meaning(each["model"], each["label"]) for each in document["models"]]
        verdict = of_predictions(models)
        document |= {"verdict": verdict.document(), "models": models}
        document["verdict"]["text"] = headline(document, _name, LANGUAGES[0])
        return {
            "document": strict_json.write(document),
            "verdict": verdict.label,
            "severity": verdict.severity,
            "disagree": bool(verdict.disagree),
        }
    return {"document": text, "verdict": None, "severity": "unknown", "disagree": False}


def _name(model: str, label: str) -> str:
    return _meanings(model).get(label, UNKNOWN).name(label, LANGUAGES[0])


def _meaning(model: str, label: str) -> dict[str, str]:
    meaning = _meanings(model).get(label, UNKNOWN)
    return {"severity": meaning.severity, "hears": _hears(model)}


@cache
def _meanings(model: str) -> dict[str, Meaning]:
    return _SHIPPED.meanings(model, None)


@cache
def _hears(model: str) -> str:
    with suppress(ModelError):
        return str(_SHIPPED.card(model, None).get("hears", "heart"))
    return "sound"
