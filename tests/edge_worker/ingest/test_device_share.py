"""The share of each device: a device that sends more is told so, and nobody else notices."""

from pathlib import Path

import pytest
from intake_rig import RATE, IntakeRig, closed_recordings, control_documents, random_pcm, split

from edge_worker.ingest.device_share import DeviceShares
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.settings import Settings

BODY = bytes(65_536)


@pytest.fixture
def rig(tmp_path: Path) -> IntakeRig:
    rig = IntakeRig(tmp_path / "spool", Settings(max_mb_per_minute=1))
    rig.wait(60.0)  # nothing waits at the broker any more
    return rig


def big(recording_id: int, first: int = 0) -> Chunk:
    return Chunk(codec.PCM, 0, 1, 44_100, recording_id, first, 32_768, BODY)


def stream(first: int, samples: int, rate: int = 1000) -> Chunk:
    return Chunk(codec.PCM, codec.STREAM, 1, rate, 9, first, samples, bytes(2 * samples))


def test_a_flood_is_refused_with_advice_and_a_neighbour_is_not(rig: IntakeRig) -> None:
    answers = [each for n in range(40) for each in control_documents(rig.send(big(7, n * 32_768)))]
    (answer,) = answers
    assert (answer["reason"], answer["recording_id"]) == ("too_fast", "0000000000000007")
    assert isinstance(answer["retry_after_s"], float)
    assert rig.intake.spool_bytes < 2**20
    pcm = random_pcm(1000)
    (closed,) = closed_recordings([e for chunk in split(pcm, 100) for e in rig.send(chunk, "st-02")])
    assert rig.pcm(closed) == pcm
    rig.now += float(answer["retry_after_s"])
    assert control_documents(rig.send(big(7, 39 * 32_768))) == []


def test_what_was_refused_is_requested_and_nothing_is_lost(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings(max_mb_per_minute=4))
    rig.wait(60.0)
    pcm = random_pcm(600_000)
    chunks = split(pcm, 2048)
    for chunk in chunks:
        rig.send(chunk)
    assert rig.intake.counts["rejected_too_fast"] > 0
    closed = []
    for _ in range(200):
        events = rig.wait(1.0)
        for document in control_documents(events):
            for start, end in document["ranges"]:  # type: ignore[attr-defined]
                wanted = [each for each in chunks if each.end > start and (end is None or start < end)]
                events += [
                    e for each in wanted if end is None or each.first_sample < end for e in rig.send(each)
                ]
        closed += closed_recordings(events)
        if closed:
            break
    assert [each.completeness for each in closed] == ["complete"]
    assert rig.pcm(closed[0]) == pcm


def test_very_small_messages_are_charged_too(rig: IntakeRig) -> None:
    for number in range(400):
        rig.intake.receive("st-01", b"rubbish %d" % number, rig.now)
    assert 100 < rig.intake.counts["rejected_short"] < 300
    assert rig.intake.counts["rejected_too_fast"] > 100
    assert not rig.intake.admits("st-01", b"{}", rig.now)
    assert rig.intake.admits("st-02", b"{}", rig.now)


def test_silence_that_stands_for_gaps_is_charged(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings(max_mb_per_minute=1))
    rig.wait(60.0)
    for number in range(1, 3):
        rig.send(Chunk(codec.PCM, codec.LAST, 1, RATE, number, 500_000, 1, b"\1\0"))
    assert len(closed_recordings(rig.wait(31.0))) == 2
    (answer,) = control_documents(rig.send(split(random_pcm(10), 10, recording_id=5)[0]))
    assert answer["reason"] == "too_fast"


def test_chunks_of_recordings_that_are_not_open_are_charged(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings(max_mb_per_minute=1))
    rig.wait(60.0)
    looked_up: list[str] = []
    rig.intake._lookup = lambda _device, name: looked_up.append(name)
    for number in range(1000):
        rig.send(split(random_pcm(20), 10, recording_id=number)[0])
    assert len(looked_up) < 20
    assert rig.intake.counts["rejected_too_fast"] > 900


