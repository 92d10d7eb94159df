"""`stetho send` against the real broker and the real worker."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from conftest import Client, wait_until

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.process import Process
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples, write

RATE = 8000
BAD_NETWORK = ("--loss", "0.2", "--duplicate", "0.2", "--reorder", "8", "--corrupt", "0.1")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that waits longer for a device than a device for what it sent last to arrive (2 s)."""
    with Site(tmp_path / "site", {"STETHO_GIVE_UP_S": "10", "STETHO_MISSING_AFTER_S": "0.2"}) as running:
        yield running


@pytest.fixture
def device(site: Site) -> Credentials:
    """A provisioned device."""
    return site.add_device("st-01")


@pytest.fixture
def worker(site: Site) -> Process:
    """A worker that is ready."""
    return site.start_worker()


@pytest.fixture
def heart(tmp_path: Path) -> Path:
    """A file with four seconds of a normal heart."""
    path = tmp_path / "heart.wav"
    write(path, from_samples(synthesise("normal", 72, 4, RATE, 1), RATE))
    return path


class SendProcess:
    """Process that runs `stetho send`."""

    def __init__(self, site: Site, device: Credentials, path: Path, *options: str) -> None:
        at = ("--host", site.broker.host, "--port", str(site.broker.port))
        command = [sys.executable, "-m", "simulator", "send", str(path), "--device", device.username]
        secrets = {
            "STETHO_DEVICE_PASSWORD": device.password,
            "STETHO_OPERATOR_USERNAME": site.operator.username,
            "STETHO_OPERATOR_PASSWORD": site.operator.password,
        }
        self.process = subprocess.Popen(
            [*command, *at, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **secrets},
        )
        self.screen = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.screen += line

    def result(self, status: int = 0) -> dict[str, Any]:
        """Wait for the exit status; return the JSON on stdout, or an empty object."""
        assert self.process.stdout is not None
        text = self.process.stdout.read()
        assert self.process.wait(60) == status, self.screen
        self._reader.join()
        document: dict[str, Any] = json.loads(text) if text else {}
        return document


Send = Callable[..., SendProcess]


@pytest.fixture
def send(site: Site, device: Credentials, heart: Path) -> Iterator[Send]:
    """A function that starts `stetho send`; processes that still run at the end are killed."""
    started: list[SendProcess] = []

    def start(*options: str, path: Path = heart) -> SendProcess:
        started.append(SendProcess(site, device, path, *options))
        return started[-1]

    yield start
    for sending in started:
        sending.process.kill()
        sending.result(sending.process.wait())


def _sha256(path: Path) -> str:
    pcm, _ = soundfile.read(path, dtype="int16")
    return hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()


@pytest.mark.usefixtures("worker")
def test_send_prints_the_result_and_shows_it_on_the_display(send: Send, site: Site) -> None:
    with Client(site.broker, site.operator, topics.device_result("st-01")) as operator:
        sending = send("--chunk-samples", "2048")
        compact = sending.result()
        assert compact == operator.wait_for(
            topics.device_result("st-01"), recording_id=compact["recording_id"]
        )
    assert compact["status"] in {"ok", "inconclusive"}
    for words in ("READY", "RECORDING", "16 of 16", "WAITING", "not a diagnosis"):
        assert words in sending.screen
    assert "no analyser" not in sending.screen


@pytest.mark.usefixtures("worker")
def test_the_retained_result_of_an_earlier_recording_is_ignored(send: Send) -> None:
    first, second = (send().result() for _ in range(2))
    assert first["recording_id"] != second["recording_id"]


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.usefixtures("worker")
def test_network_faults_delay_a_recording_and_change_no_sample(send: Send, heart: Path, seed: str) -> None:
    full = send(*BAD_NETWORK, "--seed", seed, "--chunk-samples", "512", "--full").result()
    assert full["status"] in {"ok", "inconclusive"}
    assert (full["completeness"], full["missing"]) == ("complete", [])
    assert full["audio"]["sha256"] == _sha256(heart)


@pytest.mark.usefixtures("worker")
def test_rate_channels_models_and_site_reach_the_worker(send: Send, tmp_path: Path) -> None:
    path = tmp_path / "stereo.flac"
    left = synthesise("murmur", 80, 3, 44_100, 2)
    soundfile.write(path, [[sample, sample / 2] for sample in left], 44_100)
    options = ("--sample-rate", "4000", "--models", "heart2", "--site", "PV", "--full")
    full = send(*options, path=path).result()
    audio = full["audio"]
    assert (audio["sample_rate"], audio["channels"], audio["samples"]) == (4000, 2, 12_000)
    assert [model["model"] for model in full["models"]] == ["heart2"]
    assert (full["site"], full["captured_at_source"]) == ("PV", "device")


def test_without_an_analyser_the_device_waits_for_one(send: Send, site: Site) -> None:
    sending = send()
    wait_until(
        lambda: "no analyser is online; waiting" in sending.screen,
        "the message of the device",
    )
    site.start_worker()
    assert sending.result()["status"] in {"ok", "inconclusive"}


def test_no_analyser_within_the_timeout_is_exit_status_1(send: Send) -> None:
    sending = send("--timeout", "0.2")
    assert sending.result(1) == {}
    assert "no analyser came online" in sending.screen.splitlines()[-1]


@pytest.mark.usefixtures("worker")
def test_no_result_within_the_timeout_is_exit_status_1(send: Send) -> None:
    sending = send("--loss", "1", "--timeout", "1")
    assert sending.result(1) == {}
    assert "not stored" in sending.screen.splitlines()[-1]


@pytest.mark.usefixtures("worker")
def test_a_broker_killed_during_a_recording_loses_no_sample(send: Send, site: Site, heart: Path) -> None:
    sending = send("--realtime", "--chunk-samples", "1024", "--full")
    wait_until(lambda: "RECORDING" in sending.screen, "the recording to begin")
    site.broker.kill()
    site.broker.start()
    assert sending.result()["audio"]["sha256"] == _sha256(heart)


@pytest.mark.usefixtures("worker")
def test_a_killed_device_is_lost_and_one_that_disconnects_is_offline(send: Send, site: Site) -> None:
    state = topics.state("st-01")
    with Client(site.broker, site.operator, state) as operator:
        sending = send("--realtime")
        recording = operator.wait_for(state, state="recording")
        sending.process.kill()
        assert operator.wait_for(state, state="lost")["boot"] == recording["boot"]
        send().result()
        assert operator.wait_for(state, state="offline")["boot"] != recording["boot"]
