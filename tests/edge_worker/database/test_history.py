"""The reader's half of the history on real SQLite files that the writer's half made."""

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from edge_worker.database import result_query, schema
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.page_cursor import CursorError, Sort
from edge_worker.database.result_query import ResultFilter
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.errors import StoreError
from edge_worker.protocol.result import Audio, Prediction, Quality, Result

NOW = "2026-11-20T17:20:09.000Z"
AUDIO = Audio(4000, 1, 16000, "0" * 64)
FILTERS = (
    ResultFilter(),
    ResultFilter(device="st-01"),
    ResultFilter(label="murmur"),
    ResultFilter(model="heart5"),
    ResultFilter(model="heart2", label="murmur"),
    ResultFilter(status="error"),
    ResultFilter(since="2026-11-20T06:00:00.000Z", until="2026-11-20T18:00:00.000Z"),
    ResultFilter(device="st-01", label="murmur"),
    ResultFilter(device="st-01", since="2026-11-20T06:00:00.000Z"),
    ResultFilter(accepted=True),
    ResultFilter(label="murmur", accepted=False),
    ResultFilter(device="st-01", accepted=False),
    ResultFilter(reviewed="none"),
    ResultFilter(reviewed="confirmed"),
)
CAPTURED: tuple[Sort, ...] = ("captured_at", "-captured_at")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stetho.db'}"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty database with its tables: copied, because making it takes longer than a test."""
    path = tmp_path_factory.mktemp("migrated") / "stetho.db"
    Store.open(f"sqlite:///{path}").close()
    return path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, url: str, migrated: bytes) -> Iterator[Store]:
    (tmp_path / "stetho.db").write_bytes(migrated)
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def reader(store: Store, url: str) -> Iterator[History]:
    reader = History.open(url)
    yield reader
    reader.close()


def made(number: int, device: str = "st-01", **changed: Any) -> Result:  # noqa: ANN401 - as the fields of Result
    """Return a result; `labels` is label by model."""
    labels = changed.pop("labels", {"heart5": "normal"})
    accepted = changed.pop("accepted", True)
    result = Result(
        device_id=device,
        recording_id=f"{number:016x}",
        status="ok",
        completeness="complete",
        audio=AUDIO,
        quality=Quality(True, 12.0, 0.0),
        captured_at=NOW,
        captured_at_source="device",
        models=tuple(
            Prediction(model, "1", "f" * 64, label, 0.9, 0.8, accepted, {label: 0.9}, 1, 0.5)
            for model, label in labels.items()
        ),
    )
    return replace(result, **changed)


def keep(store: Store, result: Result) -> int:
    """Store the recording that `result` is about, without the result; return the id of its row."""
    (kept,) = store.save_recordings(
        [
            StoredRecording(
                result.device_id,
                result.recording_id,
                NOW,
                result.captured_at,
                result.captured_at_source,
                result.completeness,
                [],
                AUDIO.sample_rate,
                AUDIO.channels,
                AUDIO.samples,
                AUDIO.sha256,
                f"audio/{result.device_id}/{result.recording_id}.wav",
                {},
            )
        ]
    )
    assert kept.id is not None
    return kept.id


def add(store: Store, result: Result) -> Result:
    store.save_results([AnalysisResult(keep(store, result), result, result.to_json().decode(), NOW, ())])
    return result


def walk(reader: History, wanted: ResultFilter, limit: int = 7, sort: Sort = "-stored") -> Iterator[str]:
    """Give the documents of all pages."""
    result_query = reader.results(wanted, limit, None, sort)
    yield from result_query.documents
    while result_query.next:
        assert len(result_query.documents) == limit
        result_query = reader.results(wanted, limit, result_query.next, sort)
        yield from result_query.documents


