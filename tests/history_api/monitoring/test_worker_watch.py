"""What a site says about a worker that stopped, was killed, or went with its broker."""

import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from conftest import Client, rows, wait_until

from simulator.site.process import Process
from simulator.site.site import Site
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples, write

TOPIC = "stetho/v1/worker/edge-01"


def worker_of(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        worker: dict[str, Any] = json.loads(answer.read())["components"]["worker"]
    return worker


def status_of(url: str, body: bytes | None = None) -> int:
    """Return the status of the answer to a GET, or to a POST of a WAV file."""
    request = urllib.request.Request(url, body, {"Content-Type": "audio/wav"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_health_and_predictions_know_within_seconds_that_the_worker_stopped_or_was_killed(
    site: Site, tmp_path: Path
) -> None:
    sound = heart_sound("normal", 72, 3.0, 8000, 0)
    path = tmp_path / "heart.wav"
    write(path, from_samples(sound.samples, sound.sample_rate))
    url = site.start_api()
    for end in (Process.stop, Process.kill):
        worker = site.start_worker()
        wait_until(lambda: worker_of(url)["status"] == "ok", "a ready worker")
        assert status_of(f"{url}/predict?model=heart5", path.read_bytes()) == 200
        end(worker)
        wait_until(lambda: worker_of(url)["status"] == "degraded", "that it is gone", 10.0)
        said = worker_of(url)["workers"][0]
        assert said["state"] == "offline"
        assert " worker` " in said["reason"], "with what to do"
        assert status_of(f"{url}/readyz") == 503
        assert status_of(f"{url}/predict?model=heart5", path.read_bytes()) == 503


def test_a_worker_that_hangs_is_named_within_ten_seconds_and_corrects_that(site: Site) -> None:
    worker = site.start_worker()
    url = site.start_api()
    wait_until(lambda: worker_of(url)["status"] == "ok", "a ready worker")
    with Client(site.broker, site.operator, TOPIC) as operator:
        worker.pause()
        try:
            wait_until(lambda: worker_of(url)["status"] == "degraded", "the missed heartbeat", 10.0)
            assert "no heartbeat" in operator.wait_for(TOPIC, state="offline")["reason"]
        finally:
            worker.resume()
        operator.messages.clear()
        operator.wait_for(TOPIC, state="ready")
    wait_until(lambda: worker_of(url)["status"] == "ok", "a ready worker")


def test_a_worker_that_went_with_its_broker_is_reported_as_offline_and_corrects_that(site: Site) -> None:
    with Client(site.broker, site.operator, TOPIC) as before:
        worker = site.start_worker()
        before.wait_for(TOPIC, state="ready")
    wait_until(lambda: rows(site, "SELECT seen_at FROM workers"), "a heartbeat")
    saved = site.directory / "broker" / "data" / "mosquitto.db"
    assert site.broker.pid
    os.kill(site.broker.pid, signal.SIGUSR1)  # Mosquitto saves what it has
    wait_until(lambda: saved.exists() and b'"ready"' in saved.read_bytes(), "the saved state")
    site.broker.kill()  # the will of the worker finds no broker
    worker.kill()
    site.broker.start()
    url = site.start_api()
    with Client(site.broker, site.operator, TOPIC) as after:
        after.wait_for(TOPIC, state="ready")
        wait_until(lambda: worker_of(url)["status"] == "degraded", "the missed heartbeat", 10.0)
        missed = after.wait_for(TOPIC, state="offline")
        assert "no heartbeat" in missed["reason"]
        assert worker_of(url)["status"] == "degraded"
        after.messages.clear()
        site.start_worker()
        after.wait_for(TOPIC, state="ready")
        after.messages.clear()
        with Client(site.broker, site.broker.add_user("api", "two")) as other:
            other.publish(TOPIC, '{"state":"offline"}', retain=True)
        after.wait_for(TOPIC, state="ready")
