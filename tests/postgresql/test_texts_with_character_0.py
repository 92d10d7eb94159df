"""The character 0 in old texts, and those of other places: PostgreSQL has none, and takes their rows."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Engine, Float, LargeBinary, String, Table, insert, select

from edge_worker.database.engine import connect
from edge_worker.database.moving.history_move import TABLES_OF
from edge_worker.database.schema import metadata
from edge_worker.database.store import Store

pytest_plugins = ["store_fixtures"]
pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

SENT, KEPT = "a\0b", "a b"


def value(kind: object) -> object:
    """Return a value for a column, with the character 0 where it is text."""
    if isinstance(kind, JSON):
        return {"said": SENT}
    for of, each in ((String, SENT), (Boolean, True), (Float, 0.5), (LargeBinary, b"\0")):
        if isinstance(kind, of):
            return each
    return 1


def row_of(table: Table) -> dict[str, Any]:
    return {column.name: value(column.type) for column in table.c}


@pytest.fixture
def engine(url: str, store: Store) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


def test_every_text_of_every_table_is_saved_with_a_space(engine: Engine) -> None:
    assert TABLES_OF
    texts = 0
    for table in metadata.sorted_tables:  # each after those that it refers to
        with engine.begin() as connection:
            connection.execute(insert(table), row_of(table))
        with engine.connect() as connection:
            found = connection.execute(select(table)).mappings().one()
        for column in table.c:
            if isinstance(column.type, String):
                assert found[column.name] == KEPT
                texts += 1
            elif isinstance(column.type, JSON):
                assert found[column.name] == {"said": SENT}
    assert texts > 60


def test_many_rows_at_once_and_what_is_looked_for(engine: Engine) -> None:
    table = metadata.tables["deletions"]
    rows = [{**row_of(table), "recording_id": f"{number}\0"} for number in range(3)]
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
    with engine.connect() as connection:
        assert len(connection.execute(select(table).where(table.c.device_id == SENT)).all()) == len(rows)