def passes(result: Result, wanted: ResultFilter) -> bool:
    """Return whether `result` passes: the definition that the SQL is held to."""
    judged = any(
        wanted.model in (None, prediction.model)
        and wanted.label in (None, prediction.label)
        and wanted.accepted in (None, prediction.accepted)
        for prediction in result.models
    )
    return (
        wanted.device in (None, result.device_id)
        and wanted.status in (None, result.status)
        and (judged or (wanted.model, wanted.label, wanted.accepted) == (None, None, None))
        and (wanted.since is None or result.captured_at >= wanted.since)
        and (wanted.until is None or result.captured_at < wanted.until)
    )


def documents(results: list[Result]) -> list[str]:
    return [result.to_json().decode() for result in results]


def test_every_combination_of_filters_gives_what_passes_newest_first(store: Store, reader: History) -> None:
    chance = random.Random(4)
    results = []
    for number in range(120):
        labels = {model: chance.choice(("normal", "murmur")) for model in ("heart5", "heart2")}
        result = made(
            number,
            chance.choice(("st-01", "st-02")),
            labels=dict(list(labels.items())[: chance.randrange(3)]),
            status=chance.choice(("ok", "inconclusive")),
            accepted=chance.choice((True, False)),
            captured_at=f"2026-11-20T{chance.randrange(24):02}:00:00.000Z",
        )
        results.append(add(store, result))
    choices = product(
        (None, True, False),
        (None, "st-01"),
        (None, "murmur", "normal"),
        (None, "heart2"),
        (None, "ok"),
        (None, "2026-11-20T06:00:00.000Z"),
        (None, "2026-11-20T18:00:00.000Z"),
    )
    for accepted, device, label, model, status, since, until in choices:
        wanted = ResultFilter(device, label, model, "ok" if status else None, since, until, accepted)
        passed = [result for result in results if passes(result, wanted)]
        assert list(walk(reader, wanted, 30)) == documents(passed[::-1]), wanted
        by_time = documents(sorted(passed, key=lambda result: (result.captured_at, result.recording_id)))
        assert list(walk(reader, wanted, 30, "captured_at")) == by_time, wanted
        assert list(walk(reader, wanted, 30, "-captured_at")) == by_time[::-1], wanted


@pytest.mark.parametrize(
    "wanted", [ResultFilter(), ResultFilter(device="st-01"), ResultFilter(label="normal")], ids=str
)
def test_pages_give_each_row_once_while_rows_come_in(
    store: Store, reader: History, wanted: ResultFilter
) -> None:
    results = [add(store, made(number)) for number in range(500)]
    seen = []
    for count, document in enumerate(walk(reader, wanted, limit=50)):
        seen.append(document)
        if count % 50 == 10:
            add(store, made(10_000 + count))
    assert seen == documents(results[::-1])


def test_what_is_not_analysed_is_not_a_result(store: Store, reader: History) -> None:
    keep(store, made(1))
    add(store, made(2))
    assert len(reader.results(ResultFilter(), 10).documents) == 1
    assert [entry.document for entry in reader.recording(f"{1:016x}")] == [None]
    assert reader.count() == 2


def test_a_label_that_two_models_gave_is_one_result(store: Store, reader: History) -> None:
    add(store, made(1, labels={"heart5": "normal", "heart2": "normal"}))
    assert len(reader.results(ResultFilter(label="normal"), 10).documents) == 1


def test_model_and_label_are_of_the_same_prediction(store: Store, reader: History) -> None:
    add(store, made(1, labels={"heart5": "murmur", "heart2": "abnormal"}))
    assert reader.results(ResultFilter(model="heart2", label="murmur"), 10).documents == []


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAA", "AgAAAAAAAAAB", "AQAAAAAAAAAA", "Af__________", "AQAAAAAAAAAB\n", "ä", "AQAA AAAAAAAB"],
)
def test_a_foreign_cursor_is_refused(reader: History, cursor: str) -> None:
    with pytest.raises(CursorError, match="start again without it"):
        reader.results(ResultFilter(), 10, cursor)


