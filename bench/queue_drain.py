"""Recordings a second of one process of a worker and of several, out of full queues of the broker.

The queues are filled first. So nothing but broker and worker runs while it is measured: what makes the load
takes nothing from them.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from bench.ingest import create_session
from bench.machine import cpu_seconds, cpu_seconds_with_children
from bench.progress import steps
from bench.recording.heart_recording import pcm
from bench.recording.light_device import LightDevice
from bench.recording.live_cost import results_of
from broker.account import Credentials
from edge_worker.protocol.sharing.shard import account_of, shard_of
from simulator.site.site import Site

DEVICES: Final = 16
RECORDINGS_EACH: Final = 24
ROUNDS: Final = 3
_MOST_PROCESSES: Final = 4
"""Each has as many of the devices as any other, for any number of processes up to this, but for 3."""
_WITHIN_S: Final = 120.0
_ESTABLISHED: Final = "01"


class Drained(NamedTuple):
    """How fast the queues were drained, and what took the processor."""

    recordings_per_s: float
    worker_ms: float
    """Processor time of all processes of the worker for one recording."""
    worker_cores: float
    broker_cores: float


def measure() -> dict[str, float]:
    """Return rates and costs of one process and of several, and the ratio of the rates, round by round."""
    numbers = [1, 2, *([4] if (os.cpu_count() or 1) >= 6 else [])]
    rounds = [{number: drain(number) for number in numbers} for _ in steps(range(ROUNDS), "processes")]
    figures: dict[str, float] = {}
    for number in numbers:
        for name in Drained._fields:
            values = [getattr(each[number], name) for each in rounds]
            figures[f"processes_{number}_{name}"] = statistics.median(values)
        if number > 1:
            ratios = [each[number].recordings_per_s / each[1].recordings_per_s for each in rounds]
            figures[f"processes_{number}_ratio"] = statistics.median(ratios)
    return figures


def drain(processes: int, recordings_each: int = RECORDINGS_EACH) -> Drained:
    """Fill the queues of a worker of so many processes; return how it drains them."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name), processes=processes) as site:
        accounts = [site.add_device(device_id) for device_id in _device_ids()]
        password = site.environ["STETHO_MQTT_PASSWORD"]
        for process in range(1, processes + 1):
            create_session(site, Credentials(account_of("worker", process), password))
        _fill(site, accounts, recordings_each)
        return _drain(site, processes, recordings_each * len(accounts))


def _device_ids() -> list[str]:
    """Return ids of devices of which each process gets as many."""
    ids: list[str] = []
    for number in count():
        name = f"drain-{number:03}"
        if shard_of(name) % _MOST_PROCESSES == len(ids) % _MOST_PROCESSES:
            ids.append(name)
        if len(ids) == DEVICES:
            break
    return ids


def _fill(site: Site, accounts: list[Credentials], recordings_each: int) -> None:
    sound, address = pcm(), (site.broker.host, site.broker.port)
    devices = [LightDevice(account, address, number) for number, account in enumerate(accounts)]
    for _ in range(recordings_each):
        for device in devices:
            device.send_recording(sound)
    for device in devices:
        device.finish()


def _drain(site: Site, processes: int, recordings: int) -> Drained:
    """Let the processes of the worker start, connect all at once, and analyse what waits."""
    site.broker.pause()
    worker = site.start_worker(wait=False)
    _wait(lambda: _connections(site.broker.port) == processes, "the start of the worker")
    before, broker_before = cpu_seconds_with_children(worker.pid), cpu_seconds(site.broker.pid or 0)
    site.broker.resume()
    began = time.monotonic()
    _wait(lambda: results_of(site) >= recordings, f"{recordings} results")
    took_s = time.monotonic() - began
    worker_s = cpu_seconds_with_children(worker.pid) - before
    return Drained(
        recordings / took_s,
        1000 * worker_s / recordings,
        worker_s / took_s,
        (cpu_seconds(site.broker.pid or 0) - broker_before) / took_s,
    )


def _connections(port: int) -> int:
    """Return how many clients on this machine are connected to a port (Linux)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(remote.endswith(f":{port:04X}") and state == _ESTABLISHED for _, _, remote, state, *_ in lines)


def _wait(is_done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {_WITHIN_S:g} s")
        time.sleep(0.02)
