"""SQL of a query, compiled once: for each run SQLAlchemy takes as long as the database, or longer."""

from typing import Any, NamedTuple, Self

from sqlalchemy import CompoundSelect, Connection, Dialect, Row, Select


class CompiledQuery(NamedTuple):
    """Compiled SQL of one query."""

    sql: str
    constants: dict[str, Any]
    """All parameters, with the values of those that are always the same."""
    order: list[str] | None
    """Names of the parameters by position; None where the database takes them by name."""

    @classmethod
    def of(cls, query: Select[Any] | CompoundSelect[Any], dialect: Dialect) -> Self:
        """Compile a query for a database."""
        compiled = query.compile(dialect=dialect)
        return cls(
            compiled.string, dict(compiled.params), compiled.positiontup if compiled.positional else None
        )

    def execute(self, connection: Connection, parameters: dict[str, Any]) -> list[Row[Any]]:
        """Return the rows for the values of all other parameters."""
        named = self.constants | parameters
        bound = named if self.order is None else tuple(named[name] for name in self.order)
        return list(connection.exec_driver_sql(self.sql, bound).all())
