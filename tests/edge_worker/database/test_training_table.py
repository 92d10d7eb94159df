"""Clips, jobs and versions in a real database, and the way there from a database of before."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import IntegrityError

from edge_worker.database.engine import connect
from edge_worker.database.store import Store
from edge_worker.database.training import Clip, ModelVersion, TrainingTables
from edge_worker.errors import StoreError


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stetho.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[TrainingTables]:
    Store.open(url).close()
    opened = TrainingTables.open(url)
    yield opened
    opened.close()


def clip(name: str, label: str = "normal", source: str | None = None) -> Clip:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Clip("heart2", label, f"training/heart2/{label}/{digest}.wav", digest, source or digest)


def clips(count: int, label: str = "normal") -> list[Clip]:
    return [clip(f"{label}{number}", label) for number in range(count)]


def test_a_database_of_before_keeps_its_rows(url: str, tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    with connect(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with sqlite3.connect(tmp_path / "stetho.db") as connection:
        connection.execute(
            "INSERT INTO recordings VALUES (7, 'st-01', '00aa', 't', 't', 'device', 'complete', '[]', 4000, "
            "1, 9, 'f', 'a.wav', '{}', 'ok', 72.0, 't', '{}')"
        )
        connection.execute(
            "INSERT INTO predictions VALUES (1, 7, 'st-01', '00aa', 'heart2', '1.0.0', 'f', 'normal', 0.9, "
            "0.8, 1, '{}', 1, 0.5)"
        )
    with pytest.raises(StoreError, match="at schema 0001"):
        TrainingTables.open(url)
    store = Store.open(url)
    assert store.completeness("st-01", "00aa") == "complete"
    store.close()
    with sqlite3.connect(tmp_path / "stetho.db") as connection:
        assert connection.execute("SELECT recording, version FROM predictions").fetchall() == [(7, "1.0.0")]
    assert TrainingTables.open(url).jobs() == []


def test_without_a_database_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="start the worker once"):
        TrainingTables.open(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "held_out"), [(1, 1), (2, 1), (5, 1), (6, 2), (50, 10)])
def test_one_source_in_five_is_held_out_and_the_first_always(
    ledger: TrainingTables, count: int, held_out: int
) -> None:
    assert sum(each.held_out for each in ledger.add_clips(clips(count))) == held_out
    assert sum(each.held_out for each in ledger.clips("heart2")) == held_out


def test_a_clip_never_changes_sides_however_many_come(ledger: TrainingTables) -> None:
    for start in range(0, 40, 8):
        before = {each.sha256: each.held_out for each in ledger.clips("heart2")}
        ledger.add_clips(clips(40)[start : start + 8])
        after = {each.sha256: each.held_out for each in ledger.clips("heart2")}
        assert before.items() <= after.items()
    assert sum(after.values()) == 8


def test_one_source_stands_on_one_side_whatever_its_labels(ledger: TrainingTables) -> None:
    patients = [
        clip(f"{patient}/{take}", ("normal", "abnormal")[take % 2], source=f"{patient:064d}")
        for patient in range(20)
        for take in range(4)
    ]
    ledger.add_clips(patients[:30])
    ledger.add_clips(patients[30:])
    sides: dict[str, set[bool]] = {}
    for each in ledger.clips("heart2"):
        sides.setdefault(each.source, set()).add(each.held_out)
    assert all(len(side) == 1 for side in sides.values())
    assert sum(side == {True} for side in sides.values()) == 4


def test_clips_are_added_together_or_not_at_all(ledger: TrainingTables) -> None:
    ledger.add_clips(clips(1))
    with pytest.raises(IntegrityError):
        ledger.add_clips([*clips(3, "abnormal"), replace(clips(1)[0], label="abnormal")])
    assert len(ledger.clips("heart2")) == 1
    assert ledger.clips("heart5") == []


def test_a_job_waits_is_taken_and_ends(ledger: TrainingTables) -> None:
    first = ledger.queue_job("heart2")
    assert ledger.queue_job("heart2") == first, "one that waits will do"
    second = ledger.queue_job("heart5")
    taken = ledger.start_next_job()
    assert taken is not None
    assert (taken.id, taken.state, taken.finished_at) == (first, "running", None)
    assert taken.started_at is not None
    assert ledger.queue_job("heart2") not in (first, second), "what runs no longer hears of new clips"
    ledger.save_progress(first, {"phase": "training", "epoch": 3, "epochs": 30})
    assert ledger.jobs(state="running")[0].progress["epoch"] == 3
    ledger.finish_job(first, "kept", {"why": "not better"})
    assert [(job.id, job.state) for job in ledger.jobs()][-1] == (first, "kept")
    assert ledger.jobs(state="kept")[0].report == {"why": "not better"}
    next_one = ledger.start_next_job()
    assert next_one is not None
    assert next_one.id == second


def test_an_interrupted_job_waits_again_before_later_ones(ledger: TrainingTables) -> None:
    first = ledger.queue_job("heart2")
    ledger.queue_job("heart5")
    ledger.start_next_job()
    ledger.requeue_job(first)
    again = ledger.start_next_job()
    assert again is not None
    assert again.id == first


def test_the_ledger_follows_which_version_serves(ledger: TrainingTables) -> None:
    job = ledger.queue_job("heart2")
    ledger.add_version(ModelVersion("heart2", "1.0.0", "a" * 64, "former"))
    ledger.add_version(ModelVersion("heart2", "1.0.0+local.1", "b" * 64, "candidate", job, {"why": "better"}))
    ledger.add_version(ModelVersion("heart5", "1.0.0", "c" * 64, "active"))

    def states() -> list[str]:
        return [each.state for each in ledger.versions("heart2")]

    assert states() == ["former", "candidate"]
    ledger.set_active("heart2", "1.0.0+local.1")
    assert states() == ["former", "active"]
    ledger.set_active("heart2", "1.0.0")
    assert states() == ["active", "former"]
    ledger.set_active("heart2", None)
    assert states() == ["former", "former"]
    assert ledger.versions("heart5")[0].state == "active"
    made = ledger.version_of_job(job)
    assert made is not None
    assert (made.version, made.document) == ("1.0.0+local.1", {"why": "better"})
