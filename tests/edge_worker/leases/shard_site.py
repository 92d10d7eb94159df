"""Site whose workers share the devices by leases: a node of NATS, a server of PostgreSQL, real processes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from conftest import Client, Device, wait_until
from sqlalchemy import NullPool, create_engine, text

from broker.account import Accounts, Credentials
from broker.directory import StateDirectory
from broker.nats.cluster import NatsCluster
from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import shard_of
from simulator.site.process import Process
from simulator.site.site import AnySite

START_WITHIN_S: Final = 120.0
SETTINGS: Final = {
    "STETHO_BROKER": "nats",
    "STETHO_GIVE_UP_S": "10",
    "STETHO_HOME_ASSISTANT": "on",
    "STETHO_MISSING_AFTER_S": "0.2",
    "STETHO_MODELS": "heart2",
}


_HOLDERS: Final = (
    "SELECT pid, objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
    "AND classid::bigint = :kind AND granted"
)
_SHARDS, _MEMBERS = 0x57E7_0001, 0x57E7_0002


class AskingDevice(Device):
    """Stethoscope that hears what the worker says of its recordings."""

    def __init__(self, site: "ShardSite", device_id: str) -> None:
        self.device_id = device_id
        self._seen = 0
        Client.__init__(self, site.broker, site.add_device(device_id), topics.control(device_id))

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield what the worker has said since the last call."""
        topic = topics.control(self.device_id)
        for message in self.messages[self._seen :]:
            self._seen += 1
            if message.topic == topic:
                yield json.loads(message.payload)


class ShardSite(AnySite[NatsCluster]):
    """A site with accounts for four processes, and what its database says."""

    def __init__(self, directory: Path, database: str, devices: list[str]) -> None:
        super().__init__(
            directory,
            NatsCluster(directory / "broker", nodes=1, access=1),
            {**SETTINGS, "STETHO_DATABASE_URL": database},
        )
        self._engine = create_engine(database, poolclass=NullPool)
        server = self._engine.url.set(database="postgres")
        self._admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        Accounts(StateDirectory(directory / "broker")).set_processes("worker", 4)
        self._accounts = {each: self.broker.add_user("device", each) for each in devices}

    def add_device(self, device_id: str) -> Credentials:
        """Return the account of a device, which was made with the site."""
        return self._accounts[device_id]

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows that a query finds."""
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def shares(self) -> list[int]:
        """Return how many shards each process has locked."""
        holders = self.rows(_HOLDERS, kind=_SHARDS)
        return list(Counter(pid for pid, _ in holders).values())

    def connected(self) -> list[int]:
        """Return with how many shards each process says that it is connected."""
        documents = self.rows("SELECT document FROM workers")
        return [each["shards"]["connected"] for (each,) in documents if each["state"] != "offline"]

    def wait_for_shares(self, *sizes: int) -> None:
        """Wait until the processes hold so many shards, and are connected with them."""
        wanted = sorted(sizes)
        wait_until(
            lambda: sorted(self.shares()) == sorted(self.connected()) == wanted,
            f"the shares {sizes}",
            START_WITHIN_S,
        )

    def serving(self) -> dict[str, str]:
        """Return which process serves each device, by its own word."""
        found = self.rows("SELECT worker_id, document FROM workers")
        running = {name: set(each["shards"]["held"]) for name, each in found if each["state"] != "offline"}
        return {
            device: name for device in self._accounts for name in running if shard_of(device) in running[name]
        }

    def end_lease_of(self, number: int) -> None:
        """End the session that holds the locks of the process of this number."""
        (holder,) = [row for row in self.rows(_HOLDERS, kind=_MEMBERS) if row[1] == number]
        self.rows("SELECT pg_terminate_backend(:pid)", pid=holder[0])

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """End all sessions of the database, and let nobody in."""
        name = self._engine.url.database
        with self._admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            connection.execute(ended, {"name": name})
            yield
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))

    def share_sounds(self, machine: str) -> Path:
        """Return the data directory of another machine, which has mounted the sounds of the first."""
        directory = self.directory / machine
        directory.mkdir()
        (directory / "audio").symlink_to(self.data_dir / "audio")
        return directory

    def start(self, settings: Mapping[str, str] | None = None) -> Process:
        """Start a worker."""
        return self.start_worker(wait=False, settings=settings)
