"""Plans of every query of API and worker: none reads a whole table of recordings or of predictions."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plan_reading import RARE, statements
from sqlalchemy import Engine

from bench.history import history_queries, history_rows
from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.history import History
from edge_worker.database.paging import few_recordings
from edge_worker.database.store import Store
from edge_worker.database.subjects.subject_table import SubjectTable

LARGE = (
    *("recordings", "predictions", "result", "timelines", "earlier", "mine", "first", "last"),
    *("each", "other"),
)
"""Tables with as many rows as there are recordings, and the names that queries give them."""
SMALL = ("INDEX recordings_without_result", "INDEX recordings_without_subject")
"""Indexes of few rows, which may be read whole; of the second, where it has many, no more than a page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[History, Store]]:
    path = tmp_path_factory.mktemp("plans") / "stetho.db"
    history_rows.fill(path, 1_000, rare_every=100)
    history, store = History.open(f"sqlite:///{path}"), Store.open(f"sqlite:///{path}")
    yield history, store
    history.close()
    store.close()


def scans(engine: Engine, query: Callable[[], object]) -> Iterator[tuple[str, bool]]:
    """Yield each scan of a large table in the plans of a query, and whether it ends when a page is full."""
    with statements(engine) as seen:
        query()
    assert seen
    with engine.connect() as connection:
        for statement, parameters in seen:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            lines = [row.detail for row in rows]
            is_sorted = any("TEMP B-TREE" in line for line in lines)
            ends_early = "ORDER BY" in statement and "LIMIT" in statement and not is_sorted
            for line in lines:
                if (
                    line.startswith("SCAN")
                    and not any(each in line for each in SMALL)
                    and line.split()[1].split("_")[0] in LARGE
                ):
                    yield line, ends_early


@pytest.mark.parametrize("few", [-1, few_recordings.FEW], ids=["many", "few"])
def test_no_query_reads_a_whole_table(
    site: tuple[History, Store], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both where the database walks the order of a page, and where it begins with a rare condition."""
    monkeypatch.setattr(few_recordings, "FEW", few)
    bad, queries = {}, list(history_queries.queries(*site, 1_000))
    for name, query in queries:
        engine = site[name.startswith("worker:")]._engine
        is_rare = few > 0 and any(f"={value}" in name for value in RARE)
        found = [line for line, ends_early in scans(engine, query) if is_rare or not ends_early]
        if found:
            bad[name] = found
    assert len(queries) > 100
    assert bad == {}


def test_what_is_of_a_subject_is_found_without_reading_the_others(site: tuple[History, Store]) -> None:
    url = site[1]._engine.url.render_as_string()
    table, deletion = SubjectTable(url), RecordingDeletion(url, AudioDirectory(Path("nowhere")))
    queries: list[tuple[SubjectTable | RecordingDeletion, Callable[[], object]]] = [
        (table, lambda: table.names(50)),
        (table, lambda: table.names(50, "patient-10000")),
        (table, lambda: table.summary("patient-10000")),
        (table, lambda: list(table.recordings("patient-10000"))),
        (deletion, lambda: deletion.delete_of_exams_of_subject("patient-77")),
        (deletion, lambda: deletion.delete_of_subject("patient-77")),
    ]
    for where, query in queries:
        assert list(scans(where._engine, query)) == []
    table.close()
    deletion.close()


@pytest.mark.parametrize(
    ("sql", "ends_early"),
    [
        ("SELECT count(*) FROM recordings WHERE samples > 3", False),
        ("SELECT id FROM recordings ORDER BY id DESC LIMIT 3", True),
        ("SELECT id FROM recordings ORDER BY audio_file LIMIT 3", False),
    ],
)
def test_a_scan_is_seen(site: tuple[History, Store], sql: str, ends_early: bool) -> None:
    engine = site[0]._engine

    def query() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(sql).all()

    assert [each for _, each in scans(engine, query)] == [ends_early]
