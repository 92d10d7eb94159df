"""Reception of streams on a real spool: order, gaps, ends, restarts, and bounded memory and disk."""

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
SETTINGS = Settings(stream_give_up_s=30.0, stream_gap_s=2.0, missing_after_s=0.5, max_open_per_device=2)


class StreamRig:
    """An intake on a spool of its own, with a clock that only moves when told."""

    def __init__(self, directory: Path, settings: Settings = SETTINGS) -> None:
        self.directory, self.settings, self.now = directory, settings, 0.0
        self.stored: dict[tuple[str, str], Completeness] = {}
        self.audio = bytearray()
        self.restart()

    def restart(self) -> list[IntakeEvent]:
        self.intake = Intake(
            Spool(self.directory), self.settings, lambda device, name: self.stored.get((device, name))
        )
        events = self.intake.load(self.now)
        self.audio.clear()
        return self.collect([*events, *self.intake.load_streams(self.now)])

    def send(self, chunk: Chunk, device_id: str = "st-01") -> list[IntakeEvent]:
        return self.collect(self.intake.receive(device_id, encode(chunk), self.now))

    def wait(self, seconds: float, busy_s: float = 0.0) -> list[IntakeEvent]:
        self.now += seconds
        return self.collect(self.intake.check_timeouts(self.now, busy_s))

    def collect(self, events: list[IntakeEvent]) -> list[IntakeEvent]:
        """Join the audio of `events`, with zeros in gaps; return the other events."""
        for event in events:
            if isinstance(event, StreamAudio):
                self.audio.extend(bytes(event.first_sample * 2 - len(self.audio)))
                self.audio.extend(event.body)
        return [event for event in events if not isinstance(event, StreamAudio)]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.rglob("*") if path.is_file())


@pytest.fixture
def rig(tmp_path: Path) -> StreamRig:
    return StreamRig(tmp_path / "spool")


def random_pcm(samples: int) -> bytes:
    return np.random.default_rng(samples).integers(-9000, 9000, samples).astype("<i2").tobytes()


def split(pcm: bytes, size: int = 500, *, last: bool = True, recording_id: int = 7) -> list[Chunk]:
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


def control_documents(events: list[IntakeEvent]) -> list[dict[str, object]]:
    return [event.document for event in events if isinstance(event, ControlMessage)]


def test_a_stream_is_handed_on_as_it_comes_and_ends_with_last(rig: StreamRig) -> None:
    pcm = random_pcm(5000)
    *chunks, last = split(pcm)
    for number, chunk in enumerate(chunks, 1):
        assert rig.send(chunk) == []
        assert bytes(rig.audio) == pcm[: 1000 * number], "at once, not with its end"
    (end,) = rig.send(last)
    assert isinstance(end, StreamEnd)
    assert end.is_ended
    assert bytes(rig.audio) == pcm


@hypothesis_settings(max_examples=40)
@given(order=st.permutations(range(10)), twice=st.sets(st.integers(0, 9)), kills=st.sets(st.integers(0, 19)))
def test_order_duplicates_and_restarts_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], twice: set[int], kills: set[int]
) -> None:
    rig = StreamRig(tmp_path_factory.mktemp("spool"))
    pcm = random_pcm(5000)
    chunks = split(pcm)
    ends: list[IntakeEvent] = []
    for position, number in enumerate(each for each in order for _ in range(1 + (each in twice))):
        ends += rig.send(chunks[number])
        if position in kills and not ends:
            ends += rig.restart()
    assert [isinstance(end, StreamEnd) and end.is_ended for end in ends] == [True]
    assert bytes(rig.audio) == pcm


def test_a_gap_waits_while_the_worker_is_behind(rig: StreamRig) -> None:
    chunks = split(random_pcm(3000), last=False)
    rig.send(chunks[0])
    rig.send(chunks[2])
    assert rig.wait(20.0, busy_s=19.6) == []
    assert len(rig.audio) == 1000
    assert len(control_documents(rig.wait(0.1))) == 1


