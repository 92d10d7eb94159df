"""The rules of reception, on a real spool: nothing lost, nothing twice, nobody else harmed."""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording, ControlMessage, IntakeEvent
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.protocol.result import Completeness
from edge_worker.settings import Settings

RATE = 4000
LIMITS = Settings(
    max_recording_s=10.0, max_open_per_device=2, max_open=5, give_up_s=30.0, offline_give_up_s=300.0
)


class Bench:
    """An intake on a spool of its own, with a clock that only moves when told."""

    def __init__(self, directory: Path, limits: Settings = LIMITS) -> None:
        self.directory, self.limits = directory, limits
        self.stored: dict[tuple[str, str], Completeness] = {}
        self.now = 0.0
        self.restart()

    def restart(self) -> list[IntakeEvent]:
        """What `kill -9` and a new process do: memory is gone, files stay."""
        self.spool = Spool(self.directory)
        self.intake = Intake(self.spool, self.limits, lambda device, name: self.stored.get((device, name)))
        return self.intake.load(self.now)

    def send(self, chunk: Chunk, device_id: str = "st-01") -> list[IntakeEvent]:
        return self.intake.receive(device_id, encode(chunk), self.now)

    def wait(self, seconds: float) -> list[IntakeEvent]:
        self.now += seconds
        return self.intake.check_timeouts(self.now)

    def sound(self, close: ClosedRecording) -> bytes:
        end = close.recording.end
        return bytes(
            self.spool.read_pcm(close.recording, close.recording.received.end if end is None else end)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "spool")


def sound(samples: int, seed: int = 1, channels: int = 1) -> bytes:
    return random.Random(seed).randbytes(samples * channels * 2)


def cut(pcm: bytes, size: int, recording_id: int = 7, channels: int = 1, flags: int = 0) -> list[Chunk]:
    unit = channels * 2
    total = len(pcm) // unit
    starts = range(0, total, size)
    return [
        Chunk(
            codec.PCM,
            flags | (codec.LAST if start + size >= total else 0),
            channels,
            RATE,
            recording_id,
            start,
            min(size, total - start),
            pcm[start * unit : min(start + size, total) * unit],
        )
        for start in starts
    ]


def meta(body: bytes = b'{"site":"MV"}', recording_id: int = 7) -> Chunk:
    return Chunk(codec.META, 0, 1, RATE, recording_id, 0, len(body), body)


def closes(events: list[IntakeEvent]) -> list[ClosedRecording]:
    return [event for event in events if isinstance(event, ClosedRecording)]


def answers(events: list[IntakeEvent]) -> list[dict[str, object]]:
    return [event.document for event in events if isinstance(event, ControlMessage)]


def resend(pcm: bytes, ranges: list[list[int | None]], size: int, channels: int = 1) -> Iterator[Chunk]:
    """What a device does when asked: chunks cut as it likes."""
    unit = channels * 2
    total = len(pcm) // unit
    for start, asked_end in ranges:
        assert start is not None
        end = total if asked_end is None else asked_end
        for first in range(start, end, size):
            stop = min(first + size, end)
            flags = codec.RESEND | (codec.LAST if stop == total else 0)
            yield Chunk(
                codec.PCM, flags, channels, RATE, 7, first, stop - first, pcm[first * unit : stop * unit]
            )


