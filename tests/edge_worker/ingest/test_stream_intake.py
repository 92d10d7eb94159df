"""Reception of streams on a real spool: order, gaps, ends, restarts, and that nothing of it grows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ControlMessage, IntakeEvent, StreamAudio, StreamEnd
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.protocol.result import Completeness
from edge_worker.settings import Settings

RATE = 4000
LIMITS = Settings(stream_give_up_s=30.0, stream_gap_s=2.0, missing_after_s=0.5, max_open_per_device=2)


class Bench:
    """An intake on a spool of its own, with a clock that only moves when told."""

    def __init__(self, directory: Path, limits: Settings = LIMITS) -> None:
        self.directory, self.limits, self.now = directory, limits, 0.0
        self.stored: dict[tuple[str, str], Completeness] = {}
        self.heard = bytearray()
        self.restart()

    def restart(self) -> list[IntakeEvent]:
        self.intake = Intake(
            Spool(self.directory), self.limits, lambda device, name: self.stored.get((device, name))
        )
        events = self.intake.load(self.now)
        self.heard.clear()
        return self.hear([*events, *self.intake.load_streams(self.now)])

    def send(self, chunk: Chunk, device_id: str = "st-01") -> list[IntakeEvent]:
        return self.hear(self.intake.receive(device_id, encode(chunk), self.now))

    def wait(self, seconds: float) -> list[IntakeEvent]:
        self.now += seconds
        return self.hear(self.intake.check_timeouts(self.now))

    def hear(self, events: list[IntakeEvent]) -> list[IntakeEvent]:
        """Lay the pieces one after the other, zeros where something never came."""
        for event in events:
            if isinstance(event, StreamAudio):
                self.heard.extend(bytes(event.first_sample * 2 - len(self.heard)))
                self.heard.extend(event.body)
        return [event for event in events if not isinstance(event, StreamAudio)]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.rglob("*") if path.is_file())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "spool")


def sound(samples: int) -> bytes:
    return np.random.default_rng(samples).integers(-9000, 9000, samples).astype("<i2").tobytes()


def cut(pcm: bytes, size: int = 500, *, last: bool = True, recording_id: int = 7) -> list[Chunk]:
    total = len(pcm) // 2
    return [
        Chunk(
            codec.PCM,
            codec.STREAM | (codec.LAST if last and start + size >= total else 0),
            1,
            RATE,
            recording_id,
            start,
            min(size, total - start),
            pcm[2 * start : 2 * min(start + size, total)],
        )
        for start in range(0, total, size)
    ]


def documents(events: list[IntakeEvent]) -> list[dict[str, object]]:
    return [event.document for event in events if isinstance(event, ControlMessage)]


def test_a_stream_is_handed_on_as_it_comes_and_ends_with_last(bench: Bench) -> None:
    pcm = sound(5000)
    *chunks, last = cut(pcm)
    for number, chunk in enumerate(chunks, 1):
        assert bench.send(chunk) == []
        assert bytes(bench.heard) == pcm[: 1000 * number], "at once, not with its end"
    (end,) = bench.send(last)
    assert isinstance(end, StreamEnd)
    assert end.is_ended
    assert bytes(bench.heard) == pcm


@hypothesis_settings(max_examples=40)
@given(order=st.permutations(range(10)), twice=st.sets(st.integers(0, 9)), kills=st.sets(st.integers(0, 19)))
def test_order_duplicates_and_kills_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], twice: set[int], kills: set[int]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("spool"))
    pcm = sound(5000)
    chunks = cut(pcm)
    ends: list[IntakeEvent] = []
    for position, number in enumerate(each for each in order for _ in range(1 + (each in twice))):
        ends += bench.send(chunks[number])
        if position in kills and not ends:
            ends += bench.restart()
    assert [isinstance(end, StreamEnd) and end.is_ended for end in ends] == [True]
    assert bytes(bench.heard) == pcm


def test_what_is_missing_is_asked_for_and_then_a_gap(bench: Bench) -> None:
    pcm = sound(3000)
    chunks = cut(pcm, last=False)
    bench.send(chunks[0])
    bench.send(chunks[2])
    assert bench.wait(0.4) == []
    (asked,) = documents(bench.wait(0.2))
    assert asked == {"type": "missing", "recording_id": "0000000000000007", "ranges": [[500, 1000]]}
    bench.send(chunks[3])
    assert bytes(bench.heard) == pcm[:1000], "what comes after it waits"
    assert bench.wait(1.5) == []
    assert bytes(bench.heard) == pcm[:1000] + bytes(1000) + pcm[2000:4000]
    bench.send(chunks[1]._replace(flags=codec.STREAM | codec.RESEND))
    assert bench.intake.counts["duplicates"] == 1, "too late"
    bench.send(chunks[5])
    assert documents(bench.wait(0.6))[0]["ranges"] == [[2000, 2500]]
    bench.send(chunks[4]._replace(flags=codec.STREAM | codec.RESEND))
    assert bytes(bench.heard) == pcm[:1000] + bytes(1000) + pcm[2000:]


def test_a_stream_that_stops_without_last_is_asked_for_its_end_and_given_up(bench: Bench) -> None:
    for chunk in cut(sound(1000), last=False):
        bench.send(chunk)
    asked = documents(bench.wait(4.1))
    assert asked[0]["ranges"] == [[1000, None]]
    for _ in range(25):
        assert not [event for event in bench.wait(1.0) if isinstance(event, StreamEnd)]
    (end,) = bench.wait(1.0)
    assert isinstance(end, StreamEnd)
    assert not end.is_ended


def test_another_rate_in_the_middle_is_refused_and_harms_nothing(bench: Bench) -> None:
    pcm = sound(1500)
    chunks = cut(pcm)
    bench.send(chunks[0])
    (refused,) = documents(bench.send(chunks[1]._replace(sample_rate=8000)))
    assert (refused["type"], refused["reason"]) == ("rejected", "contradiction")
    bench.send(chunks[1])
    (end,) = bench.send(chunks[2])
    assert isinstance(end, StreamEnd)
    assert bytes(bench.heard) == pcm


@pytest.mark.parametrize("first_is_stream", [True, False])
def test_a_recording_does_not_become_a_stream_nor_a_stream_a_recording(
    bench: Bench, first_is_stream: bool
) -> None:
    stream = cut(sound(1500))
    plain = [chunk._replace(flags=chunk.flags & ~codec.STREAM) for chunk in stream]
    first, second = (stream, plain) if first_is_stream else (plain, stream)
    bench.send(first[0])
    assert documents(bench.send(second[1]))[0]["reason"] == "contradiction"
    assert bench.send(first[1]) == []


def test_a_stream_beside_a_recording_of_the_same_device_and_no_third(bench: Bench) -> None:
    bench.send(cut(sound(1500))[0])
    plain = cut(sound(1500), recording_id=8)[0]._replace(flags=0)
    assert bench.send(plain) == []
    assert documents(bench.send(cut(sound(1500), recording_id=9)[0]))[0]["reason"] == "quota"
    assert len(bench.intake) == 2


def test_a_counter_that_jumps_by_hours_is_one_gap_and_takes_no_memory(bench: Bench) -> None:
    pieces = []
    first, second = cut(sound(1000), last=False)
    bench.send(first)
    bench.send(second._replace(first_sample=4_000_000_000))
    bench.now += 2.0
    pieces = [event for event in bench.intake.check_timeouts(bench.now) if isinstance(event, StreamAudio)]
    assert [piece.first_sample for piece in pieces] == [4_000_000_000]


def test_what_waits_for_a_gap_is_bounded(bench: Bench) -> None:
    big = bytes(40_000)
    bench.send(Chunk(codec.PCM, codec.STREAM, 1, RATE, 7, 100, 20_000, big))
    pieces: list[StreamAudio] = []
    for number in range(1, 60):
        chunk = Chunk(codec.PCM, codec.STREAM, 1, RATE, 7, 100 + 20_000 * number, 20_000, big)
        events = bench.intake.receive("st-01", encode(chunk), bench.now)
        pieces += [event for event in events if isinstance(event, StreamAudio)]
    assert len(pieces) == 60, "given up without waiting for the clock"
    assert bench.intake.streams.open["st-01", 7].reorder_buffer == {}


def test_segments_go_when_they_are_not_needed_and_the_state_stays(bench: Bench) -> None:
    pcm = sound(100 * RATE)
    for chunk in cut(pcm, RATE, last=False):
        bench.send(chunk)
    stream = bench.intake.streams.open["st-01", 7]
    assert len(stream.segments) == 5
    state = {
        "needed_from": 70 * RATE,
        "received_at": stream.received_at,
        "meta": {"site": "MV"},
        "sample_rate": RATE,
        "channels": 1,
    }
    bench.intake.streams._spool.save_state(stream, state)
    bench.intake.streams.trim(stream.key, 70 * RATE)
    assert bench.files == ["000003.chunks", "000004.chunks", "state.json"]
    bench.restart()
    again = bench.intake.streams.open["st-01", 7]
    assert again.state == state
    assert (again.meta, again.received_at) == (state["meta"], state["received_at"])
    assert bytes(bench.heard)[2 * 70 * RATE :] == pcm[2 * 70 * RATE :]
    assert again.next_sample == 100 * RATE
    bench.stored["st-01", again.name] = "complete"
    bench.restart()
    assert bench.files == [], "stored meanwhile"


def test_a_half_written_chunk_is_cut_off_and_comes_again(bench: Bench) -> None:
    pcm = sound(1500)
    chunks = cut(pcm)
    bench.send(chunks[0])
    bench.send(chunks[1])
    (path,) = bench.directory.rglob("*.chunks")
    path.write_bytes(path.read_bytes()[:-7])
    bench.restart()
    assert bytes(bench.heard) == pcm[:1000]
    bench.send(chunks[1])
    bench.send(chunks[2])
    assert bytes(bench.heard) == pcm


def test_meta_is_waited_for_and_a_wrong_one_is_not(bench: Bench) -> None:
    chunks = [chunk._replace(flags=chunk.flags | codec.HAS_META) for chunk in cut(sound(1000))]
    bench.send(chunks[0])
    assert documents(bench.wait(0.6))[0]["meta"] is True
    assert bench.send(chunks[1]) == [], "it has its end, and waits for META"
    body = json.dumps({"models": ["esc50"]}).encode()
    meta = Chunk(codec.META, codec.STREAM, 1, RATE, 7, 0, len(body), body)
    (end,) = bench.send(meta)
    assert isinstance(end, StreamEnd)
    assert end.stream.meta == {"models": ["esc50"]}


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path / "spool", replace(LIMITS))
    pcm = sound(1500)
    chunks = cut(pcm)
    bench.send(chunks[0])
    with monkeypatch.context() as patched:
        patched.setattr("os.write", lambda descriptor, content: 0)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                bench.send(chunks[1])
    bench.send(chunks[1])
    bench.send(chunks[2])
    assert bytes(bench.heard) == pcm
    bench.restart()
    assert bytes(bench.heard) == pcm