def test_a_cursor_is_safe_in_an_address(store: Store, reader: History) -> None:
    for number in range(3):
        add(store, made(number))
    cursor = reader.results(ResultFilter(), 1).next
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_an_id_that_two_devices_share_is_two_recordings(store: Store, reader: History) -> None:
    add(store, made(1, "st-01"))
    add(store, made(1, "st-02"))
    assert [entry.device_id for entry in reader.recording(f"{1:016x}")] == ["st-01", "st-02"]
    assert [entry.device_id for entry in reader.recording(f"{1:016x}", "st-02")] == ["st-02"]
    assert reader.recording(f"{1:016x}", "st-03") == []


def test_verdicts_are_the_newest_predictions(store: Store, reader: History) -> None:
    for number in range(3):
        add(store, made(number, labels={"heart5": "normal", "heart2": "abnormal"}))
    newest = reader.predictions(3)
    assert [(verdict.recording_id[-1], verdict.model) for verdict in newest] == [
        ("2", "heart2"),
        ("2", "heart5"),
        ("1", "heart2"),
    ]
    assert newest[0].probabilities == {"abnormal": 0.9}


def test_heartbeats_are_freshest_first(store: Store, reader: History) -> None:
    store.save_heartbeat("edge-01", "2026-11-20T17:20:09.000Z", {"state": "ready"})
    store.save_heartbeat("edge-02", "2026-11-20T17:20:10.000Z", {"state": "offline"})
    assert [(beat.worker_id, beat.document["state"]) for beat in reader.heartbeats()] == [
        ("edge-02", "offline"),
        ("edge-01", "ready"),
    ]


def test_c6_reviews_are_filtered_by_what_people_said(store: Store, reader: History, url: str) -> None:
    results = [add(store, made(number, f"st-0{number % 2}")) for number in range(6)]
    with connect(url).begin() as connection:
        for recording, verdict in ((1, "confirmed"), (2, "rejected"), (4, "confirmed")):
            row = (recording, verdict, "", "ann", NOW, 1)
            connection.execute(schema.reviews.insert().values(row))
    sorts: tuple[Sort, ...] = ("-stored", "-captured_at")
    for sort in sorts:
        for wanted, numbers in (
            (ResultFilter(reviewed="confirmed"), (3, 0)),
            (ResultFilter(reviewed="rejected"), (1,)),
            (ResultFilter(reviewed="none"), (5, 4, 2)),
        ):
            assert list(walk(reader, wanted, 1, sort)) == documents([results[each] for each in numbers])
            narrow = replace(wanted, device="st-01", label="normal")
            mine = [results[each] for each in numbers if each % 2]
            assert list(walk(reader, narrow, 1, sort)) == documents(mine)


@pytest.mark.parametrize("sort", CAPTURED)
def test_pages_by_time_lose_nothing_where_times_are_equal(store: Store, reader: History, sort: Sort) -> None:
    results = [add(store, made(number)) for number in range(40)]
    expected = documents(results if sort == "captured_at" else results[::-1])
    assert list(walk(reader, ResultFilter(), 7, sort)) == expected


@pytest.mark.parametrize(("given", "asked"), [("-stored", "captured_at"), ("captured_at", "-captured_at")])
def test_a_cursor_of_another_sort_is_refused(store: Store, reader: History, given: Sort, asked: Sort) -> None:
    for number in range(3):
        add(store, made(number))
    cursor = reader.results(ResultFilter(), 1, None, given).next
    with pytest.raises(CursorError, match="another sort"):
        reader.results(ResultFilter(), 1, cursor, asked)


