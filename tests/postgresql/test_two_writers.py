"""Two workers that store the same at once: one of them has lost its shard, and does not know yet."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, select, text
from stored_results import NOW, result_of, store_recording

from edge_worker.database.counting import count_tables, counts
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store

pytest_plugins = ["store_fixtures"]
RECORDINGS = 60
SHAPE = (1.0, 2.0)


def at_once(*actions: Callable[[], None]) -> None:
    """Do all at the same time; raise what one of them raises."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], None]) -> None:
        barrier.wait()
        try:
            action()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[each]) for each in actions]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if failures:
        raise failures[0]


def store_all(store: Store, published: list[OutboxMessage]) -> None:
    for number in range(RECORDINGS):
        result = result_of(number, f"st-{number % 4:02}")
        row = store_recording(store, result)
        message = OutboxMessage(f"stetho/v1/result/{result.device_id}", result.recording_id.encode(), False)
        analysed = AnalysisResult(row, result, result.to_json().decode(), NOW, (message,), SHAPE)
        published += store.save_results([analysed])
        store.clock.check()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_two_workers_store_is_there_once(store: Store, url: str) -> None:
    second = Store.open(url)
    published: tuple[list[OutboxMessage], list[OutboxMessage]] = ([], [])
    at_once(lambda: store_all(store, published[0]), lambda: store_all(second, published[1]))
    assert sorted(each.payload for found in published for each in found) == sorted(
        f"{number:016x}".encode() for number in range(RECORDINGS)
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        for query in ("recordings", "recordings WHERE document IS NOT NULL", "predictions", "outbox"):
            count = connection.execute(text(f"SELECT count(*) FROM {query}")).scalar()  # noqa: S608 - ours
            assert (query, count) == (query, RECORDINGS)
        tables = (count_tables.recording_counts, count_tables.label_counts)
        kept = [sorted(connection.execute(select(table)).all()) for table in tables]
        counts.count_again(connection)
        assert kept == [sorted(connection.execute(select(table)).all()) for table in tables]
    engine.dispose()
    second.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_stream_that_two_workers_save_is_there_once(store: Store, url: str) -> None:
    second = Store.open(url)
    result = result_of(0)
    store_recording(store, result)
    (stored,) = store.unanalysed()
    published: list[OutboxMessage] = []

    def save(into: Store) -> None:
        for number in range(1, 40):
            name = f"{number:016x}"
            of_stream = replace(result, recording_id=name)
            message = OutboxMessage("stetho/v1/result/st-01", name.encode(), False)
            published.extend(
                into.save_stream(
                    replace(stored, recording_id=name, id=None),
                    lambda row: AnalysisResult(row, of_stream, "{}", NOW, (message,)),  # noqa: B023 - used at once
                    "{}",
                )
            )

    at_once(lambda: save(store), lambda: save(second))
    assert sorted(each.payload for each in published) == [
        f"{number:016x}".encode() for number in range(1, 40)
    ]
    second.close()
