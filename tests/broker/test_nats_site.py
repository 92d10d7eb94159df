"""A whole site on NATS and PostgreSQL: who hears of a recording, also after a node ended with `kill -9`."""

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Client, wait_until
from home_assistant_rules import check
from postgresql_server import PostgresqlServer
from receivers import WebReceiver

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.process import PACKAGES, Process
from simulator.site.site import NatsSite

pytest_plugins = ["store_fixtures"]
WITHIN_S = 120.0
EVERY_RESULT = """
[receivers]
phone = "json://127.0.0.1:{port}/"

[[rule]]
name = "all"
on = "sound"
severities = ["finding", "none", "unknown"]
send_to = ["phone"]
"""


class WholeSite(NatsSite):
    """Worker, API and `stetho notify`, which tells `phone`."""

    def __enter__(self) -> "WholeSite":
        super().__enter__()
        self.phone = WebReceiver()
        self.phone.__enter__()
        self.worker = self.start_worker(settings={"STETHO_HOME_ASSISTANT": "on"})
        self.url = self.start_api()
        self.worker.wait_for("event=shards_taken", WITHIN_S)
        return self

    def __exit__(self, *raised: Any) -> None:  # noqa: ANN401 - three of them
        self.phone.__exit__(*raised)
        super().__exit__(*raised)

    def start_notify(self) -> Process:
        """Start it without the database, which it has no use for."""
        rules = self.data_dir / "notify" / "rules.toml"
        rules.parent.mkdir()
        rules.write_text(EVERY_RESULT.format(port=self.phone.port))
        account = self.broker.add_user("notify")
        own = {"STETHO_NOTIFY_MQTT_PASSWORD": account.password, "STETHO_DATABASE_URL": ""}
        process = self._start("edge_worker.notify", own)
        process.wait_for("event=connected")
        return process

    def events(self) -> Generator[tuple[str, dict[str, Any]], None, None]:
        """Yield kind and document of the events of the API."""
        address = f"{self.url}/api/v1/stream?seconds=100"
        with requests.get(address, stream=True, timeout=WITHIN_S) as answer:
            assert answer.status_code == 200, answer.text
            kind = ""
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data":
                    yield kind, json.loads(value)


@pytest.fixture(scope="module")
def site(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    settings = {
        "STETHO_DATABASE_URL": postgresql.new_database(with_tables=True),
        "STETHO_MODELS": "heart2",
        "STETHO_GIVE_UP_S": "60",
    }
    with WholeSite(tmp_path_factory.mktemp("nats-site"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def account(site: WholeSite) -> Credentials:
    return site.add_device("st-01")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    synth = ["synth", "--seconds", "3", "--sample-rate", "4000", "--output", str(path)]
    subprocess.run([sys.executable, "-m", "simulator", *synth], cwd=PACKAGES, check=True)
    return path


def is_sent(site: WholeSite, sound: Path, account: Credentials) -> bool:
    """Send, and return whether the result came; the nodes may be electing, and answer nobody."""
    place = ["--host", site.broker.address, "--device", account.username, "--password", account.password]
    send = ["send", str(sound), *place, "--timeout", str(WITHIN_S)]
    command = [sys.executable, "-m", "simulator", *send]
    done = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "does not answer" in done.stderr, done.stdout + done.stderr
    return done.returncode == 0


def test_operator_phone_dashboard_and_home_assistant_hear_of_a_recording(
    site: WholeSite, sound: Path, account: Credentials
) -> None:
    notify = site.start_notify()
    house = site.broker.add_user("homeassistant")
    # As its MQTT integration subscribes.
    discovery = ("homeassistant/+/+/config", "homeassistant/+/+/+/config", topics.device_result("st-01"))
    watched = ("stetho/v1/result/#", "stetho/v1/device/+/up/state", "stetho/v1/worker/+")
    events = site.events()
    with (
        Client(site.broker, site.operator, *watched) as operator,
        Client(site.broker, house, *discovery) as assistant,
    ):
        assert next(kind for kind, _ in events) == "worker"
        assert is_sent(site, sound, account)
        result = operator.wait_for("stetho/v1/result/st-01")
        assert operator.documents("stetho/v1/worker/edge-01")
        description = assistant.wait_for(topics.home_assistant("st-01"))
        check(description)
        assistant.wait_for(topics.device_result("st-01"), recording_id=result["recording_id"])
        assistant.publish(topics.HOME_ASSISTANT_STATUS, "online")
        again = topics.home_assistant("st-01")
        wait_until(lambda: len(assistant.documents(again)) > 1, "the description after its start")
    name = f"st-01/{result['recording_id']}"
    wait_until(lambda: name in [each.get("id") for each in list(site.phone.posted)], "the notification")
    seen: set[str] = set()
    while not {"device", "sound", "result"} <= seen:
        seen.add(next(events)[0])
    events.close()
    health = requests.get(f"{site.url}/health", timeout=WITHIN_S).json()
    assert health["status"] == "ok", json.dumps(health)
    assert notify.stop() == 0
    assert "Traceback" not in notify.log


def test_an_upload_is_answered_with_its_result(site: WholeSite, sound: Path) -> None:
    with sound.open("rb") as file:
        answer = requests.post(
            f"{site.url}/api/v1/recordings?device=web", files={"file": file}, timeout=WITHIN_S
        )
    assert answer.status_code == 201, answer.text
    assert answer.json()["result"]["device_id"] == "web"


def test_a_recording_gets_its_result_after_a_node_has_ended(
    site: WholeSite, sound: Path, account: Credentials
) -> None:
    before = site.worker.log.count("event=result device=st-01")
    site.broker.kill_node(0)
    wait_until(lambda: is_sent(site, sound, account), "a result after the end of a node", WITHIN_S)
    wait_until(lambda: site.worker.log.count("event=result device=st-01") > before, "its result")
    assert "event=failed" not in site.worker.log
