"""Units of systemd, and what programs tell it: on a real socket, by real processes."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import pytest
from conftest import Device, beep, cut
from hanging_worker import POISON, POISONED
from notified_site import NotifiedSite
from service_sockets import ServiceSocket

from edge_worker.analysis.storing.storage_retry import StorageRetry
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import encode
from edge_worker.publisher import Publisher
from edge_worker.settings import Settings
from edge_worker.telemetry.supervisor import Supervisor
from edge_worker.telemetry.turns import MISSED_AFTER_S, Turns
from edge_worker.worker_state import WorkerState
from edge_worker.worker_status import WorkerStatus
from simulator.site.site import Site

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
PROGRAMS = ("broker", "nats", "nats-access", "worker", "api", "notify", "trainer")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[ServiceSocket]:
    with ServiceSocket(tmp_path / "notify") as bound:
        yield bound


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, of a user and a program that this machine has."""
    folder = tmp_path_factory.mktemp("systemd") / "units"
    shutil.copytree(UNITS, folder)
    for path in (each for each in folder.rglob("*") if each.suffix in {".service", ".conf"}):
        text = path.read_text().replace("/opt/stetho/bin/stetho", sys.executable)
        path.write_text(text.replace("User=stetho", "User=root"))
    return folder


@needs_systemd
def test_systemd_takes_the_units(units: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(units / f"stetho@{name}.service" for name in PROGRAMS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "stetho" in line]
    assert (done.returncode, said) == (0, [])


@needs_systemd
def test_a_program_can_do_little_beyond_its_work(units: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", units / "stetho@.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_for_systemd_is_one_that_the_page_installs() -> None:
    assert {path.name for path in UNITS.iterdir() if not path.name.startswith("stetho@")} == {"stetho"}
    assert os.access(UNITS / "stetho", os.X_OK)
    for files in ("deploy/systemd/stetho ", "deploy/systemd/stetho@* "):
        assert files in DOCUMENT
    for name in PROGRAMS:
        assert f"stetho@{name}" in DOCUMENT


@pytest.mark.parametrize(
    ("device_id", "chunk", "where"),
    [("st-01", POISON, "route_or_hang"), (POISONED, encode(*cut(beep(1000), 1)), "analyse_or_hang")],
    ids=["network", "analysis"],
)
def test_a_worker_that_hangs_is_found_and_says_where(
    site: Site, socket: ServiceSocket, device_id: str, chunk: bytes, where: str
) -> None:
    worker = site._start("hanging_worker", {**socket.environ, "PYTHONPATH": str(Path(__file__).parent)})
    assert "READY=1" in (first := socket.receive())
    assert "event=ready" in worker.log
    assert "STATUS=ready" in first
    for _ in range(3):
        socket.wait_for("WATCHDOG=1")
    with Device(site, device_id) as device:
        device.publish(topics.pcm(device_id), chunk)
        socket.wait_for_silence(lambda: worker.has_ended)
    os.kill(worker.pid, signal.SIGABRT)  # what systemd does then
    assert worker.wait() == -signal.SIGABRT
    assert where in worker.log.split("Fatal Python error: Aborted")[1]
    assert ("event=thread_hangs thread=recording-analysis" in worker.log) == (where == "analyse_or_hang")


def test_an_api_that_is_ready_answers(site: Site, socket: ServiceSocket) -> None:
    address = site.start_api(socket.environ)
    assert "READY=1" in socket.receive()
    with urlopen(f"{address}/livez") as answer:
        assert answer.status == 200
    socket.wait_for("WATCHDOG=1")


def test_notifications_say_that_they_work(tmp_path: Path, socket: ServiceSocket) -> None:
    with NotifiedSite(tmp_path / "site", socket.environ) as site:
        site.write_rules('[[rule]]\nname = "alarm"\non = "sound"\nsend_to = ["phone"]\n')
        site.start_notify()
        socket.wait_for("READY=1")
        socket.wait_for("WATCHDOG=1")
        site.broker.stop()
        socket.wait_for("STATUS=not connected to the broker")


def test_a_program_that_waits_for_the_broker_has_started_all_the_same(socket: ServiceSocket) -> None:
    manager = Supervisor(socket.environ)
    manager.turn(100.0, is_ready=False, status="not connected")
    assert socket.receive() == ["STATUS=not connected", "WATCHDOG=1"]
    assert manager.is_due(100.1)
    manager.turn(110.0, is_ready=False, status="not connected")
    assert socket.receive() == ["READY=1", "WATCHDOG=1"]


def test_a_thread_that_hangs_is_found_and_a_disk_that_refuses_is_no_hang(
    socket: ServiceSocket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in socket.environ.items():
        monkeypatch.setenv(name, value)
    status = WorkerStatus([], {})
    state = WorkerState(Settings(data_dir=tmp_path), status, cast(Publisher, None), lambda: None)
    retry = StorageRetry(lambda _fault: None, stopping := threading.Event(), source="storage")
    state.turns = (Turns("recording-analysis"), retry.turns)
    state.turn(time.monotonic(), is_connected=True)
    assert socket.receive() == ["READY=1", "STATUS=ready", "WATCHDOG=1"]  # no thread has begun
    refusals = iter((OSError("disk full"), OSError("disk full")))

    def refuse() -> None:
        for each in refusals:
            assert not retry.turns.are_missed(time.monotonic() + MISSED_AFTER_S - 1)
            raise each
        stopping.set()

    retry.call(refuse)
    now = time.monotonic()
    state.turn(now + MISSED_AFTER_S - 1, is_connected=True)
    assert socket.receive() == ["WATCHDOG=1"]
    status.set_fault("storage", "disk full")
    state.turn(now + MISSED_AFTER_S + 10, is_connected=True)
    assert socket.receive() == ["STATUS=degraded"]  # and no sign, whatever else is wrong
    retry.turns.pause()
    state.turn(now + MISSED_AFTER_S + 20, is_connected=True)
    assert socket.receive() == ["WATCHDOG=1"]


def test_what_the_manager_does_not_take_is_told_again(tmp_path: Path) -> None:
    manager = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"})
    manager.turn(0.0, is_ready=True)
    assert manager.is_due(0.0)
    with ServiceSocket(tmp_path / "notify") as socket:
        manager.turn(0.1, is_ready=True)
        assert socket.receive() == ["READY=1", "WATCHDOG=1"]
        assert not manager.is_due(0.2)
        manager.turn(2.0, is_ready=True, is_working=False, status="degraded:\nWATCHDOG=1")
        assert socket.receive() == ["STATUS=degraded: WATCHDOG=1"]


def test_elsewhere_nothing_is_told() -> None:
    assert not Supervisor({}).is_due(1e9)
