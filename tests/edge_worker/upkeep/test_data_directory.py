"""The data directory of a worker: its disk may be taken away, come back, or be another one."""

from pathlib import Path

import pytest
from frozen import frozen

from edge_worker.directory_lock import is_locked, lock_directory
from edge_worker.errors import StoreError
from edge_worker.upkeep.data_directory import LOCK, DataDirectory, write_problem


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    for name in ("spool", "audio"):
        (path / name).mkdir(parents=True)
    for name in (LOCK, "stetho.db"):
        (path / name).touch()
    return path


def test_each_part_of_it_is_named_when_it_alone_cannot_be_written(data: Path) -> None:
    assert write_problem(data) == ""
    for name in ("spool", "audio", "stetho.db", LOCK):
        with frozen(data / name):
            assert f"{data / name} cannot be written" in write_problem(data)
    with frozen(data):
        assert f"{data} cannot be written: this user may not write there" in write_problem(data)


def test_a_disk_that_is_gone_is_waited_for_and_another_one_is_begun_anew(data: Path, tmp_path: Path) -> None:
    directory = DataDirectory(data)
    assert directory.problem() == ""
    data.rename(tmp_path / "hidden")
    assert "mount its disk again" in directory.problem()
    data.mkdir()
    assert "mount its disk again" in directory.problem()
    (data / LOCK).touch()
    with pytest.raises(StoreError, match="another disk is mounted"):
        directory.problem()
    (data / LOCK).unlink()
    data.rmdir()
    (tmp_path / "hidden").rename(data)
    assert directory.problem() == ""


def test_a_lock_is_seen_where_nobody_can_write(data: Path) -> None:
    assert not is_locked(data / "none")
    assert not is_locked(data / LOCK)
    with lock_directory(data / LOCK, "unused"), frozen(data):
        assert is_locked(data / LOCK)
