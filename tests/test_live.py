"""Answers while the sound still comes, through the real parts: broker, worker, models, database."""

import json
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import Client, Device, rows, wait_until

from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk
from edge_worker.signal.gate import Gate, GateSettings
from simulator.site.process import Process
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples, read

RATE = 4000
ID = 0xABC
NAME = "0000000000000abc"

Pcm = npt.NDArray[np.int16]


@pytest.fixture
def site(tmp_path: Path) -> Any:  # noqa: ANN401 - a generator of a site
    settings = {
        "STETHO_GIVE_UP_S": "3",
        "STETHO_MISSING_AFTER_S": "0.2",
        "STETHO_STREAM_GAP_S": "0.6",
        "STETHO_STREAM_GIVE_UP_S": "3",
        "STETHO_STREAM_AUDIO_S": "10",
    }
    with Site(tmp_path / "site", settings) as running:
        yield running


def heart(seconds: float, rate: int = RATE, bpm: float = 72) -> Pcm:
    return from_samples(synthesise("normal", bpm, seconds, rate, 1), rate).pcm


def stream(pcm: Pcm, *, last: bool = True, rate: int = RATE, recording_id: int = ID) -> list[Chunk]:
    size = rate // 5
    return [
        Chunk(
            codec.PCM,
            codec.STREAM | (codec.LAST if last and start + size >= len(pcm) else 0),
            1,
            rate,
            recording_id,
            start,
            min(size, len(pcm) - start),
            pcm[start : start + size].astype("<i2").tobytes(),
        )
        for start in range(0, len(pcm), size)
    ]


def meta(document: dict[str, Any], recording_id: int = ID, rate: int = RATE) -> Chunk:
    body = json.dumps(document).encode()
    return Chunk(codec.META, codec.STREAM, 1, rate, recording_id, 0, len(body), body)


def play(device: Device, chunks: list[Chunk], speed: float = 1.0) -> None:
    """Send chunks as they would be recorded."""
    began = time.monotonic()
    for chunk in chunks:
        due = began + (chunk.end - chunks[0].first_sample) / chunk.sample_rate / speed
        time.sleep(max(0.0, due - time.monotonic()))
        device.send(chunk)


def lives(device: Device) -> list[dict[str, Any]]:
    return device.documents(f"stetho/v1/device/{device.device_id}/down/live")


def operator(site: Site) -> Client:
    return Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/device/+/down/sounds")