def plan(url: str, wanted: ResultFilter, sort: Sort, is_first: bool) -> str:
    """Return how SQLite reads a page: one line a query."""
    engine = connect(url)
    lines = []
    given = {result_query.LAST_ID.key: 3, result_query.LAST_CAPTURED_AT.key: NOW}
    with engine.connect() as connection:
        for query in result_query.queries(wanted, sort, is_first):
            bound = query.limit(2).params(
                {name: given[name] for name in query.compile().params if name in given}
            )
            statement = bound.compile(engine, compile_kwargs={"literal_binds": True})
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
            lines.append(" | ".join(row.detail for row in rows))
    engine.dispose()
    return "\n".join(lines)


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_is_read_in_order_and_not_sorted(
    store: Store, url: str, wanted: ResultFilter, is_first: bool
) -> None:
    shown = plan(url, wanted, "-stored", is_first)
    assert "ORDER BY" not in shown
    scans = {each for each in shown.split(" | ") if "SCAN" in each} - {"SCAN reviews"}  # there are few
    assert scans <= ({"SCAN recordings"} if "SCALAR" in shown or wanted == ResultFilter() else set()), shown


@pytest.mark.parametrize("wanted", [each for each in FILTERS if not each.device], ids=str)
@pytest.mark.parametrize("sort", CAPTURED)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_by_time_walks_the_index_of_times(
    store: Store, url: str, wanted: ResultFilter, sort: Sort, is_first: bool
) -> None:
    shown = plan(url, wanted, sort, is_first)
    if wanted.reviewed == "confirmed":  # begins with the reviews, which are few
        assert "SCAN recordings" not in shown
        return
    assert "ORDER BY" not in shown
    for walk_of_one in shown.split("\n"):
        assert "INDEX recordings_by_captured_at" in walk_of_one.split(" | ")[0], shown


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_a_page_is_ordered_by_what_it_selects(wanted: ResultFilter) -> None:
    """PostgreSQL wants that of a SELECT DISTINCT; SQLite would not mind."""
    (query,) = result_query.queries(wanted, "-stored", is_first=False)
    statement = str(query.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    selected, rest = statement.split("\nFROM", 1)
    assert rest.split("ORDER BY ")[1].split(" DESC")[0] in selected


def test_reading_makes_no_database(tmp_path: Path) -> None:
    reader = History.open(f"sqlite:///{tmp_path / 'data' / 'stetho.db'}")
    for ask in (reader.require_ready, reader.count, lambda: reader.results(ResultFilter(), 1)):
        with pytest.raises(StoreError, match="start the worker"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_reading_begins_when_the_worker_made_the_database(url: str) -> None:
    reader = History.open(url)
    with pytest.raises(StoreError):
        reader.require_ready()
    store = Store.open(url)
    add(store, made(1))
    reader.require_ready()
    assert reader.count() == 1


def test_an_empty_database_says_what_to_do(tmp_path: Path, url: str) -> None:
    (tmp_path / "stetho.db").touch()
    reader = History.open(url)
    with pytest.raises(StoreError, match="start the worker"):
        reader.count()


def test_what_cannot_become_our_database_is_refused_at_once(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="STETHO_DATABASE_URL"):
        History.open("not a url")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="not a directory"):
        History.open(f"sqlite:///{tmp_path / 'file' / 'stetho.db'}")
    with connect(url).begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))
    with pytest.raises(StoreError, match="other tables"):
        History.open(url)


def test_a_database_of_another_version_is_not_ready(store: Store, reader: History, url: str) -> None:
    with connect(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999"):
        reader.require_ready()


def test_a_broken_table_is_a_store_error_without_the_query(store: Store, reader: History, url: str) -> None:
    with connect(url).begin() as connection:
        connection.execute(text("DROP TABLE predictions"))
    with pytest.raises(StoreError, match="cannot be read") as raised:
        reader.predictions(1)
    assert "SELECT" not in str(raised.value)


def test_the_reader_cannot_write(store: Store, reader: History) -> None:
    with reader._engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute(text("DELETE FROM recordings"))


def test_reading_history_loads_no_numpy() -> None:
    program = (
        "import sys, edge_worker.database.history\n"
        "print([name for name in ('numpy', 'paho', 'alembic', 'scipy') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout == "[]\n"
