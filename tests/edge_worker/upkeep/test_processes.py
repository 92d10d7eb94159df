"""A worker of several processes that share the devices: real processes, a real broker, `kill -9`."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from conftest import Client, Device, beep, cut, rows, wait_until

from broker import provision
from edge_worker.__main__ import main
from edge_worker.errors import StoreError
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.sharing.shard import SHARDS, account_of, shard_of
from edge_worker.settings import Settings
from edge_worker.telemetry.supervisor import RUNS
from edge_worker.upkeep.living import liveness
from edge_worker.upkeep.living.worker_process import STANDS_STILL_S, WorkerProcess
from edge_worker.upkeep.site_checks import check_worker
from simulator.site.process import Process
from simulator.site.site import Site

PCM = beep(8_000)
TWO = {"STETHO_PROCESSES": "2"}
START_WITHIN_S = 120.0
"""Two processes that load all models, on a machine that does other things."""
BOTH_READY = r"event=ready(.|\n)*event=ready"
MOMENT_S = 3.0
DEVICES = ["st-01", "st-02", "st-03", "st-04"]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Site]:
    """Site whose worker may be two processes."""
    with Site(tmp_path / "site", {"STETHO_GIVE_UP_S": "3", "STETHO_MISSING_AFTER_S": "0.2"}) as site:
        state = ["--dir", str(site.directory / "broker")]
        assert provision.main([*state, "worker", "--processes", "2"]) == 0
        yield site


def children(worker: Process) -> dict[int, int]:
    """Return the process ids of the processes of a worker by their numbers."""
    found = {}
    for pid in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split():
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"--process" in arguments:
            found[int(arguments[arguments.index(b"--process") + 1])] = int(pid)
    return found


def test_every_device_belongs_to_one_process_for_any_number_of_them() -> None:
    devices = [f"st-{number:05}" for number in range(3200)]
    for processes in (1, 2, 3, 8, SHARDS):
        held = [HeldShards.fixed(number, processes) for number in range(1, processes + 1)]
        shares = [sum(each.holds(device) for device in devices) for each in held]
        assert sum(shares) == len(devices)
        assert min(shares) > 0.6 * len(devices) / processes
    assert shard_of("st-01") == shard_of("st-01") < SHARDS
    topics = [f"stetho/v1/result/{device}" for device in devices]
    assert [HeldShards.fixed(2, 2).publishes(each) for each in topics] == [
        HeldShards.fixed(2, 2).holds(each) for each in devices
    ]
    assert [HeldShards.fixed(number, 2).file("worker.starts") for number in (1, 2)] == [
        "worker.starts",
        "worker-2.starts",
    ]
    assert (account_of("worker", 1), account_of("worker", 2)) == ("worker", "worker-p2")


def test_two_processes_share_the_devices_and_survive_kill_9(shared: Site) -> None:
    assert {HeldShards.fixed(1, 2).holds(device) for device in DEVICES} == {True, False}
    other = next(device for device in DEVICES if HeldShards.fixed(2, 2).holds(device))
    worker = shared.start_worker(wait=False, settings=TWO)
    subscriptions = ("stetho/v1/result/#", "stetho/v1/worker/+")
    with Client(shared.broker, shared.operator, *subscriptions) as operator:
        worker.wait_for(BOTH_READY, START_WITHIN_S)
        for each in ("edge-01", "edge-01-2"):
            operator.wait_for(f"stetho/v1/worker/{each}", state="ready")
        for device_id in DEVICES:
            with Device(shared, device_id) as device:
                device.send_all(cut(PCM, 1))
                device.wait_for(f"stetho/v1/device/{device_id}/down/control", type="stored")
        for device_id in DEVICES:
            operator.wait_for(f"stetho/v1/result/{device_id}", completeness="complete")

        # One dies in the middle of a recording, and is replaced; the broker has kept what came meanwhile.
        first = children(worker)
        with Device(shared, other) as device:
            chunks = cut(PCM, 2)
            device.send_all(chunks[:1])
            os.kill(first[2], signal.SIGKILL)
            device.send_all(chunks[1:])
            worker.wait_for(r"process=2 status=-9(.|\n)*event=ready", START_WITHIN_S)
            device.wait_for(f"stetho/v1/device/{other}/down/control", type="stored", recording_id=f"{2:016x}")
        wait_until(lambda: len(children(worker)) == len(first), "the process to be replaced")
        assert children(worker)[1] == first[1]
        operator.wait_for(f"stetho/v1/result/{other}", recording_id=f"{2:016x}", completeness="complete")

        # A recording that is open when the worker stops is taken up by the one process of the next.
        with Device(shared, other) as device:
            device.send_all(cut(PCM, 3)[:1])
            spool = shared.data_dir / "spool" / other / f"{3:016x}.chunks"
            wait_until(spool.exists, "the chunk")
            assert worker.stop() == 0
            shared.start_worker()
            device.send_all(cut(PCM, 3)[1:])
            operator.wait_for(f"stetho/v1/result/{other}", recording_id=f"{3:016x}", completeness="complete")
    query = "SELECT device_id, completeness FROM recordings WHERE document IS NOT NULL ORDER BY device_id"
    assert rows(shared, query) == [
        (device, "complete") for device in DEVICES for _ in range(3 if device == other else 1)
    ]
    assert rows(shared, "SELECT worker_id FROM workers") == [("edge-01",)]
    assert "Fatal" not in worker.log
    assert "event=process_retired worker=edge-01-2" in shared.processes[-1].log


def test_a_process_that_stands_still_is_ended_and_one_that_says_nothing_is_not() -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    still, silent = (WorkerProcess(number, sleep, dict(os.environ), []) for number in (1, 2))
    still.hear([RUNS])
    for process in (still, silent):
        process.wait_on(STANDS_STILL_S)
        assert process.status is None
    os.kill(still.pid, signal.SIGSTOP)
    for process in (still, silent):
        process.wait_on(1.0)
    wait_until(lambda: still.status == -signal.SIGKILL, "its end")
    assert silent.status is None
    silent.end(0)


def test_a_process_that_hangs_is_named_by_all_checks_and_replaced(
    shared: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.from_environ(shared.environ)  # nothing but heartbeats says how many there are
    assert liveness.problem(settings.data_dir)
    worker = shared._start("impatient_worker", TWO | {"PYTHONPATH": str(Path(__file__).parent)})
    worker.wait_for(BOTH_READY, START_WITHIN_S)
    api = shared.start_api()
    first = children(worker)

    def health() -> dict[str, Any]:
        with urlopen(f"{api}/health") as answer:
            part: dict[str, Any] = json.load(answer)["components"]["worker"]
        return part

    with pytest.MonkeyPatch.context() as patch:
        for name, value in shared.environ.items():
            patch.setenv(name, value)
        wait_until(lambda: health()["status"] == "ok", "both to be well")
        assert check_worker(settings).count("is ready, its heartbeat is fresh") == 2
        assert main(["health"]) == 0
        assert capsys.readouterr().out.count("healthy: edge-01") == 2
        with urlopen(f"{api}/metrics") as answer:
            metrics = answer.read().decode()
        for each in ("edge-01", "edge-01-2"):
            assert f'stetho_worker_state{{state="ready",worker="{each}"}} 1.0' in metrics

        os.kill(first[1], signal.SIGSTOP)  # for a moment: it goes on
        os.kill(first[2], signal.SIGSTOP)
        time.sleep(MOMENT_S)
        os.kill(first[1], signal.SIGCONT)
        wait_until(lambda: health()["status"] == "degraded", "its heartbeat to be missed")
        assert main(["health"]) == 1
        assert re.search(r"^healthy: edge-01;(.|\n)*^unhealthy: edge-01-2;", capsys.readouterr().out, re.M)
        with pytest.raises(
            StoreError, match=r"edge-01 is ready, .* edge-01-2 has written no heartbeat lately"
        ):
            check_worker(settings)
        by_id = {each["worker_id"]: each for each in health()["workers"]}
        assert (by_id["edge-01"]["reason"], "last heard of" in by_id["edge-01-2"]["reason"]) == ("", True)
        with pytest.raises(HTTPError, match="503") as refused, urlopen(f"{api}/readyz"):
            pass
        assert "edge-01-2" in refused.value.read().decode()
        assert main(["health", "--live"]) == 0, "the supervisor works, and will replace it"

        worker.wait_for(
            r"event=process_hangs process=2(.|\n)*process=2 status=-9(.|\n)*event=ready", START_WITHIN_S
        )
        wait_until(lambda: health()["status"] == "ok", "the new one to be well")
        assert children(worker)[1] == first[1]
        assert worker.log.count("event=process_ended") == 1

        # One that is refused does not end the other, and is tried again.
        accounts = ["--dir", str(shared.directory / "broker"), "worker", "--processes"]
        assert provision.main([*accounts, "1"]) == 0
        worker.wait_for(r"event=process_ended process=2 status=2", START_WITHIN_S)
        assert children(worker)[1] == first[1]
        assert check_worker(replace(settings, processes=1)).startswith(
            "edge-01 is ready, its heartbeat is fresh; processes: 1, cores: "
        )
        assert provision.main([*accounts, "2"]) == 0
        worker.wait_for(r"process=2 status=2(.|\n)*event=ready", START_WITHIN_S)
        shared.broker.stop()
        wait_until(lambda: main(["health"]) == 1, "the worker to miss the broker")
        assert main(["health", "--live"]) == 0, "a new start brings no broker back"
        assert worker.stop() == 0
        assert main(["health", "--live"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--processes", "33"], "STETHO_PROCESSES is 33; it takes at most 32, the parts of the devices"),
        (["--processes=-1"], "STETHO_PROCESSES"),
        (["--processes", "4", "--process", "5"], "--process is 5; the processes are 1 to 4"),
        (["--process", "0"], "--process is 0; the processes are 1 to 1"),
        (["--live"], "health --live"),
    ],
)
def test_numbers_of_processes_that_cannot_be_are_refused_with_a_sentence(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path))
    try:
        status = main(arguments)
    except SystemExit as refused:  # by the parser
        status = int(refused.code or 0)
    assert status == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_processes_end_with_a_supervisor_that_is_killed(shared: Site) -> None:
    worker = shared.start_worker(wait=False, settings=TWO)
    worker.wait_for(BOTH_READY, START_WITHIN_S)
    running = children(worker)
    assert len(running) == 2
    worker.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in running.values()), "their end")


def test_a_process_without_an_account_ends_the_worker_with_a_sentence(site: Site) -> None:
    worker = site.start_worker(wait=False, settings=TWO)
    assert worker.wait(START_WITHIN_S) == 2
    assert "the broker refuses user 'worker-p2'" in worker.log
    assert "provision worker --processes 2" in worker.log
