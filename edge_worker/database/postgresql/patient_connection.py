"""A connection to PostgreSQL that gives a silent server up, and whose texts have no character 0."""

from typing import Any, Self

import psycopg
from psycopg.types.string import StrDumper


class PatientConnection(psycopg.Connection[Any]):
    """A connection of psycopg. One that was given up is closed: the server may still do what it was told."""

    answers_within_s: float | None = None

    def without_nul(self) -> Self:
        """Write a space for the character 0 of any text from now on; the connection must be made.

        Not when it is made: SQLAlchemy's adapters take the place of those that it has then.
        """
        self.adapters.register_dumper(str, _TextDumper)
        return self

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for the server, but not without end."""
        try:
            return super().wait(gen, interval, timeout or self.answers_within_s)
        except psycopg.errors._WaitTimeout as error:  # it has no public name
            self.pgconn.finish()
            raise psycopg.OperationalError(
                f"the server has not answered for {timeout or self.answers_within_s:.0f} s"
            ) from error


class _TextDumper(StrDumper):
    """Writes a space for the character 0, which PostgreSQL refuses, and the whole row with it."""

    def dump(self, obj: str) -> Any:  # noqa: ANN401 - likewise
        return super().dump(obj.replace("\0", " "))
