"""Server-sent events: from the history alone, and of a simulated device on a running site."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from archive import Api, Archive, problem

from edge_worker.protocol.chunk import LAST, PCM, Chunk, encode
from history_api.live import waveform
from history_api.live.event import Event
from history_api.live.event_backlog import EventBacklog
from simulator.site.site import Site

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

WITHIN_S = 60


def events(lines: Iterator[str]) -> Iterator[tuple[str | None, str, Any]]:
    """Yield id, kind and document of each event."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields.get("id"), fields["event"], json.loads(fields["data"])
            fields = {}
        else:
            fields = {}


def read(api: Api, address: str, **headers: str) -> list[tuple[str | None, str, Any]]:
    answer = api.get(address, **headers)
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    return list(events(iter(answer.get_data(as_text=True).split("\n"))))


def test_after_an_event_id_come_the_later_results_in_order(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    made = [archive.add(number, f"st-0{number}") for number in (1, 2, 3)]
    api = archive.api()
    everything = read(api, "/api/v1/stream?seconds=1&last=0")
    assert [document for _, _, document in everything] == [result.document() for result in made]
    first = everything[0][0]
    assert first is not None
    assert read(api, "/api/v1/stream?seconds=1", Last_Event_ID=first) == everything[1:]
    assert read(api, "/api/v1/stream?seconds=1&last=0&device=st-02") == everything[1:2]
    assert read(api, "/api/v1/stream?seconds=1") == []


def test_results_come_in_the_order_in_which_they_were_made_though_the_clock_jumped(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    waiting = [archive.add(number, is_analysed=False) for number in range(1, 5)]
    api = archive.api()
    times = ("2026-11-20T08:00:00.000Z", "2036-02-07T06:28:16.000Z", "1970-01-01T00:01:40.000Z", "")
    seen = "0"
    for result, analysed_at in zip(waiting, times, strict=True):
        archive.save(result, analysed_at)
        ((number, kind, document),) = read(api, "/api/v1/stream?seconds=1", Last_Event_ID=seen)
        assert (kind, document) == ("result", result.document())
        assert number is not None
        seen = number


def test_the_number_of_a_deleted_result_is_not_given_again(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(1)
    api = archive.api()
    ((seen, _, _),) = read(api, "/api/v1/stream?seconds=1&last=0")
    assert api.ask("DELETE", f"/api/v1/recordings/{1:016x}?device=st-01").status_code == 204
    made = archive.add(2)
    ((number, _, document),) = read(api, "/api/v1/stream?seconds=1", Last_Event_ID=str(seen))
    assert (document, number != seen) == (made.document(), True)


def test_ids_of_earlier_versions_and_of_another_database_go_on_here(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(1)
    second = archive.add(2)
    api = archive.api()
    earlier = read(api, "/api/v1/stream?seconds=1&last=2036-02-07T06:28:16.000Z/1")
    assert [document for _, _, document in earlier] == [second.document()]
    assert read(api, "/api/v1/stream?seconds=1&last=2026-11-20T08:00:00.000Z/99") == []
    assert read(api, "/api/v1/stream?seconds=1&last=4711") == [], "the number is above all others"


def test_a_late_result_of_an_early_recording_is_not_missed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    slow = archive.add(1, is_analysed=False)
    archive.add(2)
    api = archive.api()
    seen = read(api, "/api/v1/stream?seconds=1&last=0")[-1][0]
    assert seen is not None
    archive.save(slow, "2026-11-20T08:00:01.000Z")
    assert [each["recording_id"] for _, _, each in read(api, f"/api/v1/stream?seconds=1&last={seen}")] == [
        slow.recording_id
    ]


@pytest.mark.parametrize("last", ["x", "/", "-1", "2026/1e5", "9" * 30])
def test_a_malformed_event_id_is_refused(tmp_path: Path, last: str) -> None:
    answer = Archive(tmp_path).api().get(f"/api/v1/stream?last={last}")
    assert "no id of an event" in problem(answer, 400)["detail"]


def test_the_number_of_streams_is_bounded_and_a_closed_one_makes_room(tmp_path: Path) -> None:
    api = Archive(tmp_path).api()
    opened = [api.get("/api/v1/stream") for _ in range(32)]  # twice STETHO_API_LONG, without keys
    assert {answer.status_code for answer in opened} == {200}
    assert problem(api.get("/api/v1/stream"), 429)
    for answer in opened:
        answer.close()
    assert read(api, "/api/v1/stream?seconds=1") == []


def test_peaks_are_lowest_and_highest_values_of_the_first_channel() -> None:
    body = b"".join(value.to_bytes(2, "little", signed=True) for value in [100, 0, -32768, 0, 16384, 0] * 20)
    chunk = Chunk(PCM, LAST, 2, 2000, 1, 1000, 60, body)
    envelope = waveform.peaks(encode(chunk))
    assert envelope is not None
    assert (envelope["start_s"], envelope["step_s"], envelope["is_last"]) == (0.5, 0.01, True)
    assert (envelope["low"], envelope["high"]) == ([-1.0] * 3, [0.5] * 3)
    assert waveform.peaks(b"garbage") is None


def test_events_that_wait_for_a_client_are_bounded_in_number_and_in_bytes() -> None:
    backlog = EventBacklog(most_events=3, most_bytes=200)
    for number in range(5):
        backlog.put(Event("live", {"n": number}))
    assert [getattr(backlog.get(0), "text", None) for _ in range(4)] == [
        *(f'event: live\ndata: {{"n":{number}}}\n\n' for number in (2, 3, 4)),
        None,
    ]
    for number in range(3):
        backlog.put(Event("sound", {"n": number, "low": "x" * 100}))
    kept = backlog.get(0)
    assert kept is not None
    assert (kept.kind, '"n":2' in kept.text, backlog.get(0)) == ("sound", True, None)
    backlog.put(Event("sound", {"low": "x" * 300}))
    assert backlog.get(0) is None
    backlog.put(Event("live", {}))
    assert backlog.get(0) is not None


def test_c6_a_recording_device_is_seen_live(tmp_path: Path) -> None:
    with Site(tmp_path / "site") as site:
        site.start_worker()
        url = site.start_api()
        device = site.add_device("st-01")
        with requests.get(f"{url}/api/v1/stream?seconds=40", stream=True, timeout=WITHIN_S) as answer:
            lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
            coming = events(lines)
            kind, said = next((kind, said) for _, kind, said in coming if kind == "worker")
            assert said["state"] == "ready"
            sound = tmp_path / "heart.wav"
            simulator = [sys.executable, "-m", "simulator"]
            subprocess.run(
                [*simulator, "synth", "--seconds", "4", "-o", str(sound)], check=True, capture_output=True
            )
            send = [*simulator, "send", str(sound), "--device", "st-01", "--port", str(site.broker.port)]
            subprocess.run(
                [*send, "--password", device.password, "--exam", "visit-7", "--site", "MV"],
                check=True,
                capture_output=True,
            )
            seen: dict[str, Any] = {}
            for _, kind, said in coming:
                seen.setdefault(f"{kind} {said.get('state', '')}".strip(), said)
                if {"result", "exam"} <= seen.keys():
                    break
        assert {"device online", "device recording", "sound", "result"} <= set(seen)
        assert seen["sound"]["recording_id"] == seen["result"]["recording_id"]
        assert (seen["exam"]["exam"], seen["exam"]["missing"]) == ("visit-7", ["AV", "PV", "TV"])
        assert seen["exam"]["device_id"] == "st-01"
        assert max(seen["sound"]["high"]) > 0
