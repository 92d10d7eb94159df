"""A site whose wall clock is 1970, right, an hour off and 2036: nothing is lost, and times are corrected."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import wait_until

from bench.chaos.wall_clock import WallClock
from broker.mosquitto import Broker
from simulator.site.process import Process
from simulator.site.site import Site
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples, write

WITHIN_S = 60
HOUR_S, TEN_YEARS_S = 3600, 10 * 365 * 86_400


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    clock = WallClock(tmp_path / "clock")
    for name, value in clock.environ.items():
        monkeypatch.setenv(name, value)
    return clock


@pytest.fixture
def heart(tmp_path: Path) -> bytes:
    sound = heart_sound("normal", 72.0, 2.0, 4000, 0)
    write(tmp_path / "heart.wav", from_samples(sound.samples, sound.sample_rate))
    return (tmp_path / "heart.wav").read_bytes()


def upload(url: str, heart: bytes) -> dict[str, Any]:
    """Upload a recording; return its result."""
    answer = requests.post(
        f"{url}/api/v1/recordings?wait=30",
        data=heart,
        headers={"Content-Type": "audio/wav"},
        timeout=WITHIN_S,
    )
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


def results(url: str) -> list[dict[str, Any]]:
    """Return all results, the one stored last first."""
    items: list[dict[str, Any]] = requests.get(f"{url}/api/v1/results", timeout=WITHIN_S).json()["items"]
    return items


def health(url: str, part: str) -> dict[str, Any]:
    document: dict[str, Any] = requests.get(f"{url}/health", timeout=WITHIN_S).json()["components"][part]
    return document


def restarted_api(site: Site) -> str:
    """Restart the history API, which was started last, and return its URL."""
    site.processes.pop().stop()
    return site.start_api()


def follow(url: str, heard: list[str]) -> threading.Thread:
    """Collect the results of the live stream until the server stops."""

    def read() -> None:
        with requests.get(f"{url}/api/v1/stream?seconds=60", stream=True, timeout=WITHIN_S) as answer:
            try:
                heard.extend(line for line in answer.iter_lines(1, True) if line == "event: result")
            except requests.RequestException:
                return

    thread = threading.Thread(target=read)
    thread.start()
    return thread


def test_a_clock_that_was_1970_and_is_2036_for_a_moment_loses_nothing(
    clock: WallClock, heart: bytes, tmp_path: Path
) -> None:
    clock.set_to(100.0)
    with Site(tmp_path / "site", {"STETHO_KEEP_DAYS": "30"}) as site:
        worker = site.start_worker()
        url = site.start_api()
        result = upload(url, heart)
        assert (result["captured_at"][:10], result["captured_at_source"]) == ("1970-01-01", "unsure")
        assert "1970-01-01" in health(url, "clock")["detail"]

        clock.move(0)
        wait_until(lambda: results(url)[0]["captured_at_source"] == "worker", "the corrected time", WITHIN_S)
        (corrected,) = results(url)
        age = datetime.now(UTC) - datetime.fromisoformat(corrected["captured_at"])
        assert 0 <= age.total_seconds() < WITHIN_S
        assert corrected["captured_at_claimed"] == result["captured_at"]
        assert health(url, "clock") == {"status": "ok"}

        heard: list[str] = []
        following = follow(url, heard)
        for seconds in (HOUR_S, -HOUR_S, 0):
            clock.move(seconds)
            assert health(url, "worker")["workers"][0]["is_fresh"]
            upload(url, heart)
        wait_until(lambda: len(heard) == 3, "the results in the live stream")

        clock.move(TEN_YEARS_S)
        url = restarted_api(site)
        following.join()
        wait_until(lambda: "2036" in health(url, "retention")["detail"], "retention")
        wait_until(lambda: "state=ahead" in worker.log, "the worker")
        assert len(results(url)) == 4
        during = upload(url, heart)
        assert (
            abs(datetime.now(UTC) - datetime.fromisoformat(during["captured_at"])).total_seconds() < WITHIN_S
        )

        clock.move(0)
        url = restarted_api(site)
        wait_until(lambda: health(url, "retention") == {"status": "ok"}, "retention")
        assert len(results(url)) == 5
        assert len(list(site.data_dir.glob("audio/*/*.wav"))) == 5
        assert "event=retention reason" not in site.processes[-1].log


def test_a_worker_whose_clock_says_1970_waits_for_a_certificate_that_is_valid_later(
    clock: WallClock, tmp_path: Path
) -> None:
    with Broker(tmp_path / "broker", tls=True) as broker:
        account = broker.add_user("worker")
        environ = {
            "STETHO_MQTT_HOST": "localhost",
            "STETHO_MQTT_PORT": str(broker.tls_port),
            "STETHO_MQTT_CA_FILE": str(broker.ca_path),
            "STETHO_MQTT_PASSWORD": account.password,
            "STETHO_DATA_DIR": str(tmp_path / "data"),
        }
        clock.set_to(100.0)
        worker = Process("edge_worker", environ, tmp_path / "worker.log")
        try:
            worker.wait_for("event=certificate_waits clock=1970-01-01T.*not yet valid")
            clock.move(0)
            worker.wait_for("event=ready")
            clock.move(TEN_YEARS_S)
            broker.stop()
            broker.start()
            worker.wait_for("event=certificate_waits clock=2036-.*has expired")
            clock.move(0)
            worker.wait_for("(?s)has expired.*event=ready")
        finally:
            worker.stop()
