"""Connections to PostgreSQL: how each is set up, and errors of the server that its driver takes for ours."""

from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from edge_worker.errors import StoreError

_INTERRUPTED: Final = ("25006", "25P03")
"""States of SQL: a server that only reads, such as one that waits to take over; a transaction that waited."""


def set_up(engine: Engine) -> None:
    """Prepare the connections of an engine, which has none yet."""
    event.listen(engine, "connect", _without_compiler)
    event.listen(engine, "connect", _without_nul)
    event.listen(engine, "handle_error", _name_interruption)


def _without_compiler(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    """Let PostgreSQL compile no query: a page ends after 50 rows, and compiling it takes half a second."""
    connection.execute("SET jit = off")
    connection.commit()


def _without_nul(connection: Any, _record: object) -> None:  # noqa: ANN401 - likewise
    """Write a space for the character 0 in a text: PostgreSQL refuses it, and the whole row with it."""
    from psycopg.types.string import StrDumper  # noqa: PLC0415 - a site with SQLite has no driver of PostgreSQL

    class TextDumper(StrDumper):
        def dump(self, obj: str) -> Any:  # noqa: ANN401 - likewise
            return super().dump(obj.replace("\0", " "))

    connection.adapters.register_dumper(str, TextDumper)


def _name_interruption(context: ExceptionContext) -> None:
    """Raise StoreError where PostgreSQL ends a transaction: its driver calls that an error of the program."""
    error = context.original_exception
    if getattr(error, "sqlstate", None) in _INTERRUPTED:
        raise StoreError(f"the database ended a transaction: {str(error).splitlines()[0]}") from error
