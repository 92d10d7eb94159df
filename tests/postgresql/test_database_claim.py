"""One worker at a time uses a database of PostgreSQL: its claim, and what becomes of it if that breaks."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import wait_until
from sqlalchemy import text

from edge_worker.database.claim import database_claim
from edge_worker.database.claim.database_claim import DatabaseClaim
from edge_worker.database.engine import connect
from edge_worker.errors import SettingsError, StoreError
from edge_worker.settings import Settings
from edge_worker.upkeep.site_claim import claimed_database

pytest_plugins = ["store_fixtures"]
pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

HOLDERS = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_claim, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(database_claim, "_WITHIN_S", 0.0)


@pytest.fixture
def claim(url: str) -> Iterator[DatabaseClaim]:
    """The claim of the first worker."""
    claim = DatabaseClaim(url, "edge-01", is_shared=False)
    claim.take()
    yield claim
    claim.close()


def holders(url: str) -> list[int]:
    """Return the ids of the server's processes that hold the lock."""
    engine = connect(url)
    with engine.connect() as connection:
        found = list(connection.execute(HOLDERS).scalars())
    engine.dispose()
    return found


def terminate(url: str, pid: int) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    engine.dispose()


def test_a_second_worker_is_refused_in_a_sentence_until_the_first_ends(
    url: str, claim: DatabaseClaim, tmp_path: Path
) -> None:
    second = Settings(data_dir=tmp_path, database_url=url)
    with (
        pytest.raises(SettingsError, match=r"another worker \(edge-01 on .+\) uses the database .+; stop it"),
        claimed_database(second),
    ):
        pytest.fail("it runs")
    with pytest.raises(SettingsError, match="edge-01 on"):
        DatabaseClaim(url, "edge-02", is_shared=True).take()
    claim.close()
    with claimed_database(second):
        assert len(holders(url)) == 1


def test_workers_with_leases_claim_together(url: str) -> None:
    claims = [DatabaseClaim(url, name, is_shared=True) for name in ("edge-01", "edge-02")]
    for each in claims:
        each.take()
    assert len(holders(url)) == 2
    alone = DatabaseClaim(url, "edge-03", is_shared=False)
    with pytest.raises(SettingsError, match="another worker"):
        alone.take()
    for each in claims:
        each.close()


def test_a_connection_that_breaks_is_claimed_again(url: str, claim: DatabaseClaim) -> None:
    ended = threading.Event()
    claim.keep(ended.set)
    (before,) = holders(url)
    terminate(url, before)
    wait_until(lambda: holders(url) not in ([], [before]), "the claim")
    assert not ended.is_set()
    assert claim.problem == ""


def test_a_connection_of_ours_that_the_server_still_believes_in_is_ended(
    url: str, claim: DatabaseClaim
) -> None:
    (before,) = holders(url)
    kept = claim._connection
    claim._connection = None
    claim.keep(lambda: None)
    wait_until(lambda: holders(url) not in ([], [before]), "the claim")
    assert claim.problem == ""
    assert kept is not None
    kept.invalidate()


def test_who_lost_its_claim_to_another_worker_ends(url: str, claim: DatabaseClaim) -> None:
    ended = threading.Event()
    (before,) = holders(url)
    terminate(url, before)
    other = DatabaseClaim(url, "edge-02", is_shared=False)
    wait_until(lambda: holders(url) == [], "the end of the first claim")
    other.take()
    claim.keep(ended.set)
    assert ended.wait(30)
    assert "another worker (edge-02 on" in claim.problem
    other.close()


def test_a_server_that_is_away_is_no_reason_not_to_start(url: str) -> None:
    claim = DatabaseClaim(url.replace("?host=", "?host=/nowhere"), "edge-01", is_shared=False)
    with pytest.raises(StoreError, match="the database cannot be claimed"):
        claim.take()
    claim.close()
