"""What tests of query plans share: which values are rare, and what an engine executes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, event

RARE: Final = ("murmur", "none of them", "error", "finding", "True", "heart")
"""Values of filters that few rows have, in a history of a thousand."""


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Collect what is executed, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def collect(*arguments: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        seen.append((arguments[2], arguments[3]))

    event.listen(engine, "before_cursor_execute", collect)
    yield seen
    event.remove(engine, "before_cursor_execute", collect)