def test_chunks_in_order_become_the_recording(bench: Bench) -> None:
    pcm = sound(1000)
    events = [event for chunk in cut(pcm, 300) for event in bench.send(chunk)]
    (close,) = closes(events)
    assert close.completeness == "complete"
    assert bench.sound(close) == pcm
    assert close.recording.gaps() == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_order_duplication_and_loss_with_resend_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    channels = data.draw(st.integers(1, 2))
    pcm = sound(data.draw(st.integers(1, 700)), channels=channels)
    original = cut(pcm, data.draw(st.integers(1, 200)), channels=channels)
    delivered = data.draw(st.lists(st.sampled_from(original), min_size=1, max_size=3 * len(original)))
    size = data.draw(st.integers(1, 300))
    bench = Bench(tmp_path_factory.mktemp("spool"))
    events = [event for chunk in delivered for event in bench.send(chunk)]
    for _ in range(6):
        if closes(events):
            break
        if data.draw(st.booleans()):
            events += bench.restart()
        for answer in answers(bench.wait(5.0)):
            assert answer["type"] == "missing"
            again = list(resend(pcm, answer["ranges"], size, channels))  # type: ignore[arg-type]
            kept = again[: data.draw(st.integers(0, len(again)))] + again[-1:]
            events += [event for chunk in kept for event in bench.send(chunk)]
    else:
        for answer in answers(bench.wait(5.0)):
            for chunk in resend(pcm, answer["ranges"], size, channels):  # type: ignore[arg-type]
                events += bench.send(chunk)
    (close,) = closes(events)
    assert close.completeness == "complete"
    assert bench.sound(close) == pcm


@settings(max_examples=60, deadline=None)
@given(
    lost=st.sets(st.integers(0, 9), max_size=9),
    seed=st.integers(0, 1000),
)
def test_what_is_lost_for_good_is_reported_as_exactly_that_gap(
    tmp_path_factory: pytest.TempPathFactory, lost: set[int], seed: int
) -> None:
    pcm = sound(1000)
    kept = [chunk for number, chunk in enumerate(cut(pcm, 100)) if number not in lost]
    random.Random(seed).shuffle(kept)
    bench = Bench(tmp_path_factory.mktemp("spool"))
    events = [event for chunk in kept for event in bench.send(chunk)]
    events += bench.wait(31.0)
    (close,) = closes(events)
    end = 1000 if 9 not in lost else 100 * (1 + max(set(range(10)) - lost))
    missing = {n for start, stop in close.recording.gaps() for n in range(start, stop)}
    assert missing == {n for number in lost for n in range(number * 100, number * 100 + 100)} & set(
        range(end)
    )
    assert close.completeness == ("complete" if not lost else "partial")
    heard = bench.sound(close)
    for n in range(end):
        assert heard[2 * n : 2 * n + 2] == (b"\0\0" if n in missing else pcm[2 * n : 2 * n + 2])


def test_missing_audio_is_asked_for_with_growing_patience(bench: Bench) -> None:
    chunks = cut(sound(1000), 100)
    for chunk in (chunks[0], chunks[3], chunks[9]):
        assert bench.send(chunk) == []
    assert bench.wait(0.4) == []
    (answer,) = answers(bench.wait(0.1))
    assert answer == {
        "type": "missing",
        "recording_id": "0000000000000007",
        "ranges": [[100, 300], [400, 900]],
    }
    assert bench.wait(0.4) == []
    assert len(answers(bench.wait(0.1))) == 1
    assert bench.wait(0.9) == []
    assert len(answers(bench.wait(0.1))) == 1


def test_the_end_is_asked_for_when_last_does_not_come(bench: Bench) -> None:
    bench.send(cut(sound(1000), 100)[0])
    assert answers(bench.wait(1.0)) == []
    (answer,) = answers(bench.wait(3.0))
    assert answer["ranges"] == [[100, None]]


def test_a_last_that_never_comes_ends_as_partial(bench: Bench) -> None:
    pcm = sound(1000)
    for chunk in cut(pcm, 100)[:5]:
        bench.send(chunk)
    (close,) = closes(bench.wait(30.0))
    assert close.completeness == "partial"
    assert bench.sound(close) == pcm[:1000]


def test_a_gap_that_the_device_declares_is_asked_for_once_and_then_final(bench: Bench) -> None:
    pcm = sound(300)
    chunks = cut(pcm, 100)
    bench.send(chunks[0])
    bench.send(chunks[2]._replace(flags=codec.LAST | codec.GAP_BEFORE))
    assert answers(bench.wait(0.5))[0]["ranges"] == [[100, 200]]
    (close,) = closes(bench.wait(0.6))
    assert close.recording.gaps() == [(100, 200)]
    assert close.completeness == "partial"


