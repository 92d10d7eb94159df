"""The site that is proven: broker, PostgreSQL, workers of several processes, API; all on loopback."""

import time
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from bench.chaos.live_results import LiveResults
from bench.cluster.brokers import Brokers, Mosquitto, Nats
from bench.cluster.object_store import ObjectStore
from bench.cluster.postgresql import PostgreSql
from bench.cluster.worker_group import WorkerGroup
from broker import provision
from edge_worker.errors import BrokerError
from simulator.device.mqtt_connection import Address
from simulator.site.process import Process
from simulator.site.site import NatsSite, Site

Kind = Literal["mosquitto", "nats"]
Store = Literal["directory", "s3"]
LEAST_PROCESSES: Final = 2
"""One alone has no supervisor that would replace it."""
MOST_PROCESSES: Final = 6
"""Of one worker."""
_WORKERS: Final[Mapping[Kind, int]] = {"mosquitto": 1, "nats": 2}
_SETTINGS: Final[Mapping[str, str]] = {
    # A recording whose device waits for its worker is not given up meanwhile.
    "STETHO_GIVE_UP_S": "120",
    "STETHO_STREAM_GIVE_UP_S": "120",
    "STETHO_STREAM_GAP_S": "60",
}
_START_S: Final = 300.0


class Cluster:
    """A context manager: everything runs, and is ready, within it."""

    def __init__(self, directory: Path, kind: Kind, store: Store, processes: int) -> None:
        """Keep everything in `directory`; each worker has so many `processes` at first.

        With Mosquitto there is one worker, with NATS there are two, as on two machines: each has a data
        directory of its own. Sounds are in a `store`; a directory of them is that of all.
        """
        self._processes = processes
        self._stack = ExitStack()
        self.database = PostgreSql(directory / "postgresql")
        self.store = ObjectStore(directory / "objects") if store == "s3" else None
        settings = {**_SETTINGS, "STETHO_DATABASE_URL": self.database.url}
        settings |= {} if self.store is None else self.store.environ
        self.site, self.brokers, self.address = _site_of(kind, directory / "site", settings)
        self._workers = _WORKERS[kind]
        if self._workers > 1:
            self._share_sounds()
        _provision(directory / "site" / "broker", self._workers * MOST_PROCESSES)
        self.groups: list[WorkerGroup] = []

    def __enter__(self) -> Self:
        self._stack.enter_context(self.database)
        if self.store is not None:
            self._stack.enter_context(self.store)
        self._stack.enter_context(self.site)
        self.groups += [
            WorkerGroup(partial(self._start_worker, number), self._processes)
            for number in range(self._workers)
        ]
        ready = "(?s:.*)".join(["event=ready"] * self._processes)
        for group in self.groups:
            group.worker.wait_for(ready, _START_S)
        self.live = self._stack.enter_context(LiveResults(self.site))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def look(self) -> None:
        """Start again what ended."""
        for group in self.groups:
            group.look()

    def wait(self, seconds: float) -> None:
        """Wait, and look meanwhile."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(0.1)

    def _share_sounds(self) -> None:
        """Let each worker and the API have the same directory of sounds, as one that is mounted."""
        sounds = self.site.directory / "audio"
        sounds.mkdir(parents=True, exist_ok=True)
        for data in (self.site.data_dir, *map(self._data_of, range(self._workers))):
            data.mkdir(parents=True, exist_ok=True)
            (data / "audio").symlink_to(sounds)

    def _data_of(self, number: int) -> Path:
        return self.site.directory / f"data-{number + 1}"

    def _start_worker(self, number: int, processes: int) -> Process:
        settings = {"STETHO_PROCESSES": str(processes)}
        if self._workers > 1:
            settings["STETHO_FIRST_PROCESS"] = str(1 + number * MOST_PROCESSES)
            settings["STETHO_DATA_DIR"] = str(self._data_of(number))
        return self.site.start_worker(wait=False, settings=settings, name=f"worker-{number + 1}")


def _provision(state: Path, processes: int) -> None:
    """Make the accounts of so many processes of workers."""
    with redirect_stdout(StringIO()):
        is_refused = provision.main(["--dir", str(state), "worker", "--processes", str(processes)])
    if is_refused:
        raise BrokerError("the accounts of the worker cannot be made")


def _site_of(
    kind: Kind, directory: Path, settings: Mapping[str, str]
) -> tuple[Site | NatsSite, Brokers, Address]:
    """Return a site with this broker, the nodes of that, and where devices find them."""
    if kind == "nats":
        of_nats = NatsSite(directory, settings)
        nodes = of_nats.broker
        return of_nats, Nats(nodes), Address(nodes.address, nodes.port)
    site = Site(directory, settings)
    return site, Mosquitto(site.broker), Address(site.broker.host, site.broker.port)
