"""`stetho migrate-history`: a whole site in PostgreSQL, and nothing of it where something is wrong."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select
from stored_results import NOW, result_of, store_recording, store_result

from bench.history import history_rows
from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.moving.history_move import HistoryMove
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.schema import metadata
from edge_worker.database.store import AnalysisResult, Store
from edge_worker.directory_lock import lock_directory
from edge_worker.upkeep import migrate_history

pytest_plugins = ["store_fixtures"]
pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

ROWS = 1_200
MOVE = """
import os, signal, sys
from edge_worker.database.moving.history_move import HistoryMove

move = HistoryMove.open(*sys.argv[1:])
done = 0


def advance(rows):
    global done
    done += rows
    if done > 1_500:
        os.kill(os.getpid(), signal.SIGKILL)


move.copy(lambda _: None, advance)
"""
"""A move that ends in the middle, as when its machine is switched off."""


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Database of a site that has received much, and lost its last result."""
    folder = tmp_path_factory.mktemp("former")
    path = folder / "stetho.db"
    history_rows.fill(path, ROWS, rare_every=50)
    site = f"sqlite:///{path}"
    store, deletion = Store.open(site), RecordingDeletion(site, AudioDirectory(folder))
    result = result_of(7, labels={"heart5": "normal", "heart2": "abnormal"}, reasons=("Straße \u2764",))
    message = OutboxMessage("stetho/v1/result/st-01", b"\x00\xff", retain=True)
    row = store_recording(store, result)
    store.save_results(
        [AnalysisResult(row, result, result.to_json().decode(), NOW, (message,), (0.1, -1e-9))]
    )
    store.save_heartbeat("edge-01", NOW, {"state": "ready", "share": 0.1})
    store_result(store, result_of(8))
    deletion.delete("st-01", f"{8:016x}")
    store.close()
    deletion.close()
    return path


def all_rows(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = connect(url)
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in metadata.sorted_tables
        }


def move(source: str, target: str) -> int:
    return migrate_history.main(["--from", source, "--to", target])


def test_a_site_is_moved_whole_and_goes_on(
    former: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"sqlite:///{former}"
    cut = subprocess.run(
        [sys.executable, "-c", MOVE, source, url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=100, check=False,
    )  # fmt: skip
    assert cut.returncode == -9
    assert not any(all_rows(url).values()), "begun anew"
    assert move(source, url) == 0
    assert f"{ROWS + 1} recordings" in capsys.readouterr().out
    moved, before = all_rows(url), all_rows(source)
    assert moved == before
    assert len(moved["predictions"]) > 2 * ROWS - 100
    engine = connect(source)
    assert set(inspect(engine).get_table_names()) - {"alembic_version"} == set(moved)
    store, history = Store.open(url), History.open(url)
    last = max(row["number"] for row in before["result_feed"])
    store_result(store, result_of(9))
    ((number, _),) = history.results_after(last, 5)
    assert number == last + 2, "that of the deleted result is not used again"
    assert history.count() == ROWS + 2
    assert [each.payload for each in store.pending()] == [b"\x00\xff"]
    store.close()
    history.close()
    assert move(source, url) == 2
    assert "is not empty: it has rows in" in capsys.readouterr().err


def test_what_cannot_be_moved_is_one_sentence(
    former: Path, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(source: str, target: str) -> str:
        assert move(source, target) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    source = f"sqlite:///{former}"
    assert "not from postgresql to postgresql" in said(url, url)
    assert "there is no database" in said(f"sqlite:///{tmp_path / 'none.db'}", url)
    assert "not from sqlite to sqlite" in said(source, f"sqlite:///{tmp_path / 'other.db'}")
    assert not (tmp_path / "other.db").exists()
    assert "STETHO_DATABASE_URL is not usable" in said(source, "postgresql")
    with lock_directory(former.with_name("stetho.db.lock"), ""):
        assert "a worker uses the database" in said(source, url)
    damaged = tmp_path / "stetho.db"
    damaged.write_bytes(former.read_bytes())
    for change, problem in (
        ("UPDATE recordings SET meta = '{' WHERE id = 900", "a row of recordings cannot be read"),
        (
            "UPDATE recordings SET meta = '{}', subject = hex(zeroblob(99))",
            "a row of recordings cannot be written",
        ),
    ):
        with sqlite3.connect(damaged) as connection:
            connection.execute(change)
        assert problem in said(f"sqlite:///{damaged}", url)
        assert not any(all_rows(url).values())


def test_rows_that_are_lost_on_the_way_are_noticed(former: Path, url: str) -> None:
    with connect(url).connect() as connection:
        assert inspect(connection).get_table_names() == []
    moving = HistoryMove.open(f"sqlite:///{former}", url)
    with moving._target.begin() as connection:
        connection.exec_driver_sql("CREATE RULE lost AS ON INSERT TO outbox DO INSTEAD NOTHING")
    with pytest.raises(Exception, match="outbox has 0 rows there and 1 here"):
        moving.copy(lambda _: None, lambda _: None)
    moving.close()
    assert not any(all_rows(url).values())
