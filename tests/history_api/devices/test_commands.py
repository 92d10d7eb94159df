"""Commands to devices over HTTP, with the real broker, worker, API and a simulated device that obeys."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import requests
from conftest import Client, wait_until
from keyed_api import KeyedApi
from paho.mqtt.enums import CallbackAPIVersion
from upload_site import assert_documented

from edge_worker.database.access.api_key import Role
from edge_worker.protocol import topics
from simulator.site.site import Site

PATH = "/api/v1/devices/{device_id}/commands"
WITHIN_S = 30


class CommandSite:
    """A running site, and commands to its devices."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.start_worker()
        self.url = site.start_api()

    def ask(
        self, device: str, command: str, language: str = "en", wait: int = 20, **args: object
    ) -> requests.Response:
        answer = requests.post(
            self.url + PATH.replace("{device_id}", device),
            json={"command": command} | args,
            params={"wait": wait},
            headers={"Accept-Language": language},
            timeout=WITHIN_S,
        )
        assert_documented(answer, PATH, "post")
        return answer

    def said(self, device: str, command: str, **how: Any) -> tuple[str, str | None]:  # noqa: ANN401 - as `ask`
        """Return answer and reason."""
        document = self.ask(device, command, **how).json()
        return document["answer"], document["reason"]

    def wait_for_state(self, device: str, *states: str) -> str | None:
        """Wait until the API knows the device in one of `states`; return its boot id."""
        address = f"{self.url}/api/v1/stream?seconds={WITHIN_S}&device={device}"
        with requests.get(address, stream=True, timeout=WITHIN_S) as stream:
            for row in stream.iter_lines(chunk_size=1):
                told = json.loads(row.removeprefix(b"data: ")) if row.startswith(b"data: {") else {}
                if told.get("device_id") == device and told.get("state") in states:
                    boot: str | None = told["boot"]
                    return boot
        pytest.fail(f"waited in vain for {device} to be {states}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandSite]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield CommandSite(site)


class RemoteDevice:
    """`stetho live --remote`, with its display."""

    def __init__(self, site: Site, directory: Path) -> None:
        account = site.add_device("st-01")
        heart = directory / "heart.wav"
        simulator = [sys.executable, "-m", "simulator"]
        subprocess.run(
            [*simulator, "synth", "--seconds", "3", "-o", str(heart)], check=True, capture_output=True
        )
        at = ["--device", "st-01", "--port", str(site.broker.port), "--file", str(heart)]
        self.display, self.results = "", list[dict[str, Any]]()
        self.process = subprocess.Popen(
            [*simulator, "live", *at, "--remote", "--chunk-samples", "1024"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "STETHO_DEVICE_PASSWORD": account.password},
        )
        for read in (self._read_display, self._read_results):
            threading.Thread(target=read, daemon=True).start()

    def _read_display(self) -> None:
        assert self.process.stderr is not None
        for row in self.process.stderr:
            self.display += row

    def _read_results(self) -> None:
        assert self.process.stdout is not None
        for row in self.process.stdout:
            self.results.append(json.loads(row))


@pytest.fixture(scope="module")
def device(running: CommandSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteDevice]:
    remote = RemoteDevice(running.site, tmp_path_factory.mktemp("sound"))
    running.wait_for_state("st-01", "online")
    yield remote
    remote.process.send_signal(signal.SIGINT)
    assert remote.process.wait(WITHIN_S) == 0, "Ctrl-C ends it in order"


def silent_device(site: Site, name: str) -> Client:
    """Return a device that is online and answers nothing, as older firmware."""
    client = Client(site.broker, site.add_device(name), topics.command(name))
    client.publish(topics.state(name), '{"state":"online","boot":"a"}', retain=True)
    return client


def test_a_device_does_what_it_is_told_and_says_so(running: CommandSite, device: RemoteDevice) -> None:
    answer = running.ask("st-01", "record", stream=True).json()
    assert (answer["device_id"], answer["command"], answer["answer"]) == ("st-01", "record", "done")
    assert (answer["reason"], answer["text"]) == (None, "The device records.")
    running.wait_for_state("st-01", "recording")
    answer = running.ask("st-01", "record").json()
    assert (answer["answer"], answer["reason"]) == ("refused", "recording")
    assert answer["text"] == "The device refuses: it is recording already."
    answer = running.ask("st-01", "record", "de-AT,de;q=0.9").json()
    assert answer["text"] == "Das Gerät lehnt ab: es nimmt schon auf."
    assert running.said("st-01", "stop") == ("done", None)
    wait_until(lambda: device.results, "the result")
    assert running.said("st-01", "stop") == ("refused", "not_recording")
    assert running.said("st-01", "identify") == ("done", None)
    wait_until(lambda: "IT IS ME" in device.display, "its display")
    log = (running.site.directory / "history_api.log").read_text()
    assert f"event=device_command device=st-01 command=record id={answer['id']} by=anonymous" in log
    assert "by=anonymous answer=refused reason=not_recording" in log


def test_a_device_restarts_and_records_for_so_long(running: CommandSite, device: RemoteDevice) -> None:
    boot = running.wait_for_state("st-01", "online")
    assert running.said("st-01", "record", seconds=1) == ("done", None)
    assert running.said("st-01", "restart") == ("done", "later"), "what it records is not lost"
    wait_until(lambda: len(device.results) == 2, "the result")
    wait_until(lambda: running.wait_for_state("st-01", "online") != boot, "the restart")
    document = requests.get(f"{running.url}/api/v1/results?device=st-01", timeout=WITHIN_S).json()
    audio = document["items"][0]["audio"]
    assert audio["samples"] / audio["sample_rate"] == pytest.approx(1, abs=0.3)


def test_a_device_that_is_not_connected_is_not_commanded(running: CommandSite) -> None:
    client = silent_device(running.site, "st-02")
    running.wait_for_state("st-02", "online")
    with client:
        for state in ("offline", "lost"):
            client.publish(topics.state("st-02"), json.dumps({"state": state, "boot": "a"}), retain=True)
            running.wait_for_state("st-02", state)
            refusal = running.ask("st-02", "identify")
            assert refusal.status_code == 409
            assert "switch it on" in refusal.json()["detail"]
        assert running.ask("never-seen", "identify").status_code == 409
        assert client.messages == []


def test_older_firmware_answers_nothing_and_foreign_answers_are_none(running: CommandSite) -> None:
    with silent_device(running.site, "st-03") as client, silent_device(running.site, "st-04") as other:
        running.wait_for_state("st-03", "online")
        for answer in (b"x", b'{"id":"a","answer":"perhaps"}', b'{"id":1,"answer":"done"}', b"[]"):
            client.publish(topics.answer("st-03"), answer)
        answers: list[dict[str, Any]] = []
        asking = threading.Thread(
            target=lambda: answers.append(running.ask("st-03", "restart", wait=2).json())
        )
        asking.start()
        wait_until(lambda: client.messages, "the command")
        command = json.loads(client.messages[0].payload)
        assert (client.messages[0].qos, client.messages[0].retain) == (0, False)
        other.publish(topics.answer("st-04"), json.dumps({"id": command["id"], "answer": "done"}))
        client.publish(topics.answer("st-03"), json.dumps({"id": "other", "answer": "done"}))
        asking.join()
    assert (answers[0]["answer"], answers[0]["reason"], answers[0]["id"]) == (
        "no_answer",
        None,
        command["id"],
    )
    assert answers[0]["text"].startswith("Sent, no answer: look at the device.")
    metrics = requests.get(f"{running.url}/metrics", timeout=WITHIN_S).text
    assert 'stetho_device_commands_total{answer="no_answer",command="restart"} 1' in metrics
    assert 'stetho_mqtt_refused_messages_total{topic="answer"} 4' in metrics


def test_a_command_is_for_now(running: CommandSite) -> None:
    """A device whose connection broke, and whose session the broker keeps, gets it neither then nor later."""
    account = running.site.add_device("st-05")

    def connect() -> tuple[mqtt.Client, list[mqtt.MQTTMessage]]:
        got: list[mqtt.MQTTMessage] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, account.username, clean_session=False)
        client.username_pw_set(account.username, account.password)
        client.on_message = lambda _client, _data, message: got.append(message)
        client.connect(running.site.broker.host, running.site.broker.port)
        client.loop_start()
        client.subscribe(topics.command("st-05"), 1)
        client.publish(topics.state("st-05"), '{"state":"online","boot":"a"}', 1, True).wait_for_publish(10)
        return client, got

    client, got = connect()
    running.wait_for_state("st-05", "online")
    assert running.said("st-05", "record", wait=1) == ("no_answer", None)
    assert json.loads(got[0].payload).keys() == {"id", "command", "args", "expires"}
    client.disconnect()
    client.loop_stop()
    assert running.said("st-05", "record", wait=0) == ("no_answer", None)
    client, got = connect()
    assert running.said("st-05", "stop", wait=1) == ("no_answer", None)
    client.disconnect()
    client.loop_stop()
    assert [json.loads(each.payload)["command"] for each in got] == ["stop"]


