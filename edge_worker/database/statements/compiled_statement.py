"""A statement of SQL, compiled once per database: it runs for each recording, often with cold caches."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self, cast

from sqlalchemy import CompoundSelect, Connection, Delete, Dialect, Insert, Select, TextClause, Update

Row = Mapping[str, Any]
Statement = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete | TextClause


class CompiledStatement:
    """A statement with the SQL that it is in each database. Safe from any thread."""

    def __init__(self, statement: Statement) -> None:
        """Take a statement; of an INSERT, all rows name the same columns."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Run a change for each of `rows`, at least one; return how many rows of the table changed."""
        compiled = self._of(connection.dialect, rows[0])
        bound = [compiled.bound(row) for row in rows]
        driver = _driver(connection)
        if driver is None:
            return connection.exec_driver_sql(compiled.sql, bound).rowcount
        changed: int = sum(_execute(connection, driver, compiled.sql, each).rowcount for each in bound)
        return changed

    def found(self, connection: Connection, row: Row) -> Sequence[Sequence[Any]]:
        """Run the statement for one row; return what it returns, as the driver of the database reads it."""
        compiled = self._of(connection.dialect, row)
        bound, driver = compiled.bound(row), _driver(connection)
        if driver is None:
            return connection.exec_driver_sql(compiled.sql, bound).all()
        return _execute(connection, driver, compiled.sql, bound).fetchall()

    def _of(self, dialect: Dialect, row: Row) -> "_Compiled":
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled.of(self._statement, dialect, row)
        return compiled


def _driver(connection: Connection) -> sqlite3.Connection | None:
    """Return SQLite's own connection, to which a statement costs a quarter; None: there is no such way.

    In a transaction alone: who listens to its begin says whether the file can be used.
    """
    is_heard = connection.dispatch.before_cursor_execute  # whoever listens to statements hears all
    if connection.dialect.name != "sqlite" or not connection.in_transaction() or is_heard:
        return None
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def _execute(
    connection: Connection, driver: sqlite3.Connection, sql: str, bound: dict[str, Any] | tuple[Any, ...]
) -> sqlite3.Cursor:
    try:
        return driver.execute(sql, bound)
    except sqlite3.Error as error:
        connection._handle_dbapi_exception(error, sql, bound, None, None)  # raises it as SQLAlchemy does
        raise


class _Compiled(NamedTuple):
    sql: str
    constants: dict[str, Any]
    """Parameters that are always the same."""
    order: Sequence[str] | None
    """Names of the parameters by position; None where the database takes them by name."""
    converted: Mapping[str, Callable[[Any], Any]]
    """By the name of a parameter: what makes of its value one of the driver."""

    @classmethod
    def of(cls, statement: Statement, dialect: Dialect, row: Row) -> Self:
        columns = list(row) if isinstance(statement, Insert) else None
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        constants = {name: value for name, value in compiled.params.items() if name not in row}
        order = compiled.positiontup if compiled.positional else None
        types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in row}
        converted = {name: each for name, kind in types.items() if (each := kind.bind_processor(dialect))}
        return cls(compiled.string, constants, order, converted)

    def bound(self, row: Row) -> dict[str, Any] | tuple[Any, ...]:
        """Return the values of a row as the driver takes them."""
        named = {**self.constants, **row}
        for name, convert in self.converted.items():
            named[name] = convert(named[name])
        return named if self.order is None else tuple(map(named.__getitem__, self.order))
