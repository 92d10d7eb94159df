"""Reserve of disk space: given up when the disk is full, made again when there is room."""

import os
import shutil
from pathlib import Path

import pytest

from edge_worker.upkeep.disk_reserve import DiskReserve, least_free

MIB = 2**20
Usage = type(shutil.disk_usage("/"))


class Disk:
    """A disk of 1000 MiB whose free space a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free_mb = 500
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1000 * MIB, 0, self.free_mb * MIB))


def test_it_is_given_up_on_a_full_disk_and_made_again_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, reserve, file = Disk(monkeypatch), DiskReserve(tmp_path, 4 * MIB), tmp_path / "reserve"
    assert reserve.keep(0.0) == ""
    assert file.stat().st_size == 4 * MIB
    assert file.stat().st_blocks * 512 >= 4 * MIB, "really on the disk"
    disk.free_mb = 3
    assert reserve.keep(0.5) == "", "it looks once a second"
    assert "is full" in reserve.keep(1.0)
    assert file.exists(), "new recordings are refused; that may be enough"
    disk.free_mb = 1
    assert "is full" in reserve.keep(2.0)
    assert not file.exists()
    disk.free_mb = 7
    assert "is full" in reserve.keep(3.0)
    assert not file.exists(), "it would be given up again"
    disk.free_mb = 11
    assert "is full" in reserve.keep(4.0), "what the reserve takes is no room for recordings"
    assert file.exists()
    disk.free_mb = 8
    assert reserve.keep(5.0) == ""


def test_it_takes_a_small_part_of_a_small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Disk(monkeypatch)
    DiskReserve(tmp_path, 500 * MIB).keep(0.0)
    assert (tmp_path / "reserve").stat().st_size == 50 * MIB
    assert least_free(20 * MIB) == 2 * MIB
    assert least_free(2**40) == 8 * MIB


def test_a_disk_that_refuses_the_reserve_is_no_reason_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Disk(monkeypatch)
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert DiskReserve(tmp_path, MIB).keep(0.0) == ""
    assert not (tmp_path / "reserve").exists()


def test_without_a_reserve_a_full_disk_is_said_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, reserve = Disk(monkeypatch), DiskReserve(tmp_path, 0)
    assert reserve.keep(0.0) == ""
    disk.free_mb = 1
    assert "is full" in reserve.keep(1.0)
    assert not list(tmp_path.iterdir())
