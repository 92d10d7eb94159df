"""Facts of a site that outlive its processes, a JSON document each, such as the time that is believed."""

from typing import Any, Final

from sqlalchemy import Connection, Text, cast, delete, insert, select

from edge_worker.database.site_state.site_tables import site_facts
from edge_worker.protocol import strict_json

CLOCK: Final = "clock"
"""The last believed reading of the clock, with what the last check found."""
RETENTION: Final = "retention"
"""When recordings were last deleted by age, and why that waits."""
ROOM: Final = "room"
"""The last recording that was stored while the disk had enough room."""


def read(connection: Connection, name: str) -> dict[str, Any]:
    """Return a fact; an empty one where nothing is known, or where the row is damaged."""
    text = connection.execute(
        select(cast(site_facts.c.document, Text)).where(site_facts.c.name == name)
    ).scalar()
    try:
        document = strict_json.read(text or "{}")
    except strict_json.JsonError:
        return {}
    return document if isinstance(document, dict) else {}


def write(connection: Connection, name: str, document: dict[str, Any]) -> None:
    """Replace a fact."""
    connection.execute(delete(site_facts).where(site_facts.c.name == name))
    connection.execute(insert(site_facts), {"name": name, "document": document})
