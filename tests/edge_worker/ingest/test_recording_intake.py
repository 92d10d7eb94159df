"""Reception of recordings on a real spool: nothing is lost, nothing is received twice."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_rig import RATE, IntakeRig, closed_recordings, control_documents, meta, random_pcm, resent, split

from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk
from edge_worker.settings import Settings


@pytest.fixture
def rig(tmp_path: Path) -> IntakeRig:
    return IntakeRig(tmp_path / "spool")


def test_chunks_in_order_become_the_recording(rig: IntakeRig) -> None:
    pcm = random_pcm(1000)
    events = [event for chunk in split(pcm, 300) for event in rig.send(chunk)]
    (closed,) = closed_recordings(events)
    assert closed.completeness == "complete"
    assert rig.pcm(closed) == pcm
    assert closed.recording.gaps() == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_order_duplication_and_loss_with_resending_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    channels = data.draw(st.integers(1, 2))
    pcm = random_pcm(data.draw(st.integers(1, 700)), channels=channels)
    original = split(pcm, data.draw(st.integers(1, 200)), channels=channels)
    delivered = data.draw(st.lists(st.sampled_from(original), min_size=1, max_size=3 * len(original)))
    size = data.draw(st.integers(1, 300))
    rig = IntakeRig(tmp_path_factory.mktemp("spool"))
    events = [event for chunk in delivered for event in rig.send(chunk)]
    for _ in range(6):
        if closed_recordings(events):
            break
        if data.draw(st.booleans()):
            events += rig.restart()
        for answer in control_documents(rig.wait(10.0)):
            assert answer["type"] == "missing"
            again = list(resent(pcm, answer["ranges"], size, channels))  # type: ignore[arg-type]
            kept = again[: data.draw(st.integers(0, len(again)))] + again[-1:]
            events += [event for chunk in kept for event in rig.send(chunk)]
    else:
        for answer in control_documents(rig.wait(10.0)):
            for chunk in resent(pcm, answer["ranges"], size, channels):  # type: ignore[arg-type]
                events += rig.send(chunk)
    (closed,) = closed_recordings(events)
    assert closed.completeness == "complete"
    assert rig.pcm(closed) == pcm


@settings(max_examples=60, deadline=None)
@given(
    lost=st.sets(st.integers(0, 9), max_size=9),
    seed=st.integers(0, 1000),
)
def test_audio_that_never_arrives_is_reported_as_exactly_its_gap(
    tmp_path_factory: pytest.TempPathFactory, lost: set[int], seed: int
) -> None:
    pcm = random_pcm(1000)
    kept = [chunk for number, chunk in enumerate(split(pcm, 100)) if number not in lost]
    random.Random(seed).shuffle(kept)
    rig = IntakeRig(tmp_path_factory.mktemp("spool"))
    events = [event for chunk in kept for event in rig.send(chunk)]
    events += rig.wait(31.0)
    (closed,) = closed_recordings(events)
    end = 1000 if 9 not in lost else 100 * (1 + max(set(range(10)) - lost))
    missing = {n for start, stop in closed.recording.gaps() for n in range(start, stop)}
    assert missing == {n for number in lost for n in range(number * 100, number * 100 + 100)} & set(
        range(end)
    )
    assert closed.completeness == ("complete" if not lost else "partial")
    audio = rig.pcm(closed)
    for n in range(end):
        assert audio[2 * n : 2 * n + 2] == (b"\0\0" if n in missing else pcm[2 * n : 2 * n + 2])


def test_missing_audio_is_requested_at_doubling_intervals(rig: IntakeRig) -> None:
    chunks = split(random_pcm(1000), 100)
    for chunk in (chunks[0], chunks[3], chunks[9]):
        assert rig.send(chunk) == []
    assert rig.wait(0.4) == []
    (answer,) = control_documents(rig.wait(0.1))
    assert answer == {
        "type": "missing",
        "recording_id": "0000000000000007",
        "ranges": [[100, 300], [400, 900]],
    }
    assert rig.wait(0.4) == []
    assert len(control_documents(rig.wait(0.1))) == 1
    assert rig.wait(0.9) == []
    assert len(control_documents(rig.wait(0.1))) == 1


def test_the_end_is_requested_when_last_does_not_arrive(rig: IntakeRig) -> None:
    rig.send(split(random_pcm(1000), 100)[0])
    assert control_documents(rig.wait(9.9)) == []
    (answer,) = control_documents(rig.wait(0.1))
    assert answer["ranges"] == [[100, None]]


def test_the_end_is_requested_before_the_recording_is_given_up(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path, Settings(give_up_s=6.0))  # less than the end is usually waited for
    rig.send(split(random_pcm(1000), 100)[0])
    assert control_documents(rig.wait(1.9)) == []
    (answer,) = control_documents(rig.wait(0.1))
    assert answer["ranges"] == [[100, None]]


def test_nobody_is_asked_or_given_up_while_the_worker_is_behind(rig: IntakeRig) -> None:
    rig.send(split(random_pcm(1000), 100)[0])
    assert rig.wait(60.0, busy_s=58.0) == []
    assert rig.wait(100.0, busy_s=200.0) == []
    assert rig.wait(9.9) == []
    assert len(control_documents(rig.wait(0.1))) == 1


def test_a_recording_without_last_is_closed_as_partial(rig: IntakeRig) -> None:
    pcm = random_pcm(1000)
    for chunk in split(pcm, 100)[:5]:
        rig.send(chunk)
    (closed,) = closed_recordings(rig.wait(30.0))
    assert closed.completeness == "partial"
    assert rig.pcm(closed) == pcm[:1000]


def test_a_gap_that_the_device_declares_is_requested_once_and_then_final(rig: IntakeRig) -> None:
    pcm = random_pcm(300)
    chunks = split(pcm, 100)
    rig.send(chunks[0])
    rig.send(chunks[2]._replace(flags=codec.LAST | codec.GAP_BEFORE))
    assert control_documents(rig.wait(0.5))[0]["ranges"] == [[100, 200]]
    (closed,) = closed_recordings(rig.wait(0.6))
    assert closed.recording.gaps() == [(100, 200)]
    assert closed.completeness == "partial"


def test_an_announced_meta_is_waited_for_and_requested(rig: IntakeRig) -> None:
    (chunk,) = split(random_pcm(100), 100, flags=codec.HAS_META)
    assert rig.send(chunk) == []
    (answer,) = control_documents(rig.wait(0.5))
    assert answer["meta"] is True
    assert answer["ranges"] == []
    (closed,) = closed_recordings(rig.send(meta()))
    assert closed.recording.meta == {"site": "MV"}


def test_a_missing_meta_does_not_lose_the_audio(rig: IntakeRig) -> None:
    (chunk,) = split(random_pcm(100), 100, flags=codec.HAS_META)
    rig.send(chunk)
    (closed,) = closed_recordings(rig.wait(31.0))
    assert (closed.completeness, closed.recording.meta) == ("complete", None)


def test_meta_without_audio_is_abandoned(rig: IntakeRig) -> None:
    rig.send(meta())
    assert rig.wait(31.0) == []
    assert rig.intake.counts["abandoned"] == 1
    assert list(rig.directory.rglob("*.chunks")) == []


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 3000,
        b'{"gain_db":' + b"9" * 4000 + b"[}",
    ],
)
def test_an_invalid_meta_is_rejected_and_changes_nothing(rig: IntakeRig, body: bytes) -> None:
    (answer,) = control_documents(rig.send(meta(body)))
    assert (answer["type"], answer["reason"]) == ("rejected", "meta")
    assert closed_recordings(rig.send(split(random_pcm(10), 10)[0]))


def test_one_odd_field_is_left_out_and_its_device_is_told(rig: IntakeRig) -> None:
    (notice,) = control_documents(rig.send(meta(b'{"captured_at":"2026-11-20T17:20:01","site":"MV"}')))
    assert notice == {"type": "ignored", "recording_id": f"{7:016x}", "fields": ["captured_at"]}
    assert control_documents(rig.send(meta(b'{"captured_at":"yesterday"}'))) == []  # a duplicate
    rig.restart()
    (closed,) = closed_recordings(rig.send(split(random_pcm(10), 10)[0]))
    assert closed.recording.meta == {"site": "MV", "ignored_meta": ["captured_at"]}


def test_meta_of_which_fields_were_left_out_is_counted(rig: IntakeRig) -> None:
    rig.send(meta(b'{"site":5}'))
    rig.send(meta(b'{"site":"MV"}', recording_id=8))
    assert rig.intake.counts["ignored_meta"] == 1


@pytest.mark.parametrize("body", [b"[]", b"5" * 4097], ids=["no object", "too long"])
def test_a_meta_refused_before_the_first_sound_is_not_waited_for(rig: IntakeRig, body: bytes) -> None:
    rig.send(meta(body))
    (chunk,) = split(random_pcm(100), 100, flags=codec.HAS_META)
    (closed,) = closed_recordings(rig.send(chunk))
    assert (closed.completeness, closed.recording.meta) == ("complete", {})


def test_a_meta_that_is_right_after_one_that_was_refused_counts(rig: IntakeRig) -> None:
    rig.send(meta(b"[]"))
    rig.send(meta())
    (chunk,) = split(random_pcm(100), 100, flags=codec.HAS_META)
    (closed,) = closed_recordings(rig.send(chunk))
    assert closed.recording.meta == {"site": "MV"}


def test_an_invalid_meta_that_was_announced_is_not_waited_for(rig: IntakeRig) -> None:
    (chunk,) = split(random_pcm(100), 100, flags=codec.HAS_META)
    assert rig.send(chunk) == []
    events = rig.send(meta(b"[]"))
    assert control_documents(events)[0]["reason"] == "meta"
    assert closed_recordings(events)[0].completeness == "complete"


def test_captured_at_is_converted_to_utc(rig: IntakeRig) -> None:
    rig.send(meta(b'{"captured_at":"2026-11-20T18:20:01.1234+01:00"}'))
    (closed,) = closed_recordings(rig.send(split(random_pcm(10), 10)[0]))
    assert closed.recording.meta == {"captured_at": "2026-11-20T17:20:01.123Z"}


def test_contradictions_are_rejected_and_the_first_version_stays(rig: IntakeRig) -> None:
    pcm = random_pcm(200)
    first, last = split(pcm, 100)
    rig.send(first)
    for wrong in (
        first._replace(body=random_pcm(100, seed=2)),
        first._replace(first_sample=50, body=random_pcm(100, seed=3)),
        last._replace(sample_rate=RATE + 1),
        last._replace(channels=2, sample_count=50),
        Chunk(codec.PCM, codec.LAST, 1, RATE, 7, 0, 50, pcm[:100]),
    ):
        rig.now += 2
        (answer,) = control_documents(rig.send(wrong))
        assert answer["reason"] == "contradiction", wrong
    (closed,) = closed_recordings(rig.send(last))
    assert rig.pcm(closed) == pcm


def test_audio_beyond_the_end_is_a_contradiction(rig: IntakeRig) -> None:
    chunks = split(random_pcm(300), 100)
    rig.send(chunks[1]._replace(flags=codec.LAST))
    (answer,) = control_documents(rig.send(chunks[2]))
    assert answer["reason"] == "contradiction"


def test_an_empty_last_ends_the_recording(rig: IntakeRig) -> None:
    pcm = random_pcm(100)
    rig.send(split(pcm, 100)[0]._replace(flags=0))
    (closed,) = closed_recordings(rig.send(Chunk(codec.PCM, codec.LAST, 1, RATE, 7, 100, 0, b"")))
    assert rig.pcm(closed) == pcm


def test_more_gaps_than_fit_one_message_are_requested_in_turn(rig: IntakeRig) -> None:
    pcm = random_pcm(200)
    chunks = split(pcm, 1)
    for chunk in chunks[::2] + chunks[-1:]:
        rig.send(chunk)
    (answer,) = control_documents(rig.wait(0.5))
    ranges = answer["ranges"]
    assert isinstance(ranges, list)
    assert len(ranges) == 32
    (answer,) = control_documents(rig.wait(0.5))
    assert isinstance(answer["ranges"], list)
    assert answer["ranges"][0][0] > ranges[-1][0], "even when the first are not answered"
    for chunk in resent(pcm, ranges, 1):
        rig.send(chunk)
    (answer,) = control_documents(rig.wait(0.5))
    assert isinstance(answer["ranges"], list)
    assert answer["ranges"][0][0] > ranges[-1][0]


def test_the_length_of_a_recording_is_what_came_and_not_what_a_header_claims(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    far = Chunk(codec.PCM, codec.LAST | codec.GAP_BEFORE, 1, 192_000, 7, 2**25 - 1, 1, b"\1\0")
    assert rig.send(far) == []
    events = [*rig.wait(1.0), *rig.wait(31.0)]
    (closed,) = closed_recordings(events)
    assert (closed.completeness, rig.pcm(closed)) == ("partial", b"")
    assert control_documents(events)[-1]["reason"] == "sparse"


def test_sound_before_an_implausible_gap_is_stored(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    pcm = random_pcm(1000)
    for chunk in split(pcm, 100)[:9]:
        rig.send(chunk)
    rig.send(Chunk(codec.PCM, codec.LAST, 1, RATE, 7, 2_000_000, 1, b"\1\0"))
    events = rig.wait(31.0)
    (closed,) = closed_recordings(events)
    assert closed.completeness == "partial"
    assert closed.recording.received.end == 900
    assert rig.pcm(closed) == pcm[:1800]
    assert rig.intake.counts["rejected_sparse"] == 1


def test_half_a_minute_of_which_one_second_came_is_stored_as_ever(rig: IntakeRig) -> None:
    pcm = random_pcm(RATE)
    for chunk in split(pcm, 400)[:9]:
        rig.send(chunk)
    rig.send(Chunk(codec.PCM, codec.LAST, 1, RATE, 7, 30_000, 10, b"\1\0" * 10))
    (closed,) = closed_recordings(rig.wait(31.0))
    assert closed.recording.gaps() == [(3600, 30_000)]
    assert len(rig.pcm(closed)) == 60_020


def test_chunks_of_one_sample_end_soon_and_what_overlaps_them_is_compared(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings())
    pcm = random_pcm(32_768)
    tiny = split(pcm, 1)
    answers = [each for chunk in tiny[:5000] for each in control_documents(rig.send(chunk))]
    assert {each["reason"] for each in answers} == {"too_long"}
    (recording,) = rig.intake.recordings.open.values()
    assert 1024 <= len(recording.chunks) < 1500
    assert rig.send(split(pcm, 32_768)[0]._replace(flags=0)) == []
    rig.now += 2.0
    changed = bytes(1)[:1] + pcm[1:] if pcm[0] else b"\1" + pcm[1:]
    (answer,) = control_documents(rig.send(split(changed, 32_768)[0]._replace(flags=0)))
    assert answer["reason"] == "contradiction"


def test_overlaps_do_not_fill_the_disk(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", Settings(max_recording_mb=1))
    pcm = random_pcm(40_000)
    for end in range(30_000, 30_100):  # one sample more each time
        rig.send(Chunk(codec.PCM, 0, 1, RATE, 7, 0, end, pcm[: 2 * end]))
    assert rig.intake.spool_bytes <= 2 * 2**20
    assert rig.intake.counts["rejected_too_long"] > 0