def test_missing_audio_is_requested_and_then_skipped(rig: StreamRig) -> None:
    pcm = random_pcm(3000)
    chunks = split(pcm, last=False)
    rig.send(chunks[0])
    rig.send(chunks[2])
    assert rig.wait(0.4) == []
    (asked,) = control_documents(rig.wait(0.2))
    assert asked == {"type": "missing", "recording_id": "0000000000000007", "ranges": [[500, 1000]]}
    rig.send(chunks[3])
    assert bytes(rig.audio) == pcm[:1000], "what comes after it waits"
    assert rig.wait(1.5) == []
    assert bytes(rig.audio) == pcm[:1000] + bytes(1000) + pcm[2000:4000]
    rig.send(chunks[1]._replace(flags=codec.STREAM | codec.RESEND))
    assert rig.intake.counts["duplicates"] == 1, "too late"
    rig.send(chunks[5])
    assert control_documents(rig.wait(0.6))[0]["ranges"] == [[2000, 2500]]
    rig.send(chunks[4]._replace(flags=codec.STREAM | codec.RESEND))
    assert bytes(rig.audio) == pcm[:1000] + bytes(1000) + pcm[2000:]


def test_a_stream_without_last_is_asked_for_its_end_and_then_ended(rig: StreamRig) -> None:
    for chunk in split(random_pcm(1000), last=False):
        rig.send(chunk)
    asked = control_documents(rig.wait(4.1))
    assert asked[0]["ranges"] == [[1000, None]]
    for _ in range(25):
        assert not [event for event in rig.wait(1.0) if isinstance(event, StreamEnd)]
    (end,) = rig.wait(1.0)
    assert isinstance(end, StreamEnd)
    assert not end.is_ended


def test_another_sample_rate_is_rejected_and_changes_nothing(rig: StreamRig) -> None:
    pcm = random_pcm(1500)
    chunks = split(pcm)
    rig.send(chunks[0])
    (refused,) = control_documents(rig.send(chunks[1]._replace(sample_rate=8000)))
    assert (refused["type"], refused["reason"]) == ("rejected", "contradiction")
    rig.send(chunks[1])
    (end,) = rig.send(chunks[2])
    assert isinstance(end, StreamEnd)
    assert bytes(rig.audio) == pcm


@pytest.mark.parametrize("first_is_stream", [True, False])
def test_a_recording_does_not_become_a_stream_nor_a_stream_a_recording(
    rig: StreamRig, first_is_stream: bool
) -> None:
    stream = split(random_pcm(1500))
    plain = [chunk._replace(flags=chunk.flags & ~codec.STREAM) for chunk in stream]
    first, second = (stream, plain) if first_is_stream else (plain, stream)
    rig.send(first[0])
    assert control_documents(rig.send(second[1]))[0]["reason"] == "contradiction"
    assert rig.send(first[1]) == []


def test_a_stream_beside_a_recording_of_the_same_device_and_no_third(rig: StreamRig) -> None:
    rig.send(split(random_pcm(1500))[0])
    plain = split(random_pcm(1500), recording_id=8)[0]._replace(flags=0)
    assert rig.send(plain) == []
    assert control_documents(rig.send(split(random_pcm(1500), recording_id=9)[0]))[0]["reason"] == "quota"
    assert len(rig.intake) == 2


def test_a_counter_that_jumps_by_hours_is_one_gap_and_takes_no_memory(rig: StreamRig) -> None:
    parts = []
    first, second = split(random_pcm(1000), last=False)
    rig.send(first)
    rig.send(second._replace(first_sample=4_000_000_000))
    rig.now += 2.0
    parts = [event for event in rig.intake.check_timeouts(rig.now) if isinstance(event, StreamAudio)]
    assert [part.first_sample for part in parts] == [4_000_000_000]


def test_the_reorder_buffer_is_bounded(rig: StreamRig) -> None:
    big = bytes(40_000)
    rig.send(Chunk(codec.PCM, codec.STREAM, 1, RATE, 7, 100, 20_000, big))
    parts: list[StreamAudio] = []
    for number in range(1, 60):
        chunk = Chunk(codec.PCM, codec.STREAM, 1, RATE, 7, 100 + 20_000 * number, 20_000, big)
        events = rig.intake.receive("st-01", encode(chunk), rig.now)
        parts += [event for event in events if isinstance(event, StreamAudio)]
    assert len(parts) == 60, "given up without waiting for the clock"
    assert rig.intake.streams.open["st-01", 7].reorder_buffer == {}