def test_an_announced_meta_is_waited_for_and_asked_for(bench: Bench) -> None:
    (chunk,) = cut(sound(100), 100, flags=codec.HAS_META)
    assert bench.send(chunk) == []
    (answer,) = answers(bench.wait(0.5))
    assert answer["meta"] is True
    assert answer["ranges"] == []
    (close,) = closes(bench.send(meta()))
    assert close.recording.meta == {"site": "MV"}


def test_a_meta_that_never_comes_does_not_cost_the_audio(bench: Bench) -> None:
    (chunk,) = cut(sound(100), 100, flags=codec.HAS_META)
    bench.send(chunk)
    (close,) = closes(bench.wait(31.0))
    assert (close.completeness, close.recording.meta) == ("complete", None)


def test_meta_alone_is_no_recording(bench: Bench) -> None:
    bench.send(meta())
    assert bench.wait(31.0) == []
    assert bench.intake.counts["abandoned"] == 1
    assert list(bench.directory.rglob("*.chunks")) == []


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"models":"heart5"}',
        b'{"models":[1]}',
        b'{"site":5}',
        b'{"captured_at":"yesterday"}',
        b'{"captured_at":"2026-11-20T17:20:01"}',
        b'{"gain_db":NaN}',
        b'{"gain_db":1e999}',
        b'{"site":"\\ud800"}',
        b"[" * 3000,
    ],
)
def test_a_bad_meta_is_refused_and_harms_nothing(bench: Bench, body: bytes) -> None:
    (answer,) = answers(bench.send(meta(body)))
    assert (answer["type"], answer["reason"]) == ("rejected", "meta")
    assert closes(bench.send(cut(sound(10), 10)[0]))


def test_a_bad_meta_that_was_announced_is_not_waited_for(bench: Bench) -> None:
    (chunk,) = cut(sound(100), 100, flags=codec.HAS_META)
    assert bench.send(chunk) == []
    events = bench.send(meta(b"[]"))
    assert answers(events)[0]["reason"] == "meta"
    assert closes(events)[0].completeness == "complete"


def test_captured_at_is_kept_in_utc(bench: Bench) -> None:
    bench.send(meta(b'{"captured_at":"2026-11-20T18:20:01.1234+01:00"}'))
    (close,) = closes(bench.send(cut(sound(10), 10)[0]))
    assert close.recording.meta == {"captured_at": "2026-11-20T17:20:01.123Z"}


def test_contradictions_are_refused_and_the_first_version_stays(bench: Bench) -> None:
    pcm = sound(200)
    first, last = cut(pcm, 100)
    bench.send(first)
    for wrong in (
        first._replace(body=sound(100, seed=2)),
        first._replace(first_sample=50, body=sound(100, seed=3)),
        last._replace(sample_rate=RATE + 1),
        last._replace(channels=2, sample_count=50),
        Chunk(codec.PCM, codec.LAST, 1, RATE, 7, 0, 50, pcm[:100]),
    ):
        bench.now += 2
        (answer,) = answers(bench.send(wrong))
        assert answer["reason"] == "contradiction", wrong
    (close,) = closes(bench.send(last))
    assert bench.sound(close) == pcm


def test_audio_beyond_the_end_is_a_contradiction(bench: Bench) -> None:
    chunks = cut(sound(300), 100)
    bench.send(chunks[1]._replace(flags=codec.LAST))
    (answer,) = answers(bench.send(chunks[2]))
    assert answer["reason"] == "contradiction"


def test_an_empty_last_ends_the_recording(bench: Bench) -> None:
    pcm = sound(100)
    bench.send(cut(pcm, 100)[0]._replace(flags=0))
    (close,) = closes(bench.send(Chunk(codec.PCM, codec.LAST, 1, RATE, 7, 100, 0, b"")))
    assert bench.sound(close) == pcm


