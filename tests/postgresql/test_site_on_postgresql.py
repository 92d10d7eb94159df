"""A whole site on PostgreSQL: what devices send and people do, and a server that fails in many ways."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from conftest import WITHIN_S, Client, Device, beep, cut, wait_until
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from stream_playback import SETTINGS, heart, stream

from bench.cluster import postgresql
from bench.cluster.postgresql import PostgreSql
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.postgresql import session
from edge_worker.errors import StoreError
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk
from simulator.site.site import Site

pytestmark = pytest.mark.skipif(
    postgresql.programs() is None,
    reason="PostgreSQL is not installed (tests/install_postgresql.sh): this runs on SQLite alone",
)

DEVICE = "st-01"
CONTROL = f"stetho/v1/device/{DEVICE}/down/control"
RESULT = f"stetho/v1/result/{DEVICE}"
ROLE = "stetho"
DISCONNECT = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'"  # noqa: S608 - ours


class Fault(NamedTuple):
    """What an operator does to a database, and how it is undone."""

    begin: str
    end: str
    said: str
    """Part of what the worker says."""


FAULTS = {
    "too many connections": Fault(
        f"ALTER ROLE {ROLE} CONNECTION LIMIT 0",
        f"ALTER ROLE {ROLE} CONNECTION LIMIT -1",
        "too many connections",
    ),
    "read-only": Fault(
        f"ALTER ROLE {ROLE} SET default_transaction_read_only = on",
        f"ALTER ROLE {ROLE} RESET default_transaction_read_only",
        "read-only transaction",
    ),
    "no rights": Fault(
        f"REVOKE INSERT, UPDATE ON recordings FROM {ROLE}",
        f"GRANT INSERT, UPDATE ON recordings TO {ROLE}",
        "permission denied for table recordings",
    ),
    "no tables": Fault(
        "ALTER SCHEMA public RENAME TO elsewhere", "ALTER SCHEMA elsewhere RENAME TO public", "does not exist"
    ),
    "no time": Fault(
        f"ALTER ROLE {ROLE} SET statement_timeout = 1",
        f"ALTER ROLE {ROLE} RESET statement_timeout",
        "statement timeout",
    ),
}


class PostgresqlSite:
    """Broker, worker and API on a server that can be killed and stopped."""

    def __init__(self, site: Site, server: PostgreSql, admin: str) -> None:
        self.site, self.server, self._admin = site, server, admin
        self.worker = site.start_worker()
        self.url = site.start_api()
        self.sent: list[str] = []

    def record(self, device: Device, meta: dict[str, Any] | None = None) -> str:
        """Send a recording; return its id."""
        number = len(self.sent) + 1
        if meta:
            payload = json.dumps(meta).encode()
            device.send(Chunk(codec.META, 0, 1, 4000, number, 0, len(payload), payload))
        device.send_all(cut(beep(8_000), number))
        self.sent.append(f"{number:016x}")
        return self.sent[-1]

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:  # noqa: ANN401 - as requests
        return requests.request(method, self.url + path, timeout=WITHIN_S, **how)

    def json(self, path: str) -> Any:  # noqa: ANN401 - JSON is what it is
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def execute(self, *statements: str) -> None:
        """Do something to the database, as its administrator."""
        engine = create_engine(self._admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresqlSite]:
    folder = Path(tempfile.mkdtemp(prefix="stetho-pg-"))
    folder.chmod(0o755)  # the server has a user of its own
    with PostgreSql(folder / "server") as server:
        engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE ROLE {ROLE} LOGIN"))
            connection.execute(text(f"CREATE DATABASE site OWNER {ROLE}"))
        engine.dispose()
        admin = server.url.replace("/postgres?", "/site?")
        settings = SETTINGS | {"STETHO_DATABASE_URL": admin.replace("//postgres@", f"//{ROLE}@")}
        with Site(folder / "site", settings) as site:
            yield PostgresqlSite(site, server, admin)
    shutil.rmtree(folder)


@pytest.fixture
def device(running: PostgresqlSite) -> Iterator[Device]:
    with Device(running.site, DEVICE) as device:
        yield device


@pytest.fixture
def operator(running: PostgresqlSite) -> Iterator[Client]:
    with Client(running.site.broker, running.site.operator, "stetho/v1/result/#") as operator:
        yield operator


def test_what_a_device_sends_and_people_do(running: PostgresqlSite, device: Device, operator: Client) -> None:
    of_device = running.ask("PUT", f"/api/v1/devices/{DEVICE}/subject", json={"subject": "P-7"})
    assert of_device.status_code == 200, of_device.text
    first = running.record(device, {"exam": "visit-1", "site": "AV"})
    second = running.record(device, {"exam": "visit-1", "site": "a\x00\ud800b"})
    for each in (first, second):
        device.wait_for(CONTROL, type="stored", recording_id=each)
        operator.wait_for(RESULT, recording_id=each, completeness="complete")
    device.send_all(stream(heart(6), recording_id=0xFFFF))
    operator.wait_for(RESULT, recording_id=f"{0xFFFF:016x}", completeness="complete")
    assert running.json(f"/api/v1/recordings/{first}")["result"]["subject"] == "P-7"
    assert running.json("/api/v1/exams/visit-1")["subject"] == "P-7"
    assert running.json(f"/api/v1/recordings/{0xFFFF:016x}/timeline")
    reviewed = running.ask(
        "PUT",
        f"/api/v1/recordings/{first}/review",
        json={"verdict": "confirmed", "note": "Herz"},
        headers={"If-Match": '"0"'},
    )
    assert reviewed.status_code == 200, reviewed.text
    assert running.json("/api/v1/subjects/P-7")["reviews"] == 1
    report = running.ask("GET", f"/api/v1/recordings/{first}/report.pdf")
    assert report.content.startswith(b"%PDF")
    deleted = running.ask("DELETE", f"/api/v1/recordings/{second}")
    assert deleted.status_code == 204, deleted.text
    running.sent.remove(second)
    running.sent.append(f"{0xFFFF:016x}")
    wait_until(lambda: running.json("/health")["status"] == "ok", "a healthy site")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_is_lost_while_the_database_refuses(
    running: PostgresqlSite, device: Device, operator: Client, fault: Fault
) -> None:
    before = len(running.worker.log)
    running.execute(fault.begin, DISCONNECT)
    name = running.record(device)
    wait_until(lambda: fault.said in running.worker.log[before:], f"the worker to say {fault.said!r}")
    assert device.documents(CONTROL) == [] or device.documents(CONTROL)[-1]["recording_id"] != name
    answer = running.ask("GET", "/api/v1/results")
    assert answer.status_code in {200, 503}
    assert "Traceback" not in answer.text
    running.execute(fault.end, DISCONNECT)
    device.wait_for(CONTROL, type="stored", recording_id=name)
    operator.wait_for(RESULT, recording_id=name, completeness="complete")
    assert "Traceback" not in running.worker.log[before:]


@pytest.fixture
def small_disk(running: PostgresqlSite) -> Iterator[Path]:
    """A file system of 16 MB on which the recordings of the database are."""
    with tempfile.TemporaryDirectory(prefix="stetho-small-") as made:
        path = Path(made)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", made], check=False)
        if mounted.returncode:
            pytest.skip("only root can mount a small file system")
        try:
            (path / "space").mkdir()
            shutil.chown(path / "space", "postgres")
            running.execute(f"CREATE TABLESPACE small LOCATION '{path}/space'")
            running.execute("ALTER TABLE recordings SET TABLESPACE small")
            yield path
            running.execute("ALTER TABLE recordings SET TABLESPACE pg_default", "DROP TABLESPACE small")
        finally:
            subprocess.run(["umount", "--lazy", made], check=True)


def test_recordings_wait_in_the_spool_while_the_disk_of_the_server_is_full(
    running: PostgresqlSite, device: Device, operator: Client, small_disk: Path
) -> None:
    before, filler = len(running.worker.log), small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(2**16)):
            pass
    names: list[str] = []
    said = "No space left on device; make room on the disk of the server"
    while said not in running.worker.log[before:]:  # pages of the table have room for some
        assert len(names) < 40, running.worker.log[before:][-1500:]
        names.append(running.record(device))
        time.sleep(0.3)
    last = running.record(device)
    spooled = running.site.data_dir / "spool" / DEVICE / f"{last}.chunks"
    wait_until(spooled.exists, "the last recording in the spool")
    wait_until(lambda: said in str(running.json("/health")), "the sentence in /health")
    assert running.ask("GET", "/api/v1/results").status_code == 200
    filler.unlink()
    for name in (*names, last):
        device.wait_for(CONTROL, type="stored", recording_id=name)
        operator.wait_for(RESULT, recording_id=name, completeness="complete")
    assert "Traceback" not in running.worker.log[before:]


def test_a_server_that_is_killed_or_stopped_loses_nothing(
    running: PostgresqlSite, device: Device, operator: Client
) -> None:
    running.server.kill()
    name = running.record(device)
    answer = running.ask("GET", "/api/v1/results")
    assert answer.status_code == 503
    assert answer.json()["detail"].count("\n") == 0
    running.server.start()
    operator.wait_for(RESULT, recording_id=name, completeness="complete")
    running.server.pause()
    name = running.record(device)
    running.server.resume()
    operator.wait_for(RESULT, recording_id=name, completeness="complete")
    found = [each["recording_id"] for each in running.json("/api/v1/results?limit=100")["items"]]
    assert sorted(found) == sorted(running.sent)


def test_a_server_that_answers_nothing_is_given_up(
    running: PostgresqlSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_ANSWERS_WITHIN_S", 0.5)
    monkeypatch.setitem(session.PATIENCE, "connect_timeout", 2)
    url = running.site.environ["STETHO_DATABASE_URL"]
    history, engine = History.open(url), connect(url)
    count = history.count()
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        running.server.pause()
        try:
            with pytest.raises(OperationalError, match="the server has not answered"):
                connection.execute(text("SELECT 2"))
            with pytest.raises(StoreError, match="see that the server runs"):
                history.count()
        finally:
            running.server.resume()
    assert history.count() == count
    history.close()
    engine.dispose()