def test_a_command_without_an_answer_is_published_again_with_the_same_id(running: CommandSite) -> None:
    """The first one got lost, as at QoS 0 between the nodes of a cluster."""
    account = running.site.add_device("st-06")
    got: list[str] = []

    def answer(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        got.append(json.loads(message.payload)["id"])
        if len(got) > 1:
            client.publish(topics.answer("st-06"), json.dumps({"id": got[-1], "answer": "done"}), 1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, account.username)
    client.username_pw_set(account.username, account.password)
    client.on_message = answer
    client.connect(running.site.broker.host, running.site.broker.port)
    client.loop_start()
    client.subscribe(topics.command("st-06"), 0)
    client.publish(topics.state("st-06"), '{"state":"online","boot":"a"}', 1, True).wait_for_publish(10)
    running.wait_for_state("st-06", "online")
    assert running.said("st-06", "identify") == ("done", None)
    client.disconnect()
    client.loop_stop()
    assert len(got) > 1
    assert len(set(got)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": "update"},
        {"command": "record", "seconds": 0},
        {"command": "record", "seconds": 4000},
        {"command": "record", "stream": "yes"},
        {"command": "stop", "seconds": 3},
        {"command": "identify", "device_id": "st-02"},
    ],
)
def test_what_no_device_can_do_is_refused(running: CommandSite, body: dict[str, object]) -> None:
    answer = requests.post(running.url + PATH.replace("{device_id}", "st-01"), json=body, timeout=WITHIN_S)
    # The body is looked at first where the document has a rule for it, the device where it has none.
    assert answer.status_code == 400
    assert answer.json()["pointer"].startswith("/")


