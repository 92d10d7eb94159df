"""Complete deployment on loopback: the real broker, worker and history API as child processes.

Demo, end-to-end tests and bench use it, so that all three run what is deployed.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import models_tflite
from broker.account import Accounts, Credentials
from broker.directory import StateDirectory
from broker.mosquitto import Broker
from broker.nats.cluster import NatsCluster
from simulator.site.process import Process

_READY: Final = "event=ready"
_MODELS: Final = Path(models_tflite.__file__).parent
_B = TypeVar("_B", Broker, NatsCluster)


class AnySite(Generic[_B]):
    """Broker, worker and history API with their data in one directory; a context manager."""

    def __init__(self, directory: Path, broker: _B, settings: Mapping[str, str] | None = None) -> None:
        """Create the accounts in `directory`; `settings`: further `STETHO_*` variables of worker and API.

        A directory that an earlier site left is used again, data and all; its accounts get new passwords.
        """
        self.directory = directory.absolute()  # the processes run in another working directory
        self.data_dir = self.directory / "data"
        self.broker: _B = broker
        self._worker_account = self.broker.add_user("worker", rotate=True)
        self._api_account = self.broker.add_user("api", rotate=True)
        self.operator = self.broker.add_user("operator", rotate=True)
        self._settings = dict(settings or {})
        self._worker_ready = _READY
        self.processes: list[Process] = []

    def __enter__(self) -> Self:
        self.broker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self.processes):
            process.stop()
        self.broker.stop()

    @property
    def environ(self) -> dict[str, str]:
        """Settings of worker and API as environment variables."""
        return {
            **self.broker.environ,
            "STETHO_MQTT_USERNAME": self._worker_account.username,
            "STETHO_MQTT_PASSWORD": self._worker_account.password,
            "STETHO_DATA_DIR": str(self.data_dir),
            "STETHO_MODELS_DIR": str(_MODELS),
            "STETHO_API_MQTT_PASSWORD": self._api_account.password,
            "STETHO_API_AUTH": "none",  # it listens on loopback
            "STETHO_API_PORT": "0",
            **self._settings,
        }

    def add_device(self, device_id: str) -> Credentials:
        """Add the account of a device to the broker."""
        return self.broker.add_user("device", device_id, rotate=True)

    def start_worker(
        self, *, wait: bool = True, settings: Mapping[str, str] | None = None, name: str = "edge_worker"
    ) -> Process:
        """Start the worker, with `settings` for this run; with `wait` return when it is ready.

        Its log is named after its `name`.
        """
        process = self._start("edge_worker", settings, name)
        if wait:
            process.wait_for(self._worker_ready)
        return process

    def start_api(self, settings: Mapping[str, str] | None = None) -> str:
        """Start the history API, with `settings` for this run, and return its URL."""
        return self._start("history_api", settings).wait_for(r"listening on (http://\S+)").group(1)

    def _start(self, module: str, settings: Mapping[str, str] | None = None, name: str = "") -> Process:
        log = self.directory / f"{name or module}.log"
        process = Process(module, self.environ | dict(settings or {}), log)
        self.processes.append(process)
        return process


class Site(AnySite[Broker]):
    """A site with Mosquitto."""

    def __init__(
        self, directory: Path, settings: Mapping[str, str] | None = None, *, processes: int = 1
    ) -> None:
        """Create the accounts in `directory`, as `AnySite`; of a worker of so many `processes`."""
        state = directory.absolute() / "broker"
        count = {} if processes == 1 else {"STETHO_PROCESSES": str(processes)}
        super().__init__(directory, Broker(state), {**(settings or {}), **count})
        Accounts(StateDirectory(state)).set_processes(self._worker_account.username, processes)
        self._worker_ready = "(?s)" + ".*".join([_READY] * processes)


class NatsSite(AnySite[NatsCluster]):
    """A site with three nodes of NATS; `settings` name a database of PostgreSQL."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        """Create the accounts in `directory`, as `AnySite`."""
        super().__init__(directory, NatsCluster(directory.absolute() / "broker"), settings)
