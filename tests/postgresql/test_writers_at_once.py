"""Two that write the same at the same time: the second waits for the first, and neither fails."""

import threading
from collections.abc import Callable

import pytest
from conftest import wait_until
from sqlalchemy import Connection, text
from stored_results import result_of, store_result

from edge_worker.database.engine import connect
from edge_worker.database.recording_query import is_recording
from edge_worker.database.reviewing import review
from edge_worker.database.reviewing.review import ReviewTable
from edge_worker.database.site_state import site_facts
from edge_worker.database.store import Store

pytest_plugins = ["store_fixtures"]
pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def at_once(url: str, first: Callable[[Connection], object], second: Callable[[], object]) -> object:
    """Begin the first, let the second wait for it, and return what that returns."""
    engine, answers = connect(url), list[object]()
    thread = threading.Thread(target=lambda: answers.append(second()))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
        with engine.begin() as connection:
            first(connection)
            thread.start()
            wait_until(lambda: looking.execute(WAITS).scalar_one(), "the second to wait")
        thread.join(30)
    engine.dispose()
    assert answers, "the second failed"
    return answers[0]


def test_of_two_first_reviews_one_is_saved(url: str, store: Store) -> None:
    result = store_result(store, result_of(1))
    key = (result.device_id, result.recording_id)
    values = {"verdict": "confirmed", "note": "", "reviewer": "ann", "reviewed_at": "", "version": 1}
    table = ReviewTable(url)
    is_saved = at_once(
        url,
        lambda connection: review._insert_if_none(connection, is_recording(*key), values),
        lambda: table.save(*key, verdict="rejected", note="", reviewer="bob", expected=0),
    )
    assert is_saved is False
    table.close()


def test_of_two_facts_the_last_stays(url: str, store: Store) -> None:
    engine = connect(url)

    def write() -> bool:
        with engine.begin() as connection:
            site_facts.write(connection, site_facts.CLOCK, {"of": "second"})
        return True

    assert at_once(
        url, lambda connection: site_facts.write(connection, site_facts.CLOCK, {"of": "first"}), write
    )
    with engine.connect() as connection:
        assert site_facts.read(connection, site_facts.CLOCK) == {"of": "second"}
    engine.dispose()