def test_a_recording_that_is_too_long_is_refused_before_it_is_opened(bench: Bench) -> None:
    far = Chunk(codec.PCM, 0, 1, RATE, 7, 10 * RATE, 1, b"\0\0")
    (answer,) = answers(bench.send(far))
    assert answer["reason"] == "too_long"
    assert len(bench.intake) == 0


def test_a_recording_that_is_too_large_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool", replace(LIMITS, max_recording_s=600.0, max_recording_mb=1))
    (answer,) = answers(bench.send(Chunk(codec.PCM, 0, 2, 192_000, 7, 2**18, 1, b"\0" * 4)))
    assert (answer["reason"], len(bench.intake)) == ("too_long", 0)


def test_quotas_hold_per_device_and_in_all(bench: Bench) -> None:
    start = cut(sound(200), 100)[0]
    for number in (1, 2):
        assert bench.send(start._replace(recording_id=number)) == []
    assert answers(bench.send(start._replace(recording_id=3)))[0]["reason"] == "quota"
    for device in ("st-02", "st-03", "st-04"):
        assert bench.send(start, device) == []
    assert answers(bench.send(start, "st-05"))[0]["reason"] == "quota"
    assert len(bench.intake) == 5


def test_two_recordings_of_one_device_do_not_mix(bench: Bench) -> None:
    one, two = sound(400, seed=1), sound(400, seed=2)
    events: list[IntakeEvent] = []
    for a, b in zip(cut(one, 100, recording_id=1), cut(two, 100, recording_id=2), strict=True):
        events += bench.send(b) + bench.send(a)
    assert [bench.sound(close) for close in closes(events)] == [two, one]


def test_a_stored_recording_is_answered_with_stored(bench: Bench) -> None:
    bench.stored["st-01", "0000000000000007"] = "partial"
    assert answers(bench.send(cut(sound(10), 10)[0])) == [
        {"type": "stored", "recording_id": "0000000000000007", "completeness": "partial"}
    ]
    assert len(bench.intake) == 0


def test_chunks_of_a_recording_that_is_being_stored_are_duplicates(bench: Bench) -> None:
    (chunk,) = cut(sound(10), 10)
    (close,) = closes(bench.send(chunk))
    assert bench.send(chunk) == []
    bench.stored["st-01", "0000000000000007"] = "complete"
    bench.intake.mark_stored(close.recording.key)
    assert answers(bench.send(chunk))[0]["type"] == "stored"


def test_a_restart_does_not_open_again_what_is_stored(bench: Bench) -> None:
    (chunk,) = cut(sound(10), 10)
    bench.send(chunk)
    bench.stored["st-01", "0000000000000007"] = "complete"
    assert bench.restart() == []
    assert list(bench.directory.rglob("*.chunks")) == []


def test_a_restart_finds_a_complete_recording_and_closes_it(bench: Bench) -> None:
    pcm = sound(100)
    for chunk in cut(pcm, 30):
        bench.send(chunk)
    (close,) = closes(bench.restart())
    assert bench.sound(close) == pcm


@pytest.mark.parametrize("cut_off", [1, 20, 40])
def test_a_chunk_half_written_by_a_power_cut_is_asked_for_again(bench: Bench, cut_off: int) -> None:
    pcm = sound(100)
    chunks = cut(pcm, 50)
    for chunk in (chunks[1], chunks[0]._replace(flags=codec.RESEND, sample_count=25, body=pcm[:50])):
        bench.send(chunk)
    (path,) = bench.directory.rglob("*.chunks")
    os.truncate(path, path.stat().st_size - cut_off)
    assert bench.restart() == []
    (answer,) = answers(bench.wait(0.5))
    assert answer["ranges"] == [[0, 50]]
    (close,) = closes(bench.send(chunks[0]))
    assert bench.sound(close) == pcm


