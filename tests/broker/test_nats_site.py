"""A whole site on NATS and PostgreSQL: a recording and its result, over the end of a node with `kill -9`."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import wait_until
from postgresql_server import PostgresqlServer

from simulator.site.process import PACKAGES
from simulator.site.site import NatsSite

pytest_plugins = ["store_fixtures"]
WITHIN_S = 120.0


@pytest.fixture(scope="module")
def site(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsSite]:
    settings = {
        "STETHO_DATABASE_URL": postgresql.new_database(with_tables=True),
        "STETHO_MODELS": "heart2",
        "STETHO_GIVE_UP_S": "60",
    }
    with NatsSite(tmp_path_factory.mktemp("nats-site"), settings) as running:
        worker = running.start_worker()
        worker.wait_for("event=shards_taken", WITHIN_S)
        yield running


def test_a_recording_gets_its_result_before_and_after_a_node_ends(site: NatsSite, tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    synth = ["synth", "--seconds", "3", "--sample-rate", "4000", "--output", str(sound)]
    subprocess.run([sys.executable, "-m", "simulator", *synth], cwd=PACKAGES, check=True)
    account = site.add_device("st-01")
    send = [
        "send",
        str(sound),
        "--host",
        site.broker.address,
        "--device",
        "st-01",
        "--timeout",
        str(WITHIN_S),
    ]
    command = [sys.executable, "-m", "simulator", *send, "--password", account.password]

    def is_sent() -> bool:
        """Send, and return whether the result came; the nodes may be electing, and answer nobody."""
        done = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "does not answer" in done.stderr, done.stdout + done.stderr
        return done.returncode == 0

    assert is_sent()
    site.broker.kill_node(0)
    wait_until(is_sent, "a result after the end of a node", WITHIN_S)
    log = site.processes[0].log
    wait_until(lambda: site.processes[0].log.count("event=result device=st-01") == 2, "two results")
    assert "event=failed" not in log
