"""A statement of SQL, compiled once per database: it runs for each recording, often with cold caches."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

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
        return connection.exec_driver_sql(compiled.sql, [compiled.bound(row) for row in rows]).rowcount

    def found(self, connection: Connection, row: Row) -> Sequence[Sequence[Any]]:
        """Run the statement for one row; return what it returns, as the driver of the database reads it."""
        compiled = self._of(connection.dialect, row)
        return connection.exec_driver_sql(compiled.sql, compiled.bound(row)).all()

    def _of(self, dialect: Dialect, row: Row) -> "_Compiled":
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled.of(self._statement, dialect, row)
        return compiled


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
        return named if self.order is None else tuple(named[name] for name in self.order)
