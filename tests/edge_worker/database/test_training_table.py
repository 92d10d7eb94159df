"""Tables of training in a real database: clips, jobs, versions, and the migration from an earlier schema."""

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

pytest_plugins = ["store_fixtures"]


@pytest.fixture
def tables(store: Store, url: str) -> Iterator[TrainingTables]:
    opened = TrainingTables.open(url)
    yield opened
    opened.close()


def clip(name: str, label: str = "normal", source: str | None = None) -> Clip:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Clip("heart2", label, f"training/heart2/{label}/{digest}.wav", digest, source or digest)


def clips(count: int, label: str = "normal") -> list[Clip]:
    return [clip(f"{label}{number}", label) for number in range(count)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_earlier_database_keeps_its_rows(url: str, tmp_path: Path) -> None:
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


def test_a_missing_database_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="start the worker once"):
        TrainingTables.open(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "held_out"), [(1, 1), (2, 1), (5, 1), (6, 2), (50, 10)])
def test_one_source_in_five_is_held_out_and_the_first_always(
    tables: TrainingTables, count: int, held_out: int
) -> None:
    assert sum(each.held_out for each in tables.add_clips(clips(count))) == held_out
    assert sum(each.held_out for each in tables.clips("heart2")) == held_out


def test_a_clip_stays_held_out_or_not_however_many_follow(tables: TrainingTables) -> None:
    for start in range(0, 40, 8):
        before = {each.sha256: each.held_out for each in tables.clips("heart2")}
        tables.add_clips(clips(40)[start : start + 8])
        after = {each.sha256: each.held_out for each in tables.clips("heart2")}
        assert before.items() <= after.items()
    assert sum(after.values()) == 8


def test_clips_of_one_source_are_all_held_out_or_none(tables: TrainingTables) -> None:
    patients = [
        clip(f"{patient}/{take}", ("normal", "abnormal")[take % 2], source=f"{patient:064d}")
        for patient in range(20)
        for take in range(4)
    ]
    tables.add_clips(patients[:30])
    tables.add_clips(patients[30:])
    sides: dict[str, set[bool]] = {}
    for each in tables.clips("heart2"):
        sides.setdefault(each.source, set()).add(each.held_out)
    assert all(len(side) == 1 for side in sides.values())
    assert sum(side == {True} for side in sides.values()) == 4


def test_clips_are_added_together_or_not_at_all(tables: TrainingTables) -> None:
    tables.add_clips(clips(1))
    with pytest.raises(IntegrityError):
        tables.add_clips([*clips(3, "abnormal"), replace(clips(1)[0], label="abnormal")])
    assert len(tables.clips("heart2")) == 1
    assert tables.clips("heart5") == []


def test_a_job_is_queued_started_and_finished(tables: TrainingTables) -> None:
    first = tables.queue_job("heart2")
    assert tables.queue_job("heart2") == first, "a queued job is not queued twice"
    second = tables.queue_job("heart5")
    taken = tables.start_next_job()
    assert taken is not None
    assert (taken.id, taken.state, taken.finished_at) == (first, "running", None)
    assert taken.started_at is not None
    assert tables.queue_job("heart2") not in (first, second), "a running job does not see new clips"
    tables.save_progress(first, {"phase": "training", "epoch": 3, "epochs": 30})
    assert tables.jobs(state="running")[0].progress["epoch"] == 3
    tables.finish_job(first, "kept", {"why": "not better"})
    assert [(job.id, job.state) for job in tables.jobs()][-1] == (first, "kept")
    assert tables.jobs(state="kept")[0].report == {"why": "not better"}
    next_one = tables.start_next_job()
    assert next_one is not None
    assert next_one.id == second


def test_an_interrupted_job_is_queued_before_later_ones(tables: TrainingTables) -> None:
    first = tables.queue_job("heart2")
    tables.queue_job("heart5")
    tables.start_next_job()
    tables.requeue_job(first)
    again = tables.start_next_job()
    assert again is not None
    assert again.id == first


def test_the_active_version_is_followed(tables: TrainingTables) -> None:
    job = tables.queue_job("heart2")
    tables.add_version(ModelVersion("heart2", "1.0.0", "a" * 64, "former"))
    tables.add_version(ModelVersion("heart2", "1.0.0+local.1", "b" * 64, "candidate", job, {"why": "better"}))
    tables.add_version(ModelVersion("heart5", "1.0.0", "c" * 64, "active"))

    def states() -> list[str]:
        return [each.state for each in tables.versions("heart2")]

    assert states() == ["former", "candidate"]
    tables.set_active("heart2", "1.0.0+local.1")
    assert states() == ["former", "active"]
    tables.set_active("heart2", "1.0.0")
    assert states() == ["active", "former"]
    tables.set_active("heart2", None)
    assert states() == ["former", "former"]
    assert tables.versions("heart5")[0].state == "active"
    made = tables.version_of_job(job)
    assert made is not None
    assert (made.version, made.document) == ("1.0.0+local.1", {"why": "better"})
