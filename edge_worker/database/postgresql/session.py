"""Connections to PostgreSQL: how each is made and set up, and what errors of the server mean.

A server that is stopped, or whose machine is gone, answers nothing: nobody waits for it without end.
"""

from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

from edge_worker.database.postgresql.reason import reason
from edge_worker.errors import StoreError

PATIENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 5,
    "tcp_user_timeout": 15_000,
}
"""Of libpq; what the URL says comes before it."""
_ENCODING: Final = {"client_encoding": "utf8"}
"""A database without an encoding (`SQL_ASCII`: its server was made without a locale) would answer bytes."""
_ANSWERS_WITHIN_S: Final = 20.0
"""A statement that takes longer is given up, and its connection with it: the slowest query takes 10 ms."""
_OF_THE_SERVER: Final = ("25006", "25P03", "42501", "42P01", "3F000", "XX")
"""States of SQL, or how they begin: a server that only reads, such as one that waits to take over; a
transaction that waited; rights or tables that were taken away; damage. Its driver calls them errors of the
program."""


def set_up(engine: Engine) -> None:
    """Prepare the connections of an engine, which has none yet."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _for_pages)
    event.listen(engine, "handle_error", _name_error_of_server)


def wait_without_end(connection: Connection) -> None:
    """Let statements of a connection take as long as they do: those that change all rows of large tables."""
    connection.connection.driver_connection.answers_within_s = None  # type: ignore[union-attr]


def _connect(_dialect: object, _record: object, arguments: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401 - the driver's own types
    from edge_worker.database.postgresql.patient_connection import PatientConnection  # noqa: PLC0415 - likewise

    connection = PatientConnection.connect(*arguments, **(PATIENCE | _ENCODING | options)).without_nul()
    connection.answers_within_s = _ANSWERS_WITHIN_S
    return connection


def _for_pages(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    """Let PostgreSQL neither compile a query nor start processes for it: a page ends after 50 rows.

    Compiling takes half a second, a process some ms.
    """
    connection.execute("SET jit = off")
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.commit()


def _name_error_of_server(context: ExceptionContext) -> None:
    """Raise StoreError where another try may succeed."""
    error = context.original_exception
    if (getattr(error, "sqlstate", None) or "").startswith(_OF_THE_SERVER):
        raise StoreError(f"the database cannot be read or written: {reason(error)}") from error