def test_foreign_files_in_the_spool_are_left_alone(bench: Bench) -> None:
    foreign = bench.directory / "st-01" / "notes.chunks"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    assert bench.restart() == []
    assert foreign.read_text() == "mine"


def test_a_full_disk_changes_nothing_and_the_chunk_is_taken_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm = sound(200)
    first, last = cut(pcm, 100)
    bench.send(first)
    real = os.write
    monkeypatch.setattr(
        "edge_worker.ingest.spool.os.write", lambda fd, data: real(fd, data[: len(data) // 2])
    )
    with pytest.raises(OSError, match="No space left"):
        bench.send(last)
    monkeypatch.undo()
    (close,) = closes(bench.send(last))
    assert bench.sound(close) == pcm
    assert closes(bench.restart()), "the file is whole, too"


@pytest.mark.parametrize("refusals", [1, 2, 3, 4])
def test_a_disk_that_is_full_at_the_first_chunk_spoils_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """The header and the chunk are two writes: each may be the one that is refused."""
    pcm = sound(200)
    first, last = cut(pcm, 100)
    real, left = os.write, [refusals]

    def write(descriptor: int, data: bytes) -> int:
        is_refused = left[0] > 0 and (refusals % 2 == 0 or len(data) > 16)
        left[0] -= is_refused
        return real(descriptor, data[: len(data) // 2 if is_refused else None])

    monkeypatch.setattr("edge_worker.ingest.spool.os.write", write)
    for _ in range(refusals):
        with pytest.raises(OSError, match="No space left"):
            bench.send(first)
    assert bench.send(first) == []
    bench.restart()
    (close,) = closes(bench.send(last))
    assert bench.sound(close) == pcm


def test_a_device_that_is_busy_does_not_keep_an_old_recording_open(bench: Bench) -> None:
    bench.send(cut(sound(200), 100)[0])
    for _ in range(6):
        bench.wait(5.0)
        bench.intake.set_device_online("st-01", True, bench.now)
    assert len(bench.intake) == 0


def test_a_lost_device_is_waited_for_and_asked_when_it_is_back(bench: Bench) -> None:
    pcm = sound(300)
    chunks = cut(pcm, 100)
    bench.send(chunks[0])
    bench.send(chunks[2])
    bench.intake.set_device_online("st-01", False, bench.now)
    assert bench.wait(200.0) == []
    bench.intake.set_device_online("st-01", True, bench.now)
    (answer,) = answers(bench.wait(0.5))
    assert answer["ranges"] == [[100, 200]]
    (close,) = closes(bench.send(chunks[1]))
    assert bench.sound(close) == pcm


def test_rejections_are_answered_once_a_second_and_all_counted(bench: Bench) -> None:
    said = [len(bench.intake.receive("st-01", b"garbage", bench.now)) for _ in range(5)]
    assert said == [1, 0, 0, 0, 0]
    bench.now += 1.0
    assert len(bench.intake.receive("st-01", b"garbage", bench.now)) == 1
    assert bench.intake.counts["rejected_short"] == 6


def test_more_gaps_than_fit_one_message_are_asked_for_in_turn(bench: Bench) -> None:
    pcm = sound(200)
    chunks = cut(pcm, 1)
    for chunk in chunks[::2] + chunks[-1:]:
        bench.send(chunk)
    (answer,) = answers(bench.wait(0.5))
    ranges = answer["ranges"]
    assert isinstance(ranges, list)
    assert len(ranges) == 32
    (answer,) = answers(bench.wait(0.5))
    assert isinstance(answer["ranges"], list)
    assert answer["ranges"][0][0] > ranges[-1][0], "even when the first are not answered"
    for chunk in resend(pcm, ranges, 1):
        bench.send(chunk)
    (answer,) = answers(bench.wait(0.5))
    assert isinstance(answer["ranges"], list)
    assert answer["ranges"][0][0] > ranges[-1][0]