def test_segments_are_deleted_when_not_needed_and_the_state_stays(rig: StreamRig) -> None:
    pcm = random_pcm(100 * RATE)
    for chunk in split(pcm, RATE, last=False):
        rig.send(chunk)
    stream = rig.intake.streams.open["st-01", 7]
    assert len(stream.segments) == 5
    state = {
        "position": 75 * RATE,
        "needed_from": 70 * RATE,
        "received_at": stream.received_at,
        "meta": {"site": "MV"},
        "sample_rate": RATE,
        "channels": 1,
    }
    rig.intake.streams._spool.save_state(stream, state)
    rig.intake.streams.trim(stream.key, 70 * RATE)
    assert rig.files == ["000003.chunks", "000004.chunks", "state.json"]
    rig.restart()
    again = rig.intake.streams.open["st-01", 7]
    assert again.state == state
    assert (again.meta, again.received_at) == (state["meta"], state["received_at"])
    assert bytes(rig.audio)[2 * 70 * RATE :] == pcm[2 * 70 * RATE :]
    assert again.next_sample == 100 * RATE
    rig.stored["st-01", again.name] = "complete"
    rig.restart()
    assert rig.files == [], "stored meanwhile"


def test_a_stream_goes_on_from_a_state_alone_which_is_what_a_machine_that_is_gone_leaves(
    rig: StreamRig,
) -> None:
    chunks = split(random_pcm(20 * RATE), RATE)
    for chunk in chunks[:10]:
        rig.send(chunk)
    stream = rig.intake.streams.open["st-01", 7]
    facts = {"received_at": stream.received_at, "meta": None, "sample_rate": RATE, "channels": 1}
    state = {"position": 10 * RATE, "needed_from": 8 * RATE, **facts}
    rig.intake.streams._spool.save_state(stream, state)
    for path in rig.directory.rglob("*.chunks"):
        path.unlink()

    rig.restart()
    rig.send(chunks[12])
    assert control_documents(rig.wait(0.5))[0]["ranges"] == [[8 * RATE, 12 * RATE]]
    for chunk in (*chunks[9:12], *chunks[13:-1]):  # one the device has no more
        assert rig.send(chunk) == []
    rig.wait(2.0)
    (end,) = rig.send(chunks[-1])
    assert isinstance(end, StreamEnd)
    assert end.is_ended
    assert bytes(rig.audio)[2 * 9 * RATE :] == b"".join(bytes(each.body) for each in chunks[9:])

    for path in rig.directory.rglob("*.chunks"):
        path.unlink()
    rig.restart()
    (end,) = [event for event in rig.wait(30.0) if isinstance(event, StreamEnd)]
    assert not end.is_ended
    assert end.stream.next_sample == 10 * RATE, "it is as long as its state says, though nothing came"


def test_a_half_written_chunk_is_cut_off_and_received_again(rig: StreamRig) -> None:
    pcm = random_pcm(1500)
    chunks = split(pcm)
    rig.send(chunks[0])
    rig.send(chunks[1])
    (path,) = rig.directory.rglob("*.chunks")
    path.write_bytes(path.read_bytes()[:-7])
    rig.restart()
    assert bytes(rig.audio) == pcm[:1000]
    rig.send(chunks[1])
    rig.send(chunks[2])
    assert bytes(rig.audio) == pcm


def test_an_announced_meta_is_waited_for_and_requested(rig: StreamRig) -> None:
    chunks = [chunk._replace(flags=chunk.flags | codec.HAS_META) for chunk in split(random_pcm(1000))]
    rig.send(chunks[0])
    assert control_documents(rig.wait(0.6))[0]["meta"] is True
    assert rig.send(chunks[1]) == [], "it has its end, and waits for META"
    body = json.dumps({"models": ["esc50"]}).encode()
    meta = Chunk(codec.META, codec.STREAM, 1, RATE, 7, 0, len(body), body)
    (end,) = rig.send(meta)
    assert isinstance(end, StreamEnd)
    assert end.stream.meta == {"models": ["esc50"]}


def test_a_meta_refused_before_the_first_sound_is_not_waited_for(rig: StreamRig) -> None:
    rig.send(Chunk(codec.META, codec.STREAM, 1, RATE, 7, 0, 2, b"[]"))
    chunks = [chunk._replace(flags=chunk.flags | codec.HAS_META) for chunk in split(random_pcm(1000))]
    rig.send(chunks[0])
    (*_, end) = rig.send(chunks[1])
    assert isinstance(end, StreamEnd)
    assert end.stream.meta == {}


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = StreamRig(tmp_path / "spool", replace(SETTINGS))
    pcm = random_pcm(1500)
    chunks = split(pcm)
    rig.send(chunks[0])
    with monkeypatch.context() as patched:
        patched.setattr("os.write", lambda descriptor, content: 0)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                rig.send(chunks[1])
    rig.send(chunks[1])
    rig.send(chunks[2])
    assert bytes(rig.audio) == pcm
    rig.restart()
    assert bytes(rig.audio) == pcm
