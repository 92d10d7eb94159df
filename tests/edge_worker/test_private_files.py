"""What the programs write is for their own user alone, and what an earlier version left open is mended."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Device, beep, cut

from edge_worker.private_files import keep_private, open_to_others
from simulator.site.site import Site


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The usual umask before, and the test's own restored after."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(directory: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.rglob("*"))}


def test_what_was_open_becomes_private_and_stays_usable(tmp_path: Path) -> None:
    audio = tmp_path / "data" / "audio" / "st-01"
    audio.mkdir(parents=True)
    (audio / "a.wav").write_bytes(b"sound")
    (audio / "run.sh").touch(mode=0o755)
    assert len(open_to_others(tmp_path / "data")) == 4
    keep_private(tmp_path / "data")
    assert modes(tmp_path / "data") == {0o700, 0o600}
    assert open_to_others(tmp_path / "data") == []
    (tmp_path / "data" / "new").mkdir()
    (tmp_path / "data" / "new" / "b.wav").touch()
    assert modes(tmp_path / "data") == {0o700, 0o600}


def test_what_a_link_names_outside_stays_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch(mode=0o644)
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to(other)
    (data / "dangling").symlink_to(tmp_path / "nothing")
    keep_private(data)
    assert stat.S_IMODE(other.stat().st_mode) == 0o644


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    keep_private(tmp_path / "nothing")
    assert open_to_others(tmp_path / "nothing") == []


def test_a_site_that_an_earlier_version_left_open_is_private_after_a_start_and_a_recording(
    tmp_path: Path,
) -> None:
    with Site(tmp_path / "site") as site:
        site.start_worker().stop()
        for path in (site.data_dir, *site.data_dir.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        os.umask(0o022)  # what the processes inherit
        site.start_worker()
        site.start_api()
        with Device(site, "st-01") as device:
            device.send_all(cut(beep(16_000), 1))
            device.wait_for("stetho/v1/device/st-01/down/result")
    names = {path.name for path in site.data_dir.rglob("*")}
    assert {"stetho.db", "audio", "spool", "worker.lock"} <= names
    assert any(name.endswith(".wav") for name in names)
    assert modes(site.data_dir) == {0o700, 0o600}
