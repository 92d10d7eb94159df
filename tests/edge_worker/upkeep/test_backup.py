"""`stetho backup` and `stetho restore`: a real site under load, brought back elsewhere byte for byte."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Device, beep, cut, rows, wait_until

from broker.mosquitto import Broker, try_connect
from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.history import History
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import BackupError
from edge_worker.upkeep import backup, orphans, restore, snapshot
from edge_worker.upkeep.archive import DATA, Archive, ArchiveWriter
from simulator.site.site import Site

PCM = beep(8_000)
REFUSED = 5
"""Return code of MQTT 3.1.1: not authorised."""
STORED = "SELECT device_id, recording_id, audio_file FROM recordings"


def stetho(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "stetho", *arguments],
        env={**os.environ, **site.environ}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def sound(site: Site, name: str) -> bytes:
    return (site.data_dir / name).read_bytes()


@contextmanager
def load(devices: list[Device]) -> Iterator[None]:
    """Let devices send recordings without a pause; end with an error where one could not."""
    is_over, failures = threading.Event(), []

    def send(device: Device, first: int) -> None:
        try:
            for number in range(first, first + 200):
                device.send_all(cut(PCM, number))
                if is_over.is_set():
                    return
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=send, args=(each, 1000 * n)) for n, each in enumerate(devices, 1)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join(60)
    assert failures == []


def test_a_site_under_load_comes_back_whole_and_works(tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "site.stetho", tmp_path / "elsewhere"
    with Site(tmp_path / "site") as site:
        site.start_worker()
        with Device(site, "st-01") as first, Device(site, "st-02") as second, Device(site, "st-03") as third:
            third.send_all(cut(PCM, 0xABC)[:2])  # arrives during the backup, and ends after it
            wait_until(lambda: list(site.data_dir.glob("spool/st-03/*.chunks")), "an open recording")
            with load([first, second]):
                wait_until(lambda: len(rows(site, STORED)) >= 5, "the first recordings")
                before = rows(site, STORED)
                done = stetho(site, "backup", str(file), "--broker", str(site.directory / "broker"))
                assert (done.returncode, done.stderr) == (0, "")
                wait_until(lambda: len(rows(site, STORED)) > len(before), "the site to go on")
        wanted = {name: sound(site, name) for *_, name in before}
        later = site.add_device("st-09")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("*.part")) == []

    with Site(elsewhere) as other:
        done = stetho(other, "restore", str(file), "--broker", str(tmp_path / "broker"))
        assert done.returncode == 0, done.stderr
        other.start_worker()
        assert set(before) <= set(rows(other, STORED))
        assert {name: sound(other, name) for name in wanted} == wanted
        assert snapshot.sqlite_file(f"sqlite:///{other.data_dir / 'stetho.db'}").stat().st_mode & 0o77 == 0
        with Device(other, "st-03") as device:
            device.send_all(cut(PCM, 0xABC)[2:])
            result = device.wait_for("stetho/v1/device/st-03/down/control", type="stored")
            assert result["completeness"] == "complete"
            device.wait_for("stetho/v1/device/st-03/down/result", recording_id=f"{0xABC:016x}")
        with urllib.request.urlopen(f"{other.start_api()}/health", timeout=10) as answer:
            assert json.load(answer)["status"] == "ok"
    with Broker(tmp_path / "broker") as broker:
        assert try_connect(broker.host, broker.port, site.operator) == 0
        assert try_connect(broker.host, broker.port, later) == REFUSED


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one recording, stopped."""
    with Site(tmp_path_factory.mktemp("stored")) as site:
        worker = site.start_worker()
        with Device(site, "st-01") as device:
            device.send_all(cut(PCM, 1))
            device.wait_for("stetho/v1/device/st-01/down/result")
        worker.stop()
        yield site


