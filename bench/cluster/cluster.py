"""The site that is proven: broker, PostgreSQL, workers of several processes, API; all on loopback."""

import time
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from bench.chaos.live_results import LiveResults
from bench.cluster.brokers import Brokers, Mosquitto
from bench.cluster.object_store import ObjectStore
from bench.cluster.postgresql import PostgreSql
from bench.cluster.worker_group import WorkerGroup
from broker import provision
from edge_worker.errors import BrokerError
from simulator.device.mqtt_connection import Address
from simulator.site.process import Process
from simulator.site.site import Site

Store = Literal["directory", "s3"]
LEAST_PROCESSES: Final = 2
"""One alone has no supervisor that would replace it."""
MOST_PROCESSES: Final = 6
"""Of one worker."""
_SETTINGS: Final[Mapping[str, str]] = {
    # A recording whose device waits for its worker is not given up meanwhile.
    "STETHO_GIVE_UP_S": "120",
    "STETHO_STREAM_GIVE_UP_S": "120",
    "STETHO_STREAM_GAP_S": "60",
}
_START_S: Final = 300.0


class Cluster:
    """A context manager: everything runs, and is ready, within it."""

    def __init__(self, directory: Path, store: Store, processes: int) -> None:
        """Keep everything in `directory`, sounds in a `store`; the worker begins with so many `processes`."""
        self._processes = processes
        self._stack = ExitStack()
        self.database = PostgreSql(directory / "postgresql")
        self.store = ObjectStore(directory / "objects") if store == "s3" else None
        settings = {**_SETTINGS, "STETHO_DATABASE_URL": self.database.url}
        settings |= {} if self.store is None else self.store.environ
        self.site = Site(directory / "site", settings)
        _provision(self.site.directory / "broker", MOST_PROCESSES)
        self.brokers: Brokers = Mosquitto(self.site.broker)
        self.address = Address(self.site.broker.host, self.site.broker.port)
        self.groups: list[WorkerGroup] = []

    def __enter__(self) -> Self:
        self._stack.enter_context(self.database)
        if self.store is not None:
            self._stack.enter_context(self.store)
        self._stack.enter_context(self.site)
        self.groups.append(WorkerGroup(self._start_worker, self._processes))
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

    def _start_worker(self, processes: int) -> Process:
        return self.site.start_worker(wait=False, settings={"STETHO_PROCESSES": str(processes)})


def _provision(state: Path, processes: int) -> None:
    """Make the accounts of so many processes of workers."""
    with redirect_stdout(StringIO()):
        is_refused = provision.main(["--dir", str(state), "worker", "--processes", str(processes)])
    if is_refused:
        raise BrokerError("the accounts of the worker cannot be made")