def test_sound_of_a_low_rate_is_charged_by_its_length(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    rig.wait(60.0)
    chunk = Chunk(codec.PCM, 0, 1, 1000, 7, 0, 10_000, bytes(20_000))
    for number in range(300):  # 3000 s in 6 MB
        rig.send(chunk._replace(recording_id=number // 60, first_sample=number % 60 * 10_000))
        rig.wait(0.0)
    assert 150 < rig.intake.counts["chunks"] < 250
    assert rig.intake.counts["rejected_too_fast"] > 0


def test_a_stream_is_not_faster_than_real_time_for_long(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    rig.wait(60.0)
    answers = [each for n in range(20) for each in control_documents(rig.send(stream(n * 32_768, 32_768)))]
    assert [each["reason"] for each in answers] == ["too_fast"]
    assert rig.intake.counts["chunks"] == 7  # 240 s of sound


def test_an_ordinary_stream_never_meets_its_share(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    rig.wait(60.0)
    body = bytes(4 * 2048)
    for number in range(3000):  # 128 s of 48 kHz stereo
        chunk = Chunk(codec.PCM, codec.STREAM, 2, 48_000, 9, number * 2048, 2048, body)
        assert control_documents(rig.send(chunk)) == []
        rig.now += 2048 / 48_000
        key = ("st-01", 9)
        rig.intake.streams.trim(key, number * 2048)


def test_a_stream_of_which_too_much_waits_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    rig.wait(60.0)
    rig.intake.streams.has_room = lambda device_id: device_id != "st-01"
    (answer,) = control_documents(rig.send(stream(0, 1000)))
    assert answer["reason"] == "too_fast"
    assert control_documents(rig.send(stream(0, 1000), "st-02")) == []


def test_what_waited_at_the_broker_is_taken_in_beyond_the_share(rig: IntakeRig) -> None:
    rig.intake.broker_reconnected(rig.now)
    for number in range(40):
        assert control_documents(rig.send(big(7, number * 32_768))) == []
    rig.wait(1.0)  # it may be quiet for a moment
    assert control_documents(rig.send(big(7, 40 * 32_768))) == []
    rig.wait(15.0)
    answers = [each for n in range(41, 80) for each in control_documents(rig.send(big(7, n * 32_768)))]
    assert [each["reason"] for each in answers] == ["too_fast"]


def test_a_flood_that_waited_at_the_broker_is_refused_beyond_a_bound_and_a_neighbour_is_not(
    tmp_path: Path,
) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings(max_mb_per_minute=1))
    rig.intake.broker_reconnected(rig.now)
    for number in range(40):  # 1300 s of sound at 1 kHz
        rig.send(stream(number * 32_768, 32_768))
    assert rig.intake.counts["rejected_too_fast"] > 0
    assert 600 / 33 < rig.intake.counts["chunks"] < 40
    assert control_documents(rig.send(stream(0, 32_768), "st-02")) == []
    admitted = 0
    while not control_documents(rig.send(big(8, admitted * 32_768), "st-03")):
        admitted += 1
    assert 2**24 < admitted * 65_536 < 2**26
    assert control_documents(rig.send(big(8), "st-04")) == []


def test_recordings_that_never_end_are_bounded_in_a_backlog_by_what_they_cost(rig: IntakeRig) -> None:
    rig.intake.broker_reconnected(rig.now)
    for number in range(2000):  # 8 MiB of messages
        rig.send(Chunk(codec.PCM, 0, 1, 8000, number, 0, 100, bytes(200)))
    assert rig.intake.counts["rejected_too_fast"] > 1000


def test_a_device_is_never_refused_for_as_long_as_its_recordings_wait(rig: IntakeRig) -> None:
    for number in range(3):
        rig.send(Chunk(codec.PCM, codec.LAST, 1, RATE, number, 500_000, 1, b"\1\0"))
    assert len(closed_recordings(rig.wait(31.0))) == 3
    (answer,) = control_documents(rig.send(big(7)))
    assert float(str(answer["retry_after_s"])) < 10.0


def test_devices_that_used_nothing_lately_are_forgotten() -> None:
    shares = DeviceShares(1)
    shares.end_backlog(100.0)
    payload = encode(split(random_pcm(10), 10)[0])
    for number in range(10_000):
        shares.admit(f"st-{number}", payload, 100.0 + number)
    assert len(shares._bytes._used_until) <= 4096