@pytest.fixture
def file(stored: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of that site, whose settings are those of the environment."""
    for name, value in stored.environ.items():
        monkeypatch.setenv(name, value)
    assert backup.main([str(tmp_path / "site.stetho")]) == 0
    return tmp_path / "site.stetho"


def refusal(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one sentence with which a command refuses."""
    capsys.readouterr()
    assert main(list(map(str, arguments))) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


def test_a_backup_is_refused_where_it_would_do_harm(
    stored: Site, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    assert "--force" in refusal(backup.main, capsys, file)
    assert "another disk" in refusal(backup.main, capsys, stored.data_dir / "training" / "x")
    assert "make it first" in refusal(backup.main, capsys, file.parent / "no" / "x")
    assert "name a file in it" in refusal(backup.main, capsys, file.parent)
    assert "passwords" in refusal(backup.main, capsys, file, "--force", "--broker", file.parent)
    with ArchiveWriter(file, print):
        assert "another backup" in refusal(backup.main, capsys, file, "--force")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
    assert "make room" in refusal(backup.main, capsys, file, "--force")
    assert "make room" in refusal(restore.main, capsys, file, "--into", file.parent / "into")
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} == {"site.stetho", "into"}


def test_a_backup_that_fails_leaves_the_one_before(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ArchiveWriter, "add_file", fail)
    assert "No space left" in refusal(backup.main, capsys, file, "--force")
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "changed"])
def test_a_damaged_backup_is_refused_and_nothing_is_put_in_place(
    file: Path, capsys: pytest.CaptureFixture[str], share: float, is_cut: bool
) -> None:
    content = bytearray(file.read_bytes())
    at = int(share * len(content))
    if is_cut:
        del content[at:]
    else:
        content[at : at + 600] = bytes(byte ^ 0x55 for byte in content[at : at + 600])
    file.write_bytes(content)
    assert "use another" in refusal(restore.main, capsys, file, "--into", file.parent / "into")
    left = file.parent / "into"
    assert not left.exists() or {path.name for path in left.iterdir()} <= {"worker.lock"}


