"""Protocol state of a device: chunks, retransmissions and answers to `missing`, at the right time."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.protocol import topics
from edge_worker.protocol.chunk import CLIPPED, HAS_META, LAST, META, PCM, RESEND, Chunk, decode
from simulator.device.device import CROSSES_S, RETRANSMIT_AFTER_S, Device
from simulator.device.message import Message
from simulator.device.recording import Recording, encode_meta
from simulator.sound.sound_file import Sound

DEVICE = "st-01"
CONTROL = topics.control(DEVICE)
SAMPLES = 1000


def _recording(
    samples: int = SAMPLES, *, chunk_samples: int = 300, channels: int = 1, with_meta: bool = True
) -> Recording:
    pcm = np.random.default_rng(1).integers(-30_000, 30_000, (samples, channels)).astype(np.int16)
    meta = encode_meta(("heart5",), "MV") if with_meta else b""
    return Recording.from_sound(Sound(pcm, 1000), 0x1122334455667788, meta, chunk_samples)


def _all(device: Device, now: float) -> list[Message]:
    messages = []
    while (message := device.next_message(now)) is not None:
        messages.append(message)
    return messages


def _chunks(messages: list[Message]) -> list[Chunk]:
    return [decode(message.payload) for message in messages if message.topic == topics.pcm(DEVICE)]


def _sent(recording: Recording) -> Device:
    """Return a device that has sent all of `recording` once."""
    device = Device(DEVICE, "0badcafe")
    device.record(recording, 0.0, in_real_time=False)
    _all(device, 0.0)
    return device


def _receive(device: Device, now: float = CROSSES_S, topic: str = CONTROL, **document: Any) -> None:  # noqa: ANN401
    device.receive(topic, json.dumps({"recording_id": "1122334455667788", **document}).encode(), now)


def test_birth_and_will_share_a_topic_and_the_boot() -> None:
    device = Device(DEVICE, "0badcafe")
    device.on_connected()
    birth, info = _all(device, 0.0)
    assert birth.topic == device.will_message().topic == topics.state(DEVICE)
    assert json.loads(birth.payload) == {"state": "online", "boot": "0badcafe"}
    assert json.loads(device.will_message().payload) == {"state": "lost", "boot": "0badcafe"}
    assert birth.retain
    assert device.will_message().retain
    assert info.topic == topics.info(DEVICE)
    assert {"firmware", "hardware", "formats", "buffer_bytes"} <= json.loads(info.payload).keys()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1, 299, 300, 301, 1000])
def test_a_recording_is_sent_completely_in_order_and_ends_with_last(samples: int, channels: int) -> None:
    recording = _recording(samples, channels=channels)
    device = Device(DEVICE, "0badcafe")
    device.record(recording, 0.0, in_real_time=False)
    messages = _all(device, 0.0)
    states = [json.loads(m.payload)["state"] for m in messages if m.topic == topics.state(DEVICE)]
    meta, *audio = _chunks(messages)
    assert states == ["recording", "online"]
    assert meta.type == META
    assert json.loads(bytes(meta.body))["models"] == ["heart5"]
    assert b"".join(chunk.body for chunk in audio) == bytes(recording.pcm)
    assert [chunk.flags for chunk in audio] == [HAS_META] * (len(audio) - 1) + [HAS_META | LAST]
    assert {chunk.type for chunk in audio} == {PCM}
    assert not device.is_recording


def test_in_real_time_a_chunk_is_sent_when_its_last_sample_was_recorded() -> None:
    device = Device(DEVICE, "0badcafe")
    device.record(_recording(with_meta=False), 10.0, in_real_time=True)
    assert _chunks(_all(device, 10.0)) == []
    assert device.due_at() == pytest.approx(10.3)
    assert _chunks(_all(device, 10.299)) == []
    assert [chunk.first_sample for chunk in _chunks(_all(device, 10.301))] == [0]
    assert [chunk.first_sample for chunk in _chunks(_all(device, 10.95))] == [300, 600]
    assert device.max_late_s == pytest.approx(0.35)
    assert _chunks(_all(device, 11.0))[0].is_last


def test_clipped_chunks_are_flagged_and_has_meta_is_not_set_without_meta() -> None:
    pcm = np.zeros((900, 1), np.int16)
    pcm[0], pcm[450] = 32767, -32768
    device = Device(DEVICE, "0badcafe")
    device.record(Recording.from_sound(Sound(pcm, 1000), 1, b"", 300), 0.0, in_real_time=False)
    assert [chunk.flags for chunk in _chunks(_all(device, 0.0))] == [CLIPPED, CLIPPED, LAST]


_bound = st.integers(0, SAMPLES + 200)


@settings(deadline=None)  # nothing is timed in a test
@given(
    ranges=st.lists(st.tuples(_bound, st.one_of(st.none(), _bound)), max_size=8),
    channels=st.sampled_from([1, 2]),
    chunk_samples=st.integers(1, 1200),
    wants_meta=st.booleans(),
)
def test_exactly_the_requested_samples_are_resent(
    ranges: list[tuple[int, int | None]], channels: int, chunk_samples: int, wants_meta: bool
) -> None:
    recording = _recording(chunk_samples=chunk_samples, channels=channels)
    device = _sent(recording)
    _receive(device, type="missing", ranges=ranges, meta=wants_meta)
    chunks = _chunks(_all(device, 1.0))
    audio = [chunk for chunk in chunks if chunk.type == PCM]
    unit = 2 * channels
    wanted = [
        index
        for start, end in ranges
        for index in range(start, min(SAMPLES, SAMPLES if end is None else end))
    ]
    assert [index for chunk in audio for index in range(chunk.first_sample, chunk.end)] == wanted
    for chunk in audio:
        assert chunk.body == recording.pcm[chunk.first_sample * unit : chunk.end * unit]
        assert chunk.is_last == (chunk.end == SAMPLES)
        assert chunk.sample_count <= chunk_samples
    assert all(chunk.flags & RESEND for chunk in chunks)
    assert sum(chunk.type == META for chunk in chunks) == wants_meta
    if any(end is None for _, end in ranges):
        assert any(chunk.is_last for chunk in audio)


def test_the_open_end_of_a_whole_recording_is_an_empty_last() -> None:
    device = _sent(_recording())
    _receive(device, type="missing", ranges=[[SAMPLES, None]])
    (chunk,) = _chunks(_all(device, 1.0))
    assert (chunk.first_sample, chunk.sample_count, chunk.is_last) == (SAMPLES, 0, True)


def test_samples_that_are_not_recorded_yet_are_not_resent() -> None:
    device = Device(DEVICE, "0badcafe")
    device.record(_recording(), 0.0, in_real_time=True)
    _all(device, 0.65)
    _receive(device, 0.65, type="missing", ranges=[[100, 900], [500, None]])
    chunks = _chunks(_all(device, 0.65))
    assert [(chunk.first_sample, chunk.end) for chunk in chunks] == [(100, 400), (400, 600)]
    assert not any(chunk.is_last for chunk in chunks)


def test_a_request_of_the_end_that_crosses_with_it_is_ignored() -> None:
    device = _sent(_recording())
    _receive(device, CROSSES_S - 0.01, type="missing", ranges=[[0, 10], [500, None]])
    assert [(chunk.first_sample, chunk.end) for chunk in _chunks(_all(device, 1.9))] == [(0, 10)]
    _receive(device, CROSSES_S, type="missing", ranges=[[900, None]])
    assert [chunk.is_last for chunk in _chunks(_all(device, CROSSES_S))] == [True]


def test_the_newest_request_replaces_an_older_one() -> None:
    device = _sent(_recording())
    _receive(device, type="missing", ranges=[[0, 1000]])
    device.next_message(1.0)
    _receive(device, type="missing", ranges=[[600, 700]])
    assert [(chunk.first_sample, chunk.end) for chunk in _chunks(_all(device, 1.0))] == [(600, 700)]


def test_without_stored_the_last_chunk_is_retransmitted_with_exponential_backoff() -> None:
    device = _sent(_recording())
    assert device.due_at() == RETRANSMIT_AFTER_S
    assert _all(device, RETRANSMIT_AFTER_S - 0.01) == []
    (chunk,) = _chunks(_all(device, RETRANSMIT_AFTER_S))
    assert (chunk.first_sample, chunk.is_last) == (900, True)
    assert chunk.flags & RESEND
    assert device.due_at() == 3 * RETRANSMIT_AFTER_S


def test_after_a_lost_connection_the_last_chunk_is_retransmitted_at_once() -> None:
    device = _sent(_recording())
    device.on_connected()
    (chunk,) = _chunks(_all(device, 1.0))
    assert (chunk.is_last, device.due_at()) == (True, 1.0 + 2 * RETRANSMIT_AFTER_S)


def test_a_missing_message_postpones_the_retransmission() -> None:
    device = _sent(_recording())
    _receive(device, 4.0, type="missing", ranges=[[0, 10]])
    _all(device, 4.0)
    assert device.due_at() == 4.0 + RETRANSMIT_AFTER_S


def test_stored_releases_the_recording() -> None:
    device = _sent(_recording())
    _receive(device, type="missing", ranges=[[0, 10]])
    _receive(device, 2.0, type="stored", completeness="partial")
    (delivery,) = device.deliveries.values()
    assert (delivery.stored_at, delivery.completeness) == (2.0, "partial")
    assert device.due_at() == math.inf
    _receive(device, type="missing", ranges=[[0, 10]])
    assert _all(device, 100.0) == []


def test_a_recording_closed_by_the_worker_is_not_sent_any_further() -> None:
    device = Device(DEVICE, "0badcafe")
    device.record(_recording(), 0.0, in_real_time=True)
    _all(device, 0.4)
    _receive(device, type="stored", completeness="partial")
    assert _chunks(_all(device, 100.0)) == []
    assert not device.is_recording


def test_only_the_first_result_of_an_own_recording_is_accepted() -> None:
    device = _sent(_recording())
    (delivery,) = device.deliveries.values()
    result = topics.device_result(DEVICE)
    _receive(device, topic=result, recording_id="00000000000000ff", status="ok")
    assert delivery.result is None
    _receive(device, 3.0, topic=result, status="inconclusive")
    _receive(device, 4.0, topic=result, status="ok")
    assert delivery.result == {"recording_id": "1122334455667788", "status": "inconclusive"}
    assert delivery.result_at == 3.0
    assert json.loads(delivery.result_payload) == delivery.result


def test_rejections_are_recorded_with_their_detail() -> None:
    device = _sent(_recording())
    _receive(device, type="rejected", reason="crc", detail="crc: the checksum does not match")
    assert next(iter(device.deliveries.values())).rejections == ["crc: the checksum does not match"]


_MISSING = b'{"recording_id": "1122334455667788", "type": "missing"'


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\x00",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"recording_id": null, "type": "rejected"}',
        b'{"recording_id": [1], "type": "missing"}',
        b'{"recording_id": "1122334455667788"}',
        b'{"recording_id": "1122334455667788", "type": "a new one"}',
        _MISSING + b"}",
        _MISSING + b', "ranges": {"0": 1}}',
        _MISSING + b', "ranges": [1, [], [1], [1, 2, 3], ["a", "b"]]}',
        _MISSING + b', "ranges": [[-5, 9], [5, 2], [1.5, 3], [true, 3]]}',
        _MISSING + b', "ranges": [[1e400, null]], "meta": "yes"}',
    ],
)
def test_malformed_control_messages_are_ignored(payload: bytes) -> None:
    device = _sent(_recording())
    device.receive(CONTROL, payload, 1.0)
    assert _all(device, 1.0) == []


def test_several_recordings_are_pending_at_once() -> None:
    device = Device(DEVICE, "0badcafe")
    for number in (1, 2, 3):
        sound = Sound(np.full((400, 1), number, np.int16), 1000)
        device.record(Recording.from_sound(sound, number, b"", 300), 0.0, in_real_time=False)
        _all(device, 0.0)
    _receive(device, recording_id=f"{2:016x}", type="missing", ranges=[[0, 5]])
    (chunk,) = _chunks(_all(device, 1.0))
    assert (chunk.recording_id, bytes(chunk.body)) == (2, b"\x02\x00" * 5)
    _receive(device, recording_id=f"{2:016x}", type="stored", completeness="complete")
    retransmissions = _chunks(_all(device, RETRANSMIT_AFTER_S))
    assert [chunk.recording_id for chunk in retransmissions] == [1, 3]
    assert device.counts == {"chunks": 9, "resent": 3}
