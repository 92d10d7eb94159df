"""Events and models of a stream, through the real broker, worker, models, database and API."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Client, Device, rows, wait_until
from stream_playback import (
    NAME,
    RATE,
    SETTINGS,
    Pcm,
    change,
    get,
    heart,
    operator_client,
    stream,
)

from edge_worker.signal.gate import Gate, GateSettings
from simulator.site.site import Site
from simulator.sound.sound_file import read


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", SETTINGS) as running:
        yield running


def room(*parts: Pcm) -> Pcm:
    """Return sounds with two seconds of silence before, between and after them."""
    silence = np.zeros((2 * 16_000, 1), np.int16)
    return np.concatenate([silence, *(each for part in parts for each in (part, silence))])


def test_c4_each_sound_of_a_room_is_an_event_with_its_own_result(site: Site, datasets: Path) -> None:
    """Two real sounds in a stream, the worker killed after the first: two events, each once."""
    sounds = [
        read(path, 16_000).pcm[: 3 * 16_000] for path in sorted(datasets.glob("esc50/**/*-0.*"))[:2]
    ]  # dogs
    assert len(sounds) == 2
    loud = [np.clip(pcm.astype(np.float64) * 20_000 / np.abs(pcm).max(), -32768, 32767) for pcm in sounds]
    whole = room(*(pcm.astype(np.int16) for pcm in loud))
    expected = Gate(16_000, GateSettings()).feed(whole[:, 0])
    chunks = stream(whole, rate=16_000)
    worker = site.start_worker()
    api = site.start_api()
    change(worker, api, "room-01", {"models": ["esc50"], "gate": {"on": True}})
    with Device(site, "room-01") as device, operator_client(site) as operator:
        for chunk in chunks:
            if chunk.first_sample == 16_000 * 7:
                operator.wait_for("stetho/v1/result/room-01")
                worker.kill()
                worker = site.start_worker()
            device.send(chunk)
        full = operator.wait_for("stetho/v1/result/room-01", recording_id=NAME)
        events = {
            each["recording_id"]: each
            for each in operator.documents("stetho/v1/result/room-01")
            if each["recording_id"] != NAME
        }
        listed = operator.documents("stetho/v1/device/room-01/down/sounds")[-1]["sounds"]
    results = sorted(events.values(), key=lambda each: each["event"]["start"])
    assert len(results) == len(expected) == 2
    assert all(each["event"]["stream"] == NAME for each in results)
    assert [(each["event"]["start"], each["audio"]["samples"]) for each in results] == [
        (event.start, event.end - event.start) for event in expected
    ]
    sound = read(site.data_dir / "audio" / "room-01" / f"{results[0]['recording_id']}.wav")
    np.testing.assert_array_equal(sound.pcm, whole[expected[0].start : expected[0].end])
    assert [each["models"][0]["model"] for each in results] == ["esc50"] * len(results)
    assert any(each["models"][0]["accepted"] for each in results)
    assert len({each["captured_at"] for each in results}) == len(results)
    assert [each["model"] for each in full["models"]] in ([], ["esc50"])
    assert len(listed) == min(10, len(results))
    assert [each["at"] for each in listed] == sorted((each["captured_at"] for each in results), reverse=True)
    assert rows(site, "SELECT COUNT(*), COUNT(DISTINCT recording_id) FROM recordings") == [
        (len(results) + 1, len(results) + 1)
    ]
    assert rows(site, "SELECT COUNT(*) FROM recordings WHERE parent = '0000000000000abc'") == [
        (len(results),)
    ]
    with Client(
        site.broker, site.broker.add_user("operator", "late"), "stetho/v1/device/+/down/sounds"
    ) as late:
        late.wait_for("stetho/v1/device/room-01/down/sounds")
        for left, event in ((1, results[0]), (0, results[1])):
            delete(api, event)
            wait_for_sounds(late, left)


def delete(api: str, result: dict[str, Any]) -> None:
    """Delete the recording of a result."""
    with urllib.request.urlopen(urllib.request.Request(api + result["links"]["self"], method="DELETE")):
        pass


def wait_for_sounds(client: Client, count: int) -> None:
    """Wait until the last list has `count` sounds; an empty payload is an empty list."""

    def is_there() -> bool:
        payload = client.messages[-1].payload
        return len(json.loads(payload)["sounds"] if payload else []) == count

    wait_until(is_there, f"a list of {count} sounds")


def test_c4_spoken_digits_and_emotions_are_events_with_a_label(site: Site, datasets: Path) -> None:
    """Two devices that record voices: each word, and each sentence, is an event of its own."""
    spoken = {
        "digits": [f"fsdd/recordings/{digit}_george_0.flac" for digit in (8, 9, 2)],
        "emotion": ["ravdess/Actor_01/03-01-05-01-01-01-01.ogg"],
    }
    worker = site.start_worker()
    api = site.start_api()
    for model in spoken:
        change(worker, api, f"{model}-01", {"models": [model], "gate": {"on": True}})
    for model, names in spoken.items():
        sounds = [read(datasets / name, 16_000).pcm.astype(np.float64) for name in names]
        loud = [(pcm * 12_000 / np.abs(pcm).max()).astype(np.int16) for pcm in sounds]
        with Device(site, f"{model}-01") as device, operator_client(site) as operator:
            device.send_all(stream(room(*loud), rate=16_000))
            full = operator.wait_for(f"stetho/v1/result/{model}-01", recording_id=NAME)
            events = [each for each in operator.documents(f"stetho/v1/result/{model}-01") if "event" in each]
            shown = operator.documents(f"stetho/v1/device/{model}-01/down/sounds")[-1]["sounds"]
        assert [each["model"] for each in full["models"]] == [model]
        labels = [each["models"][0]["label"] for each in sorted(events, key=lambda e: e["event"]["start"])]
        expected = ["eight", "nine", "two"] if model == "digits" else ["angry"]
        assert labels == expected
        assert all(each["models"][0]["accepted"] for each in events)
        assert [each["label"] for each in shown] == expected[::-1]


def test_c4_a_sound_without_end_is_cut_into_events(site: Site) -> None:
    site._settings |= {"STETHO_GATE_MAX": "200", "STETHO_STREAM_AUDIO_S": "0"}
    worker = site.start_worker()
    api = site.start_api()
    change(worker, api, "room-01", {"models": ["us8k"], "gate": {"on": True}})
    time_s = np.arange(7 * RATE) / RATE
    tone = (9000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)[:, np.newaxis]
    with Device(site, "room-01") as device, operator_client(site) as operator:
        device.send_all(stream(tone))
        operator.wait_for("stetho/v1/result/room-01", recording_id=NAME)
        events = [each for each in operator.documents("stetho/v1/result/room-01") if "event" in each]
    assert [(each["event"]["start"] / RATE, each["audio"]["samples"] / RATE) for each in events] == [
        (0.0, 2.0),
        (2.0, 2.0),
        (4.0, 2.0),
        (6.0, 1.0),
    ]
    wait_until(lambda: not list((site.data_dir / "audio").rglob("*.wav")), "no sound to be stored")


def test_c6_models_of_a_device_change_while_its_stream_is_open(site: Site) -> None:
    worker = site.start_worker()
    api = site.start_api()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        chunks = stream(heart(16))
        device.send_all(chunks[:40])
        change(worker, api, "st-01", {"models": ["heart2"]})
        device.send_all(chunks[40:])
        full = operator.wait_for("stetho/v1/result/st-01")
    assert [(each["model"], each["windows"]) for each in full["models"]] == [("heart2", 13)]
    timeline = get(f"{api}/api/v1/recordings/{NAME}/timeline?device=st-01")["models"]
    assert len(timeline["heart5"]["points"]) in (4, 5), "until it was not requested any more"