def test_what_is_there_is_not_replaced_unless_told_to(
    stored: Site, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = file.parent / "into"
    into.mkdir()
    (into / "thesis.txt").write_text("years of work")
    assert "--force" in refusal(restore.main, capsys, file, "--into", into)
    assert [path.name for path in into.iterdir()] == ["thesis.txt"]
    assert restore.main([str(file), "--into", str(into), "--force"]) == 0
    (aside,) = into.glob("replaced/*")
    assert (aside / "thesis.txt").read_text() == "years of work"
    assert (into / "audio/st-01/0000000000000001.wav").read_bytes() == sound(
        stored, "audio/st-01/0000000000000001.wav"
    )
    assert "no directory" in refusal(restore.main, capsys, file, "--into", file)


def test_a_restore_leaves_a_running_worker_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = file.parent / "into"
    into.mkdir()
    with lock_directory(into / "worker.lock", "unused"):
        assert "stop it" in refusal(restore.main, capsys, file, "--into", into)
    assert [path.name for path in into.iterdir()] == ["worker.lock"]


def test_what_a_backup_lacks_or_cannot_be_is_said(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    into = file.parent / "into"
    assert "provision init" in refusal(restore.main, capsys, file, "--into", into, "--broker", into / "b")
    assert "no whole backup" in refusal(restore.main, capsys, file.parent / "nothing", "--into", into)
    (file.parent / "other.tar").write_bytes(bytes(10240))
    assert "no whole backup" in refusal(restore.main, capsys, file.parent / "other.tar", "--into", into)
    monkeypatch.setenv("STETHO_DATABASE_URL", "sqlite:////elsewhere.db")
    assert "unset it" in refusal(restore.main, capsys, file)
    with ArchiveWriter(file, print) as archive:
        archive.commit({"schema": "9999"})
    assert "newer" in refusal(restore.main, capsys, file, "--into", into)


@pytest.mark.parametrize("name", ["data/../../x", "/etc/x", "data/a/../../../x", "data"])
def test_an_archive_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    with ArchiveWriter(tmp_path / "a", print) as archive:
        archive.add(name, b"x")
        archive.commit({"schema": "0001"})
    with Archive(tmp_path / "a") as opened, pytest.raises(BackupError, match="outside"):
        opened.extract(DATA, tmp_path / "into" / "deep", print)
    assert {path.name for path in tmp_path.rglob("*")} == {"a"}


def test_a_recording_whose_audio_is_gone_is_named_and_the_others_are_kept(
    stored: Site, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wav = stored.data_dir / "audio/st-01/0000000000000001.wav"
    content = wav.read_bytes()
    wav.unlink()
    try:
        assert backup.main([str(file), "--force"]) == 1
        assert "audio/st-01/0000000000000001.wav" in capsys.readouterr().err
        # Deleted while the backup runs: it is deleted from the backup, too, and nothing is lost.
        monkeypatch.setattr(snapshot, "still_named", lambda _database, _names: {})
        assert backup.main([str(file), "--force"]) == 0
    finally:
        wav.write_bytes(content)
    assert restore.main([str(file), "--into", str(file.parent / "into")]) == 0
    with sqlite3.connect(file.parent / "into" / "stetho.db") as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM recordings), count(*) FROM predictions"
        ).fetchone() == (0, 0)


def test_streams_whose_sound_is_not_kept_lack_nothing(
    stored: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With STETHO_STREAM_AUDIO_S=0 neither the stream nor its events have a WAV file; their rows are kept."""
    data = tmp_path / "data"
    shutil.copytree(stored.data_dir, data)
    with sqlite3.connect(data / "stetho.db") as connection:
        connection.execute("UPDATE recordings SET audio_start = samples")  # as of such a stream
        connection.execute("CREATE TEMP TABLE event AS SELECT * FROM recordings")
        connection.execute(
            "UPDATE event SET id = 99, audio_start = 0, recording_id = '00000000000000ee', parent_start = 0, "
            "parent = '0000000000000001', audio_file = 'audio/st-01/00000000000000ee.wav'"
        )
        connection.execute("INSERT INTO recordings SELECT * FROM event")
    (data / "audio/st-01/0000000000000001.wav").unlink()
    monkeypatch.setenv("STETHO_DATA_DIR", str(data))
    history = History.open(f"sqlite:///{data / 'stetho.db'}")
    assert orphans.find(history, AudioDirectory(data)).recordings == []
    history.close()
    assert backup.main([str(tmp_path / "file")]) == 0
    assert restore.main([str(tmp_path / "file"), "--into", str(tmp_path / "into")]) == 0
    with sqlite3.connect(tmp_path / "into" / "stetho.db") as connection:
        assert connection.execute("SELECT count(*) FROM recordings").fetchone() == (2,)


def test_a_backup_lets_no_browser_in(stored: Site, file: Path) -> None:
    with sqlite3.connect(stored.data_dir / "stetho.db") as connection:
        connection.execute("INSERT INTO browser_sessions VALUES ('d', 'k', '2026-11-20T08:00:00.000Z')")
    assert backup.main([str(file), "--force"]) == 0
    assert restore.main([str(file), "--into", str(file.parent / "into")]) == 0
    with sqlite3.connect(file.parent / "into" / "stetho.db") as connection:
        assert connection.execute("SELECT count(*) FROM browser_sessions").fetchone() == (0,)


def test_the_state_of_a_stream_is_no_newer_than_its_audio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment is deleted once a state that does not need it is saved: here, while the files are read."""
    (tmp_path / "000000.chunks").write_bytes(b"old")
    (tmp_path / "000001.chunks").write_bytes(b"new")
    (tmp_path / "state.json").write_text("before")
    read_bytes = Path.read_bytes

    def advance(path: Path) -> bytes:
        content = read_bytes(path)
        if path.name == "000001.chunks" and (tmp_path / "000000.chunks").exists():
            (tmp_path / "state.json").write_text("after")
            (tmp_path / "000000.chunks").unlink()
        return content

    monkeypatch.setattr(Path, "read_bytes", advance)
    assert backup._stream(tmp_path) == {"000001.chunks": b"new", "state.json": b"after"}


def test_the_rules_of_notifications_are_kept_and_their_queue_is_not(tmp_path: Path) -> None:
    (tmp_path / "notify").mkdir()
    for name in ("rules.toml", "notify.db", "notify.db-wal", "notify.db.damaged", "lock"):
        (tmp_path / "notify" / name).touch()
    assert [name for name, _ in backup._others(tmp_path, None)] == ["data/notify/rules.toml"]
