"""Facts of a site that outlive its processes, a JSON document each, such as the time that is believed."""

from typing import Any, Final

from sqlalchemy import Connection, Text, bindparam, cast, delete, insert, select
from sqlalchemy.dialects import postgresql

from edge_worker.database.site_state.site_tables import site_facts
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.protocol import strict_json

CLOCK: Final = "clock"
"""The last believed reading of the clock, with what the last check found."""
RETENTION: Final = "retention"
"""When recordings were last deleted by age, and why that waits."""
ROOM: Final = "room"
"""The last recording that was stored while the disk had enough room."""
SHARDS: Final = "shards"
"""How devices belong to shards, where the workers of a cluster share them."""
SOUNDS: Final = "sounds"
"""Where the sounds of this site are, and by which mark they are known as its own."""

_IS_FACT: Final = site_facts.c.name == bindparam("fact")
_FIND: Final = CompiledStatement(select(cast(site_facts.c.document, Text)).where(_IS_FACT))
_REMOVE: Final = CompiledStatement(delete(site_facts).where(_IS_FACT))
_ADD: Final = CompiledStatement(insert(site_facts))
_NEW: Final = postgresql.insert(site_facts)
_REPLACE: Final = CompiledStatement(
    _NEW.on_conflict_do_update(index_elements=["name"], set_={"document": _NEW.excluded.document})
)
_ADD_NEW: Final = CompiledStatement(_NEW.on_conflict_do_nothing())
"""One statement, for processes of a worker that write the same fact at once; SQLite has one writer anyway."""


def read(connection: Connection, name: str) -> dict[str, Any]:
    """Return a fact; an empty one where nothing is known, or where the row is damaged."""
    found = _FIND.found(connection, {"fact": name})
    try:
        document = strict_json.read((found[0][0] if found else None) or "{}")
    except strict_json.JsonError:
        return {}
    return document if isinstance(document, dict) else {}


def add(connection: Connection, name: str, document: dict[str, Any]) -> None:
    """Write a fact where there is none yet."""
    if connection.dialect.name == "postgresql":
        _ADD_NEW.run(connection, [{"name": name, "document": document}])
    elif not read(connection, name):
        _ADD.run(connection, [{"name": name, "document": document}])


def write(connection: Connection, name: str, document: dict[str, Any]) -> None:
    """Replace a fact."""
    if connection.dialect.name == "postgresql":
        _REPLACE.run(connection, [{"name": name, "document": document}])
    else:
        _REMOVE.run(connection, [{"fact": name}])
        _ADD.run(connection, [{"name": name, "document": document}])