def test_e8_a_person_hears_of_heart_rate_and_label_while_the_stream_goes_on(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator(site) as ear:
        *chunks, last = stream(heart(12))
        play(device, chunks)
        during = lives(device)
        assert ear.messages == [], "the result comes with the end"
        assert len(during) >= 20, "twice a second"
        assert all(value["recording_id"] == NAME and len(value["hint"]) <= 21 for value in during)
        assert max(len(m.payload) for m in device.messages if m.topic.endswith("/live")) <= 256
        assert during[0]["bpm"] is None
        assert during[-1]["bpm"] == pytest.approx(72, abs=3)
        assert during[-1]["hint"] == f"HR {during[-1]['bpm']} good"
        assert (during[-1]["model"], during[-1]["label"]) == ("heart5", "normal")
        assert during[-1]["quality"] > 0.5
        device.send(last)
        full = ear.wait_for("stetho/v1/result/st-01")
        receipt = device.wait_for("stetho/v1/device/st-01/down/control", type="stored")
    assert receipt["completeness"] == full["completeness"] == "complete"
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


def test_e8_an_ordinary_recording_has_live_values_while_it_is_open(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device:
        chunks = [each._replace(flags=each.flags & ~codec.STREAM) for each in stream(heart(6))]
        play(device, chunks)
        device.wait_for("stetho/v1/device/st-01/down/result")
        values = lives(device)
    assert len(values) >= 8
    assert values[-1]["hint"] == f"HR {values[-1]['bpm']} good"
    assert all(value["label"] is None for value in values)


def test_kill_9_in_the_middle_of_a_stream_changes_nothing_of_its_result(site: Site) -> None:
    worker = site.start_worker()
    pcm = heart(60)
    chunks = stream(pcm)
    with Device(site, "st-01") as device, operator(site) as ear:
        for number, chunk in enumerate(chunks):
            if number in (7, 150, 151, 270):
                worker.kill()
                device.send(chunk)
                worker = site.start_worker()
            else:
                device.send(chunk)
        full = ear.wait_for("stetho/v1/result/st-01")
    assert (full["completeness"], full["missing"]) == ("complete", [])
    assert full["audio"]["samples"] == len(pcm)
    assert [each["windows"] for each in full["models"]] == [57, 57]
    assert full["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert rows(site, "SELECT COUNT(*) FROM recordings") == [(1,)]
    np.testing.assert_array_equal(
        read(site.data_dir / "audio" / "st-01" / f"{NAME}.wav").pcm, pcm[50 * RATE :]
    )


def test_a_stream_that_stops_without_last_is_partial_and_has_its_result(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator(site) as ear:
        device.send_all(stream(heart(6), last=False))
        asked = device.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        assert asked["ranges"] == [[6 * RATE, None]]
        full = ear.wait_for("stetho/v1/result/st-01")
    assert (full["completeness"], full["stream"]["ended_by"]) == ("partial", "silence")
    assert full["models"][0]["windows"] == 3


def test_another_rate_in_the_middle_is_refused_and_the_stream_goes_on(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator(site) as ear:
        chunks = stream(heart(8))
        for number, chunk in enumerate(chunks):
            device.send(chunk._replace(sample_rate=8000) if number == 10 else chunk)
            if number == 12:
                device.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        refused = device.wait_for("stetho/v1/device/st-01/down/control", type="rejected")
        full = ear.wait_for("stetho/v1/result/st-01")
    assert refused["reason"] == "contradiction"
    assert full["missing"] == [[8000, 8800]]
    assert full["completeness"] == "partial"
    assert full["stream"]["missing_samples"] == 800


def test_a_clock_that_jumps_moves_no_sound(site: Site) -> None:
    """The device's clock says 1999, and its sample counter jumps by ten hours in the middle."""
    site.start_worker()
    with Device(site, "st-01") as device, operator(site) as ear:
        device.send(meta({"captured_at": "1999-12-31T23:59:59Z"}))
        pcm = heart(12)
        first, second = stream(pcm[: 6 * RATE], last=False), stream(pcm[6 * RATE :])
        far = 36_000 * RATE
        device.send_all(first)
        device.send_all([chunk._replace(first_sample=chunk.first_sample + far) for chunk in second])
        full = ear.wait_for("stetho/v1/result/st-01")
        times = [value["t_s"] for value in lives(device)]
    assert full["captured_at"] == "1999-12-31T23:59:59.000Z"
    assert full["missing"] == [[6 * RATE, far]]
    assert full["models"][0]["windows"] == 6, "three on each side of the gap, none in ten hours of nothing"
    assert times == sorted(times)


def test_a_stream_and_a_recording_of_one_device_do_not_disturb_each_other(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator(site) as ear:
        plain = [
            each._replace(flags=each.flags & ~codec.STREAM)
            for each in stream(heart(5, bpm=100), recording_id=0xDEF)
        ]
        for one, other in zip(stream(heart(5)), plain, strict=True):
            device.send(one)
            device.send(other)
        of_stream = ear.wait_for("stetho/v1/result/st-01", recording_id=NAME)
        of_plain = ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000def")
    assert of_stream["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert of_plain["heart_rate_bpm"] == pytest.approx(100, abs=4)
    assert "stream" in of_stream
    assert "stream" not in of_plain


def room(*parts: Pcm) -> Pcm:
    """Sounds with two seconds of near silence around each."""
    silence = np.zeros((2 * 16_000, 1), np.int16)
    return np.concatenate([silence, *(each for part in parts for each in (part, silence))])


def put(url: str, document: dict[str, Any]) -> None:
    request = urllib.request.Request(
        url, json.dumps(document).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def change(worker: Process, api: str, device_id: str, settings: dict[str, Any]) -> None:
    """Set what a device gets, and wait until the worker does so: two changes at once are one to it."""
    before = worker.log.count("event=devices_changed")
    put(f"{api}/api/v1/devices/{device_id}/settings", settings)
    wait_until(lambda: worker.log.count("event=devices_changed") > before, "the worker to follow")


def get(url: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_c4_each_sound_of_a_room_is_an_event_with_its_own_result(site: Site, datasets: Path) -> None:
    """Two real sounds in a stream, the worker killed after the first: two events, each once."""
    sounds = [
        read(path, 16_000).pcm[: 3 * 16_000] for path in sorted(datasets.glob("esc50/**/*-0.*"))[:2]
    ]  # dogs
    assert len(sounds) == 2
    loud = [np.clip(pcm.astype(np.float64) * 20_000 / np.abs(pcm).max(), -32768, 32767) for pcm in sounds]
    whole = room(*(pcm.astype(np.int16) for pcm in loud))
    wanted = Gate(16_000, GateSettings()).feed(whole[:, 0])
    chunks = stream(whole, rate=16_000)
    worker = site.start_worker()
    api = site.start_api()
    change(worker, api, "room-01", {"models": ["esc50"], "gate": {"on": True}})
    with Device(site, "room-01") as device, operator(site) as ear:
        for chunk in chunks:
            if chunk.first_sample == 16_000 * 7:
                ear.wait_for("stetho/v1/result/room-01")
                worker.kill()
                worker = site.start_worker()
            device.send(chunk)
        full = ear.wait_for("stetho/v1/result/room-01", recording_id=NAME)
        events = {
            each["recording_id"]: each
            for each in ear.documents("stetho/v1/result/room-01")
            if each["recording_id"] != NAME
        }
        heard = ear.documents("stetho/v1/device/room-01/down/sounds")[-1]["sounds"]
    found = sorted(events.values(), key=lambda each: each["event"]["start"])
    assert len(found) == len(wanted) == 2
    assert all(each["event"]["stream"] == NAME for each in found)
    assert [(each["event"]["start"], each["audio"]["samples"]) for each in found] == [
        (event.start, event.end - event.start) for event in wanted
    ]
    sound = read(site.data_dir / "audio" / "room-01" / f"{found[0]['recording_id']}.wav")
    np.testing.assert_array_equal(sound.pcm, whole[wanted[0].start : wanted[0].end])
    assert [each["models"][0]["model"] for each in found] == ["esc50"] * len(found)
    assert any(each["models"][0]["accepted"] for each in found)
    assert len({each["captured_at"] for each in found}) == len(found)
    assert [each["model"] for each in full["models"]] in ([], ["esc50"])
    assert len(heard) == min(10, len(found))
    assert [each["at"] for each in heard] == sorted((each["captured_at"] for each in found), reverse=True)
    assert rows(site, "SELECT COUNT(*), COUNT(DISTINCT recording_id) FROM recordings") == [
        (len(found) + 1, len(found) + 1)
    ]
    assert rows(site, "SELECT COUNT(*) FROM recordings WHERE parent = '0000000000000abc'") == [(len(found),)]
    with Client(
        site.broker, site.broker.add_user("operator", "late"), "stetho/v1/device/+/down/sounds"
    ) as late:
        late.wait_for("stetho/v1/device/room-01/down/sounds")
        for left, event in ((1, found[0]), (0, found[1])):
            delete(api, event)
            wait_for_sounds(late, left)


def delete(api: str, result: dict[str, Any]) -> None:
    """Delete the recording of a result."""
    with urllib.request.urlopen(urllib.request.Request(api + result["links"]["self"], method="DELETE")):
        pass


def wait_for_sounds(client: Client, count: int) -> None:
    """Wait until the list that came last has so many sounds; one that was taken back has none."""

    def is_there() -> bool:
        payload = client.messages[-1].payload
        return len(json.loads(payload)["sounds"] if payload else []) == count

    wait_until(is_there, f"a list of {count} sounds")


def test_c4_spoken_digits_and_emotions_are_events_with_a_label(site: Site, datasets: Path) -> None:
    """Two devices that listen to voices: each word, and each sentence, is an event of its own."""
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
        with Device(site, f"{model}-01") as device, operator(site) as ear:
            device.send_all(stream(room(*loud), rate=16_000))
            full = ear.wait_for(f"stetho/v1/result/{model}-01", recording_id=NAME)
            events = [each for each in ear.documents(f"stetho/v1/result/{model}-01") if "event" in each]
            shown = ear.documents(f"stetho/v1/device/{model}-01/down/sounds")[-1]["sounds"]
        assert [each["model"] for each in full["models"]] == [model]
        labels = [each["models"][0]["label"] for each in sorted(events, key=lambda e: e["event"]["start"])]
        wanted = ["eight", "nine", "two"] if model == "digits" else ["angry"]
        assert labels == wanted
        assert all(each["models"][0]["accepted"] for each in events)
        assert [each["label"] for each in shown] == wanted[::-1]


def test_c4_a_gate_that_never_closes_is_cut_into_events(site: Site) -> None:
    site._settings |= {"STETHO_GATE_MAX": "200", "STETHO_STREAM_AUDIO_S": "0"}
    worker = site.start_worker()
    api = site.start_api()
    change(worker, api, "room-01", {"models": ["us8k"], "gate": {"on": True}})
    time_s = np.arange(7 * RATE) / RATE
    tone = (9000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)[:, np.newaxis]
    with Device(site, "room-01") as device, operator(site) as ear:
        device.send_all(stream(tone))
        ear.wait_for("stetho/v1/result/room-01", recording_id=NAME)
        events = [each for each in ear.documents("stetho/v1/result/room-01") if "event" in each]
    assert [(each["event"]["start"] / RATE, each["audio"]["samples"] / RATE) for each in events] == [
        (0.0, 2.0),
        (2.0, 2.0),
        (4.0, 2.0),
        (6.0, 1.0),
    ]
    wait_until(lambda: not list((site.data_dir / "audio").rglob("*.wav")), "that no sound is kept")


def test_c6_models_of_a_device_change_while_its_stream_goes_on(site: Site) -> None:
    worker = site.start_worker()
    api = site.start_api()
    with Device(site, "st-01") as device, operator(site) as ear:
        chunks = stream(heart(16))
        device.send_all(chunks[:40])
        change(worker, api, "st-01", {"models": ["heart2"]})
        device.send_all(chunks[40:])
        full = ear.wait_for("stetho/v1/result/st-01")
    assert [(each["model"], each["windows"]) for each in full["models"]] == [("heart2", 13)]
    timeline = get(f"{api}/api/v1/recordings/{NAME}/timeline?device=st-01")["models"]
    assert len(timeline["heart5"]["points"]) in (4, 5), "until it was asked no longer"


def test_e8_the_dashboard_hears_live_values_as_events(site: Site, tmp_path: Path) -> None:
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
    said = (tmp_path / "site" / "history_api.log").read_text()
    assert "event=connected" in said
    assert "event=disconnected" not in said, "a value of QoS 0 was acknowledged"
