"""Live values and results of streams, through the real broker, worker, models and database."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Device, rows, wait_until
from stream_playback import (
    NAME,
    RATE,
    SETTINGS,
    heart,
    live_values,
    meta,
    operator_client,
    play,
    stream,
)

from edge_worker.protocol import chunk as codec
from simulator.site.site import Site
from simulator.sound.sound_file import read


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", SETTINGS) as running:
        yield running


def test_e8_heart_rate_and_label_are_published_while_the_stream_is_open(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        *chunks, last = stream(heart(12))
        play(device, chunks)
        during = live_values(device)
        assert operator.messages == [], "the result comes with the end"
        assert len(during) >= 20, "twice a second"
        assert all(value["recording_id"] == NAME and len(value["hint"]) <= 21 for value in during)
        assert max(len(m.payload) for m in device.messages if m.topic.endswith("/live")) <= 256
        assert during[0]["bpm"] is None
        assert during[-1]["bpm"] == pytest.approx(72, abs=3)
        assert during[-1]["hint"] == f"HR {during[-1]['bpm']} good"
        assert (during[-1]["model"], during[-1]["label"]) == ("heart5", "normal")
        assert during[-1]["quality"] > 0.5
        device.send(last)
        full = operator.wait_for("stetho/v1/result/st-01")
        stored = device.wait_for("stetho/v1/device/st-01/down/control", type="stored")
    assert stored["completeness"] == full["completeness"] == "complete"
    assert full["audio"]["samples"] == 12 * RATE
    assert full["stream"] == {
        "ended_by": "last",
        "audio_start": 2 * RATE,
        "missing_samples": 0,
        "skipped_windows": 0,
    }
    assert {each["model"]: each["windows"] for each in full["models"]} == {"heart5": 9, "heart2": 9}
    assert full["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert rows(site, "SELECT status, samples, audio_start FROM recordings") == [
        (full["status"], 12 * RATE, 2 * RATE)
    ]
    ((timeline,),) = rows(site, "SELECT document FROM timelines")
    assert len(json.loads(timeline)["models"]["heart5"]["points"]) == 9
    sound = read(site.data_dir / "audio" / "st-01" / f"{NAME}.wav")
    np.testing.assert_array_equal(sound.pcm, heart(12)[2 * RATE :])
    wait_until(lambda: not list((site.data_dir / "spool").rglob("*.chunks")), "an empty spool")


def test_e8_an_open_recording_has_live_values(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device:
        chunks = [each._replace(flags=each.flags & ~codec.STREAM) for each in stream(heart(6))]
        play(device, chunks)
        device.wait_for("stetho/v1/device/st-01/down/result")
        values = live_values(device)
    assert len(values) >= 4
    assert values[-1]["hint"] == f"HR {values[-1]['bpm']} good"
    assert all(value["label"] is None for value in values)


def test_kill_9_in_the_middle_of_a_stream_does_not_change_its_result(site: Site) -> None:
    worker = site.start_worker()
    pcm = heart(60)
    chunks = stream(pcm)
    with Device(site, "st-01") as device, operator_client(site) as operator:
        for number, chunk in enumerate(chunks):
            if number in (7, 150, 151, 270):
                worker.kill()
                device.send(chunk)
                worker = site.start_worker()
            else:
                device.send(chunk)
        full = operator.wait_for("stetho/v1/result/st-01")
    assert (full["completeness"], full["missing"]) == ("complete", [])
    assert full["audio"]["samples"] == len(pcm)
    assert [each["windows"] for each in full["models"]] == [57, 57]
    assert full["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert rows(site, "SELECT COUNT(*) FROM recordings") == [(1,)]
    np.testing.assert_array_equal(
        read(site.data_dir / "audio" / "st-01" / f"{NAME}.wav").pcm, pcm[50 * RATE :]
    )


def test_a_stream_that_stops_without_last_is_partial(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        device.send_all(stream(heart(6), last=False))
        request = device.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        assert request["ranges"] == [[6 * RATE, None]]
        full = operator.wait_for("stetho/v1/result/st-01")
    assert (full["completeness"], full["stream"]["ended_by"]) == ("partial", "silence")
    assert full["models"][0]["windows"] == 3


def test_a_chunk_of_another_sample_rate_is_refused_and_the_stream_continues(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        chunks = stream(heart(8))
        for number, chunk in enumerate(chunks):
            device.send(chunk._replace(sample_rate=8000) if number == 10 else chunk)
            if number == 12:
                device.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        refused = device.wait_for("stetho/v1/device/st-01/down/control", type="rejected")
        full = operator.wait_for("stetho/v1/result/st-01")
    assert refused["reason"] == "contradiction"
    assert full["missing"] == [[8000, 8800]]
    assert full["completeness"] == "partial"
    assert full["stream"]["missing_samples"] == 800


def test_a_jump_of_the_sample_counter_moves_no_sound(site: Site) -> None:
    """The clock of the device says 1999, and its sample counter jumps by ten hours in the middle."""
    site.start_worker()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        device.send(meta({"captured_at": "1999-12-31T23:59:59Z"}))
        pcm = heart(12)
        first, second = stream(pcm[: 6 * RATE], last=False), stream(pcm[6 * RATE :])
        far = 36_000 * RATE
        device.send_all(first)
        device.send_all([chunk._replace(first_sample=chunk.first_sample + far) for chunk in second])
        full = operator.wait_for("stetho/v1/result/st-01")
        times = [value["t_s"] for value in live_values(device)]
    assert full["captured_at_claimed"] == "1999-12-31T23:59:59.000Z"
    assert full["captured_at_source"] == "worker"
    assert full["missing"] == [[6 * RATE, far]]
    assert full["models"][0]["windows"] == 6, "three on each side of the gap, none in ten hours of nothing"
    assert times == sorted(times)


def test_a_stream_and_a_recording_of_one_device_do_not_disturb_each_other(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        plain = [
            each._replace(flags=each.flags & ~codec.STREAM)
            for each in stream(heart(5, bpm=100), recording_id=0xDEF)
        ]
        for one, other in zip(stream(heart(5)), plain, strict=True):
            device.send(one)
            device.send(other)
        of_stream = operator.wait_for("stetho/v1/result/st-01", recording_id=NAME)
        of_plain = operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000def")
    assert of_stream["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert of_plain["heart_rate_bpm"] == pytest.approx(100, abs=4)
    assert "stream" in of_stream
    assert "stream" not in of_plain


def test_e8_the_dashboard_receives_live_values_as_server_sent_events(site: Site, tmp_path: Path) -> None:
    site.start_worker()
    api = site.start_api()
    seen: list[dict[str, Any]] = []

    def follow() -> None:
        with urllib.request.urlopen(f"{api}/api/v1/stream?device=st-01&seconds=20", timeout=30) as answer:
            kind = ""
            for raw in answer:
                text = raw.decode().strip()
                if text.startswith("event:"):
                    kind = text.partition(":")[2].strip()
                elif text.startswith("data:") and kind == "live":
                    seen.append(json.loads(text.partition(":")[2]))

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    with Device(site, "st-01") as device:
        play(device, stream(heart(6), last=False))
        wait_until(lambda: seen and seen[-1]["bpm"], "a heart rate on the stream, before the end")
    assert seen[-1]["device_id"] == "st-01"
    assert seen[-1]["bpm"] == pytest.approx(72, abs=3)
    log = (tmp_path / "site" / "history_api.log").read_text()
    assert "event=connected" in log
    assert "event=disconnected" not in log, "a value of QoS 0 was acknowledged"