def test_commands_are_for_operators(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path)
    roles: tuple[tuple[Role, int], ...] = (("owner", 403), ("operator", 503))  # no account at the broker
    for role, code in roles:
        headers = {"X-API-Key": keyed.keys[role]}
        answer = keyed.api.client.post(
            "/api/v1/devices/st-01/commands", json={"command": "identify"}, headers=headers
        )
        assert (role, answer.status_code) == (role, code)
        page = keyed.api.client.get("/ui/devices/st-01", headers=headers | {"Accept": "text/html"})
        assert ('id="remote"' in page.text) == (role == "operator")


def test_a_device_gets_so_many_commands_a_minute(running: CommandSite) -> None:
    with silent_device(running.site, "st-07"):
        running.wait_for_state("st-07", "online")
        codes = [running.ask("st-07", "identify", wait=0).status_code for _ in range(31)]
    assert codes == [200] * 30 + [429]


def test_a_broker_without_the_right_to_answer_harms_no_device(
    running: CommandSite, device: RemoteDevice
) -> None:
    """The broker was not restarted after the upgrade: it drops the answer, and the device goes on."""
    rules = running.site.directory / "broker" / "acl"
    text = rules.read_text()
    pid = running.site.broker.pid
    assert pid is not None

    def load(rules_now: str) -> None:
        rules.write_text(rules_now)
        os.kill(pid, signal.SIGHUP)

    load("".join(row for row in text.splitlines(keepends=True) if "up/answer" not in row))
    try:
        wait_until(
            lambda: running.said("st-01", "identify", wait=1) == ("no_answer", None), "the older rules"
        )
        before = len(device.results)
        assert running.said("st-01", "record", wait=0, seconds=0.5) == ("no_answer", None)
        wait_until(lambda: len(device.results) > before, "the result of what it was told to record")
    finally:
        load(text)
    wait_until(lambda: running.said("st-01", "identify", wait=1) == ("done", None), "the rules of today")
