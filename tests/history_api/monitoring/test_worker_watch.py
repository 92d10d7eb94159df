"""What a site says about a worker that stopped, was killed, or went with its broker."""

import json
import os
import signal
import urllib.request
from typing import Any

from conftest import Client, rows, wait_until

from simulator.site.site import Site

TOPIC = "stetho/v1/worker/edge-01"


def worker_of(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        worker: dict[str, Any] = json.loads(answer.read())["components"]["worker"]
    return worker


def test_health_knows_an_orderly_stop_at_once(site: Site) -> None:
    worker = site.start_worker()
    url = site.start_api()
    wait_until(lambda: worker_of(url)["status"] == "ok", "a ready worker")
    assert worker.stop() == 0
    said = worker_of(url)
    assert said["status"] == "degraded"
    assert said["workers"][0]["state"] == "offline"


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
