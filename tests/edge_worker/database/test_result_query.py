"""Pages of results: filters, order, cursors and query plans."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from stored_results import NOW, result_of, store_result

from edge_worker.database import result_query
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.page_cursor import CursorError, Sort
from edge_worker.database.paging import few_recordings
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.reviewing import review_tables
from edge_worker.database.store import Store
from edge_worker.protocol.result import Result

pytest_plugins = ["store_fixtures"]

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
    ResultFilter(severity="finding"),
    ResultFilter(verdict="murmur"),
)
CAPTURED: tuple[Sort, ...] = ("captured_at", "-captured_at")


def all_pages(
    reader: History, filters: ResultFilter, limit: int = 7, sort: Sort = "-stored"
) -> Iterator[str]:
    """Yield the documents of all pages."""
    page = reader.results(filters, limit, None, sort)
    yield from page.documents
    while page.next:
        assert len(page.documents) == limit
        page = reader.results(filters, limit, page.next, sort)
        yield from page.documents


def passes(result: Result, filters: ResultFilter) -> bool:
    """Return whether `result` passes `filters`: the definition that the SQL is compared with."""
    has_prediction = any(
        filters.model in (None, prediction.model)
        and filters.label in (None, prediction.label)
        and filters.accepted in (None, prediction.accepted)
        for prediction in result.models
    )
    return (
        filters.device in (None, result.device_id)
        and filters.status in (None, result.status)
        and (has_prediction or (filters.model, filters.label, filters.accepted) == (None, None, None))
        and (filters.since is None or result.captured_at >= filters.since)
        and (filters.until is None or result.captured_at < filters.until)
    )


def documents(results: list[Result]) -> list[str]:
    return [result.to_json().decode() for result in results]


@pytest.mark.parametrize(("few", "near"), [(-1, 40), (few_recordings.FEW, 2_000)])
def test_every_combination_of_filters_gives_its_results_newest_first(
    store: Store, reader: History, few: int, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both where a query walks the order of a page, and where it begins with a rare condition."""
    monkeypatch.setattr(few_recordings, "FEW", few)
    monkeypatch.setattr(result_query, "_NEAR", near)
    monkeypatch.setattr(result_query, "_NEAR_OF_DEVICE", near // 10)
    monkeypatch.setattr(result_query, "_NEXT", near // 5)
    chance = random.Random(4)
    results = []
    for number in range(120):
        labels = {model: chance.choice(("normal", "murmur")) for model in ("heart5", "heart2")}
        result = result_of(
            number,
            chance.choice(("st-01", "st-02")),
            labels=dict(list(labels.items())[: chance.randrange(3)]),
            status=chance.choice(("ok", "inconclusive")),
            accepted=chance.choice((True, False)),
            captured_at=f"2026-11-20T{chance.randrange(24):02}:00:00.000Z",
        )
        results.append(store_result(store, result))
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
        filters = ResultFilter(device, label, model, "ok" if status else None, since, until, accepted)
        passed = [result for result in results if passes(result, filters)]
        assert list(all_pages(reader, filters, 30)) == documents(passed[::-1]), filters
        by_time = documents(sorted(passed, key=lambda result: (result.captured_at, result.recording_id)))
        assert list(all_pages(reader, filters, 30, "captured_at")) == by_time, filters
        assert list(all_pages(reader, filters, 30, "-captured_at")) == by_time[::-1], filters


@pytest.mark.parametrize(
    "filters", [ResultFilter(), ResultFilter(device="st-01"), ResultFilter(label="normal")], ids=str
)
def test_pages_give_each_row_once_while_rows_come_in(
    store: Store, reader: History, filters: ResultFilter
) -> None:
    results = [store_result(store, result_of(number)) for number in range(500)]
    seen = []
    for count, document in enumerate(all_pages(reader, filters, limit=50)):
        seen.append(document)
        if count % 50 == 10:
            store_result(store, result_of(10_000 + count))
    assert seen == documents(results[::-1])


def test_a_result_with_one_label_of_two_models_comes_once(store: Store, reader: History) -> None:
    store_result(store, result_of(1, labels={"heart5": "normal", "heart2": "normal"}))
    assert len(reader.results(ResultFilter(label="normal"), 10).documents) == 1


def test_results_are_filtered_by_their_verdict(store: Store, reader: History) -> None:
    agreed = store_result(store, result_of(1, labels={"heart5": "murmur", "heart2": "abnormal"}))
    contradicted = store_result(store, result_of(2, labels={"heart5": "normal", "heart2": "abnormal"}))
    normal = store_result(store, result_of(3, labels={"heart5": "normal", "heart2": "normal"}))
    unsure = store_result(store, result_of(4, accepted=False))
    sorts: tuple[Sort, ...] = ("-stored", "-captured_at")
    for sort in sorts:
        for filters, expected in (
            (ResultFilter(severity="finding"), [contradicted, agreed]),
            (ResultFilter(severity="none"), [normal]),
            (ResultFilter(severity="unknown"), [unsure]),
            (ResultFilter(verdict="abnormal"), [contradicted]),
            (ResultFilter(verdict="normal"), [normal]),
            (ResultFilter(disagree=True), [contradicted]),
            (ResultFilter(disagree=False, severity="finding", device="st-01"), [agreed]),
        ):
            assert list(all_pages(reader, filters, 1, sort)) == documents(expected), filters


def test_model_and_label_are_of_the_same_prediction(store: Store, reader: History) -> None:
    store_result(store, result_of(1, labels={"heart5": "murmur", "heart2": "abnormal"}))
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
        store_result(store, result_of(number))
    cursor = reader.results(ResultFilter(), 1).next
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_c6_results_are_filtered_by_their_review(store: Store, reader: History, url: str) -> None:
    results = [store_result(store, result_of(number, f"st-0{number % 2}")) for number in range(6)]
    with connect(url).begin() as connection:
        for recording, verdict in ((1, "confirmed"), (2, "rejected"), (4, "confirmed")):
            row = (recording, verdict, "", "ann", NOW, 1)
            connection.execute(review_tables.reviews.insert().values(row))
    sorts: tuple[Sort, ...] = ("-stored", "-captured_at")
    for sort in sorts:
        for filters, numbers in (
            (ResultFilter(reviewed="confirmed"), (3, 0)),
            (ResultFilter(reviewed="rejected"), (1,)),
            (ResultFilter(reviewed="none"), (5, 4, 2)),
        ):
            assert list(all_pages(reader, filters, 1, sort)) == documents([results[each] for each in numbers])
            narrow = replace(filters, device="st-01", label="normal")
            mine = [results[each] for each in numbers if each % 2]
            assert list(all_pages(reader, narrow, 1, sort)) == documents(mine)


@pytest.mark.parametrize("sort", CAPTURED)
def test_pages_by_time_lose_nothing_where_times_are_equal(store: Store, reader: History, sort: Sort) -> None:
    results = [store_result(store, result_of(number)) for number in range(40)]
    expected = documents(results if sort == "captured_at" else results[::-1])
    assert list(all_pages(reader, ResultFilter(), 7, sort)) == expected


@pytest.mark.parametrize(("given", "asked"), [("-stored", "captured_at"), ("captured_at", "-captured_at")])
def test_a_cursor_of_another_sort_is_refused(store: Store, reader: History, given: Sort, asked: Sort) -> None:
    for number in range(3):
        store_result(store, result_of(number))
    cursor = reader.results(ResultFilter(), 1, None, given).next
    with pytest.raises(CursorError, match="another sort"):
        reader.results(ResultFilter(), 1, cursor, asked)


def plan(url: str, filters: ResultFilter, sort: Sort, is_first: bool) -> str:
    """Return the query plan of a page, one line for each query."""
    engine = connect(url)
    lines = []
    ids = {each.key: 3 for each in (result_query.LAST_ID, result_query.NEAR_ID, result_query.NEXT_ID)}
    given = ids | {result_query.LAST_CAPTURED_AT.key: NOW}
    with engine.connect() as connection:
        for query in result_query.queries(filters, sort, is_first):
            bound = query.limit(2).params(
                {name: given[name] for name in query.compile().params if name in given}
            )
            statement = bound.compile(engine, compile_kwargs={"literal_binds": True})
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
            lines.append(" | ".join(row.detail for row in rows))
    engine.dispose()
    return "\n".join(lines)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_is_read_in_order_and_not_sorted(
    store: Store, url: str, filters: ResultFilter, is_first: bool
) -> None:
    shown = plan(url, filters, "-stored", is_first)
    near, *of_range, rest = shown.split("\n") if "\n" in shown else (shown, shown)
    assert "ORDER BY" not in near + rest
    assert len(of_range) <= 1  # its rows are known, and few, when they are sorted


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("filters", [each for each in FILTERS if not each.device], ids=str)
@pytest.mark.parametrize("sort", CAPTURED)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_by_time_walks_the_index_of_times(
    store: Store, url: str, filters: ResultFilter, sort: Sort, is_first: bool
) -> None:
    shown = plan(url, filters, sort, is_first)
    if filters.reviewed == "confirmed":  # begins with the reviews, which are few
        assert "SCAN recordings" not in shown
        return
    assert "ORDER BY" not in shown
    for walk_of_one in shown.split("\n"):
        assert "INDEX recordings_by_captured_at" in walk_of_one.split(" | ")[0], shown
