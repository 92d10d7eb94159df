"""Recordings through every part: stethoscope, broker, worker, models, database, history API."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import wait_until

from simulator.site.site import Site

BAD_NETWORK = ("--loss", "0.2", "--duplicate", "0.2", "--reorder", "8", "--corrupt", "0.1", "--seed", "3")


def simulator(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def send(site: Site, path: Path, device_id: str, *options: str) -> dict[str, Any]:
    done = simulator(
        "send",
        str(path),
        "--device",
        device_id,
        "--port",
        str(site.broker.port),
        "--full",
        *options,
        STETHO_DEVICE_PASSWORD=site.add_device(device_id).password,
        STETHO_OPERATOR_USERNAME=site.operator.username,
        STETHO_OPERATOR_PASSWORD=site.operator.password,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def get(url: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_a_synthesised_heart_reaches_the_history_over_a_bad_network(site: Site, tmp_path: Path) -> None:
    heart = tmp_path / "heart.wav"
    assert simulator("synth", "--bpm", "72", "--finding", "normal", "-o", str(heart)).returncode == 0
    site.start_worker()
    history = site.start_api()
    result = send(site, heart, "st-01", *BAD_NETWORK)
    assert (result["completeness"], result["missing"]) == ("complete", [])
    assert result["quality"]["usable"] is True
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=4)
    assert get(f"{history}/api/v1/results?device=st-01")["items"] == [result]
    recording = get(history + result["links"]["self"])
    assert recording["result"] == result
    with urllib.request.urlopen(history + recording["links"]["audio"], timeout=10) as answer:
        assert answer.read()[-1000:] == heart.read_bytes()[-1000:], "the sound that was sent"

    def counted() -> dict[str, int]:
        counters: dict[str, int] = get(f"{history}/health")["components"]["worker"]["workers"][0]["counters"]
        return counters

    wait_until(lambda: counted().get("closed_complete") == 1, "the counters of the next heartbeat")
    assert counted()["rejected_crc"] > 0


@pytest.mark.parametrize(
    ("recording", "labels"),
    [
        ("pascal-heart/set_a/normal*.flac", {"artifact", "extrahls", "extrastole", "murmur", "normal"}),
        ("physionet2016/training-a/*.flac", {"artifact", "extrahls", "extrastole", "murmur", "normal"}),
    ],
)
def test_a_real_recording_has_a_result_in_the_history(
    site: Site, datasets: Path, recording: str, labels: set[str]
) -> None:
    path = sorted(datasets.glob(recording))[0]
    site.start_worker()
    history = site.start_api()
    result = send(site, path, "st-01")
    assert result["completeness"] == "complete"
    heart5, heart2 = result["models"]
    assert set(heart5["probabilities"]) == labels
    assert set(heart2["probabilities"]) == {"abnormal", "normal"}
    assert 0.5 < sum(heart5["probabilities"].values()) <= 1.001, "the rest is none of these"
    (item,) = get(f"{history}/api/v1/results?model=heart2&label={heart2['label']}")["items"]
    assert item == result
    health = get(f"{history}/health")
    assert health["status"] == "ok"
