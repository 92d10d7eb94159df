"""Recordings through every part: stethoscope, broker, worker, models, database, history API."""

import json
import os
import re
import signal
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


def test_the_demo_shows_every_part_and_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo"],
        env={**os.environ, "DEMO_ONCE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "not a diagnosis" in done.stdout + done.stderr, "the screen of the OLED"
    assert done.stdout.count("stetho/v1/result/st-01 {") == 2
    assert done.stdout.count("(200)") == 2
    assert re.search(r"^dashboard +http://127\.0\.0\.1:\d+/$", done.stdout, re.MULTILINE), "the dashboard"
    assert "not a medical device" in done.stdout


def test_the_demo_serves_until_ctrl_c_and_leaves_no_process(tmp_path: Path) -> None:
    heart = tmp_path / "heart.wav"
    assert simulator("synth", "--bpm", "60", "--seconds", "3", "-o", str(heart)).returncode == 0
    environ = {key: value for key, value in os.environ.items() if key != "DEMO_ONCE"}
    log = tmp_path / "demo.log"
    # A background job of a shell ignores SIGINT, and so do the processes that its tests start.
    with_sigint = ["env", "--default-signal=INT"]
    with log.open("wb") as output:
        demo = subprocess.Popen(
            [*with_sigint, sys.executable, "-u", "-m", "simulator", "demo", str(heart)],
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal reaches the whole group; so does this SIGINT
        )
    try:
        wait_until(lambda: "Serving until Ctrl-C" in log.read_text(), "the demo", within_s=60)
        match = re.search(r"look up: (\S+)", log.read_text())
        assert match is not None
        assert len(get(match.group(1))["items"]) == 2, "the sound, and the same as a stream"
        os.killpg(demo.pid, signal.SIGINT)
        assert demo.wait(30) == 0
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()
    with pytest.raises(OSError, match="refused"):
        get(match.group(1))
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)


def test_the_demo_takes_a_file_and_refuses_one_that_is_not_audio(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("not a sound")
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo", str(path)],
        env={**os.environ, "DEMO_ONCE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 2
    assert "notes.wav" in done.stderr
    assert "Traceback" not in done.stderr
