"""A device that says what it likes, on a running site: pages, live stream and uploads of everybody go on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from archive import Archive, problem
from conftest import Device, beep, wait_until

from edge_worker.protocol import topics
from simulator.site.site import Site

WITHIN_S: Final = 60
PAGES: Final = (
    "/",
    "/ui/devices",
    "/ui/devices/st-01",
    "/ui/devices/st-02",
    "/ui/system",
    "/metrics",
    "/health",
)
IDS: Final = ("%C2%84", "+", "%23", "a%20b", "%EF%BF%BE", "%00", "x" * 300, "%0A", "st-01%0A")
RUBBISH: Final = (
    *(b"online", b"null", b"", b"[1]", b"\xff\xfe\x00", b"[" * 60_000, b'{"state":["online"],"boot":{}}'),
    *(b'{"state":{"a":1}}', b'{"state":"\\ud800"}', b'{"state":"online","boot":"a","x":NaN,"y":Infinity}'),
    *(b'{"state":"online","n":' + b"9" * 4000 + b"}", b'{"a":{"b":[1]}}', b'{"a":"\\ud800"}', b'{"a":1e999}'),
    *(b'{"firmware":"<script>alert(1)</script>"}', b'{"device_id":"st-02","state":"lost","boot":"FORGED"}'),
    json.dumps({f"k{k}": "v" * 100 for k in range(500)}).encode(),
)


def refuse(name: str) -> None:
    raise AssertionError(f"{name} in the stream")


def live(url: str) -> Iterator[dict[str, Any]]:
    """Yield the documents with which a live stream begins."""
    text = requests.get(f"{url}/api/v1/stream?seconds=1", timeout=WITHIN_S).text
    for line in text.splitlines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "), parse_constant=refuse)


@pytest.fixture
def url(site: Site) -> str:
    site.start_worker()
    return site.start_api()


def test_whatever_a_device_reports_harms_nobody(site: Site, url: str) -> None:
    def refused() -> float:
        text = requests.get(f"{url}/metrics", timeout=WITHIN_S).text
        return sum(
            float(row.split()[-1]) for row in text.splitlines() if row.startswith("stetho_mqtt_refused")
        )

    with Device(site, "st-01") as device, Device(site, "st-02") as neighbour:
        neighbour.publish(topics.state("st-02"), '{"state":"online","boot":"b"}', retain=True)
        for payload in RUBBISH:
            for topic in (topics.state("st-01"), topics.info("st-01"), topics.telemetry("st-01")):
                device.publish(topic, payload, retain=True)
        device.publish(topics.state("st-01"), '{"state":"recording","boot":"end"}', retain=True)
        wait_until(
            lambda: (
                {"device_id": "st-01", "state": "recording", "boot": "end"}.items()
                <= next((each for each in live(url) if each.get("device_id") == "st-01"), {}).items()
            ),
            "the last state of st-01",
        )
        told = {each["device_id"]: each for each in live(url) if "device_id" in each}
        assert told["st-02"] == {"device_id": "st-02", "state": "online", "boot": "b"}
        assert set(told["st-01"]) == {"device_id", "state", "boot", "info", "telemetry"}
        for page in PAGES:
            answer = requests.get(url + page, headers={"Accept": "text/html"}, timeout=WITHIN_S)
            assert (page, answer.status_code) == (page, 200)
            assert "<script>alert" not in answer.text
        assert refused() > 20


def test_battery_stacks_and_last_error_of_a_device_are_told(site: Site, url: str) -> None:
    said = {
        "stack_left": {"capture": 2400, "sys_evt": 1296, "odd": "x", "worse": None},
        "last_error": "wifi: no memory",
        "battery_percent": 12,
    }
    with Device(site, "st-01") as device, Device(site, "st-02") as other:
        device.publish(topics.state("st-01"), '{"state":"online","boot":"b"}', retain=True)
        device.publish(topics.telemetry("st-01"), json.dumps(said))
        for odd in ([1], {"a": {"b": 1}}, {"a": True}, 7, {}):
            other.publish(topics.telemetry("st-02"), json.dumps({"stack_left": odd}))
        other.publish(topics.telemetry("st-02"), json.dumps({"stack_left": {"a": 1.5}, "last": "one"}))

        def metrics() -> str:
            return requests.get(f"{url}/metrics", timeout=WITHIN_S).text

        wait_until(lambda: 'stack_left_bytes{device="st-01"} 1296.0' in metrics(), "the least that is left")
        page = requests.get(f"{url}/ui/devices/st-01", headers={"Accept": "text/html"}, timeout=WITHIN_S).text
        assert "<dt>stack left</dt><dd>capture 2400, sys_evt 1296, odd x</dd>" in page
        assert "<dt>last error</dt><dd>wifi: no memory</dd>" in page
        wait_until(
            lambda: "<dt>last</dt>" in requests.get(f"{url}/ui/devices/st-02", timeout=WITHIN_S).text,
            "the last",
        )
        assert 'stack_left_bytes{device="st-02"}' not in metrics()
        devices = requests.get(f"{url}/ui/devices", headers={"Accept": "text/html"}, timeout=WITHIN_S).text
        assert "● online, battery 12 %" in devices
        assert devices.count("battery") == 1


@pytest.mark.parametrize("address", IDS)
def test_an_id_that_nothing_can_have_is_a_404(tmp_path: Path, address: str) -> None:
    api = Archive(tmp_path).api()
    for path in ("", "/settings", "/report.pdf"):
        problem(api.get(f"/api/v1/devices/{address}{path}"), 404)
    problem(api.ask("DELETE", f"/api/v1/devices/{address}"), 404)
    problem(api.ask("DELETE", f"/api/v1/recordings/{address}"), 404)
    problem(api.get(f"/api/v1/exams/{address}"), 404)


def test_a_delete_of_such_an_id_leaves_the_connection_to_the_broker(site: Site, url: str) -> None:
    def analyse() -> int:
        how = {"data": beep(16_000), "headers": {"X-Sample-Rate": "8000"}}
        return requests.post(f"{url}/upload_audio?wait=40", timeout=WITHIN_S, **how).status_code  # type: ignore[arg-type]

    assert analyse() == 200
    assert requests.delete(f"{url}/api/v1/devices/%C2%84", timeout=WITHIN_S).status_code == 404
    assert analyse() == 200
    many = ",".join(["heart5"] * 9)
    refused = requests.post(f"{url}/upload_audio?model={many}", data=beep(16_000), timeout=WITHIN_S)
    assert refused.status_code == 400
