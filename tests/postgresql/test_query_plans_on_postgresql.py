"""Plans that PostgreSQL makes of every query of API and worker: none reads all of a large table or index."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from plan_reading import RARE, statements
from postgresql_server import PostgresqlServer
from sqlalchemy import Engine, text

from bench.history import history_queries, history_rows
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.moving.history_move import HistoryMove
from edge_worker.database.paging import few_recordings
from edge_worker.database.store import Store
from edge_worker.database.subjects.subject_table import SubjectTable

pytest_plugins = ["store_fixtures"]

ROWS = 1_000
LARGE = {"recordings", "predictions", "result_feed", "timelines", "uncertain_times"}
FEW_ROWS = {"recordings_without_result", "recordings_without_subject", "recordings_by_file_name"}
"""Indexes of few rows, which may be read whole."""
ENDS_ALL = {"Sort", "Aggregate", "Hash", "Materialize", "BitmapOr", "BitmapAnd", "Bitmap Heap Scan", "SetOp"}
"""Steps that read all of what is below them, whatever is wanted above them."""
AS_IF_LARGE = text(
    "UPDATE pg_class SET reltuples = 1000 * reltuples WHERE reltuples > 0 AND (relname = ANY(:tables) "
    "OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid::regclass::text = ANY(:tables)))"
)
"""Lets the planner believe in a million rows, distributed as these thousand are."""


@pytest.fixture(scope="module")
def url(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A history of a thousand results, which PostgreSQL takes for a million."""
    path = tmp_path_factory.mktemp("plans") / "stetho.db"
    history_rows.fill(path, ROWS, rare_every=100)
    url = postgresql.lend()
    with closing(HistoryMove.open(f"sqlite:///{path}", url)) as move:
        move.copy(lambda _: None, lambda _: None)
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(AS_IF_LARGE, {"tables": sorted(LARGE)})
    engine.dispose()
    yield url
    postgresql.drop(url)


def scans(engine: Engine, query: Callable[[], object]) -> Iterator[tuple[str, bool]]:
    """Yield each whole scan of what is large in the plans of a query, and whether a full page ends it."""
    with statements(engine) as seen:
        query()
    assert seen
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # a thousand rows are read as fast whole
        for statement, parameters in seen:
            if not statement.startswith(("SELECT", "WITH")) or "pg_catalog" in statement:
                continue
            explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            yield from whole_scans(explained.scalar_one()[0]["Plan"], ends_early=False)


def whole_scans(step: dict[str, Any], *, ends_early: bool) -> Iterator[tuple[str, bool]]:
    """Yield the scans in and below a step of a plan that no condition bounds."""
    kind, table, index = step["Node Type"], step.get("Relation Name", ""), step.get("Index Name", "")
    is_whole = kind == "Seq Scan" or ("Index" in kind and "Index Cond" not in step)
    if is_whole and (table in LARGE or "Bitmap" in kind) and index not in FEW_ROWS:
        yield f"{kind} {table} {index}", ends_early
    ends_early = (ends_early or kind == "Limit") and kind not in ENDS_ALL
    for below in step.get("Plans", ()):
        yield from whole_scans(below, ends_early=ends_early)


@pytest.mark.parametrize("few", [-1, few_recordings.FEW], ids=["many", "few"])
def test_no_query_reads_a_whole_table(url: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both where the database walks the order of a page, and where it begins with a rare condition."""
    monkeypatch.setattr(few_recordings, "FEW", few)
    bad = {}
    with closing(History.open(url)) as history, closing(Store.open(url)) as store:
        queries = list(history_queries.queries(history, store, ROWS))
        for name, query in queries:
            engine = (store if name.startswith("worker:") else history)._engine
            is_rare = any(f"={value}" in name for value in RARE)
            if few > 0 and name.startswith("page") and not is_rare:
                continue  # of a million, more than few meet this condition
            is_bad = few > 0 and is_rare
            if found := [line for line, ends_early in scans(engine, query) if is_bad or not ends_early]:
                bad[name] = found
    assert len(queries) > 100
    assert bad == {}


def test_what_is_of_a_subject_is_found_without_reading_the_others(url: str) -> None:
    with closing(SubjectTable(url)) as table:
        for query in (
            lambda: table.names(50),
            lambda: table.names(50, "patient-10000"),
            lambda: table.summary("patient-10"),
            lambda: list(table.recordings("patient-10")),
        ):
            assert [line for line, ends_early in scans(table._engine, query) if not ends_early] == []


@pytest.mark.parametrize(
    ("sql", "ends_early"),
    [
        ("SELECT count(*) FROM recordings WHERE samples > 3", False),
        ("SELECT id FROM recordings ORDER BY id DESC LIMIT 3", True),
        ("SELECT id FROM recordings ORDER BY audio_file LIMIT 3", False),
    ],
)
def test_a_scan_is_seen(url: str, sql: str, ends_early: bool) -> None:
    engine = connect(url)

    def query() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(sql).all()

    assert [each for _, each in scans(engine, query)] == [ends_early]
    engine.dispose()
