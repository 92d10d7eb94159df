"""Streaming device: chunks, resend buffer, answers; and `stetho live` on the real broker and worker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Client

from edge_worker.protocol import chunk as codec
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk, decode
from simulator.device.device import RETRANSMIT_AFTER_S
from simulator.device.live_device import RESEND_BUFFER_S, LiveDevice, Stream
from simulator.site.site import Site
from simulator.sound.audio_source import Block, FileSource
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import Sound, from_samples, write

RATE = 1000
CONTROL = topics.control("st-01")


def ramp(samples: int, start: int = 0) -> "np.ndarray[tuple[int, int], np.dtype[np.int16]]":
    return np.arange(start, start + samples, dtype=np.int16)[:, np.newaxis]


def started_stream(meta: bytes = b"") -> tuple[LiveDevice, Stream]:
    device, stream = LiveDevice("st-01", "00000001", 300), Stream(7, RATE, 1, meta)
    device.begin(stream)
    return device, stream


def due_chunks(device: LiveDevice, now: float = 0.0) -> list[Chunk]:
    """Return the chunks that are due; state messages are ignored."""
    found = []
    while (message := device.next_message(now)) is not None:
        if message.topic == topics.pcm("st-01"):
            found.append(decode(message.payload))
    return found


def receive_control(device: LiveDevice, **document: object) -> None:
    device.receive(CONTROL, json.dumps({"recording_id": f"{7:016x}", **document}).encode(), 0.0)


def test_samples_are_sent_in_chunks_and_the_rest_with_last() -> None:
    device, _ = started_stream()
    for start in range(0, 700, 70):
        device.push(Block(ramp(70, start)))
    assert [(chunk.first_sample, chunk.sample_count) for chunk in due_chunks(device)] == [
        (0, 300),
        (300, 300),
    ]
    device.end(0.0)
    (last,) = due_chunks(device)
    assert (last.first_sample, last.sample_count) == (600, 100)
    assert last.is_last
    assert last.is_stream
    assert np.frombuffer(last.body, "<i2").tolist() == list(range(600, 700))


def test_an_end_without_unsent_samples_is_an_empty_last() -> None:
    device, _ = started_stream()
    device.push(Block(ramp(300)))
    device.end(0.0)
    *_, last = due_chunks(device)
    assert (last.first_sample, last.sample_count, last.is_last) == (300, 0, True)


def test_samples_lost_by_the_sound_card_are_a_flagged_gap() -> None:
    device, _ = started_stream()
    device.push(Block(ramp(100)))
    device.push(Block(ramp(300), lost=50))
    before, after = due_chunks(device)
    assert (before.first_sample, before.sample_count) == (0, 100)
    assert after.first_sample == 150
    assert after.flags & codec.GAP_BEFORE
    assert not before.flags & codec.GAP_BEFORE


def test_buffered_chunks_and_meta_are_resent() -> None:
    device, _ = started_stream(b'{"site":"MV"}')
    device.push(Block(ramp(1200)))
    meta, *sent = due_chunks(device)
    assert meta.type == codec.META
    assert meta.is_stream
    receive_control(device, type="missing", ranges=[[300, 500], [900, None]], meta=True)
    again = due_chunks(device)
    assert [chunk.type for chunk in again] == [codec.META, codec.PCM, codec.PCM]
    assert [chunk.first_sample for chunk in again[1:]] == [300, 900]
    assert all(chunk.flags & codec.RESEND for chunk in again)
    assert len(sent) == 4


def test_the_resend_buffer_is_limited() -> None:
    device, _ = started_stream()
    device.push(Block(np.zeros((60 * RATE, 1), np.int16)))
    assert len(device._resend_buffer) <= RESEND_BUFFER_S * RATE / 300 + 1
    assert len(device._queue) <= RESEND_BUFFER_S * RATE / 300 + 1, "without a broker the stream gets a gap"


def test_the_last_chunk_is_retransmitted_until_stored() -> None:
    device, stream = started_stream()
    device.push(Block(ramp(100)))
    device.end(0.0)
    due_chunks(device)
    assert device.due_at() == RETRANSMIT_AFTER_S
    (retransmission,) = due_chunks(device, RETRANSMIT_AFTER_S)
    assert retransmission.flags & codec.LAST
    assert retransmission.flags & codec.RESEND
    receive_control(device, type="stored", completeness="complete")
    assert due_chunks(device, 1000.0) == []
    assert stream.completeness == "complete"


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b'{"recording_id":7}', b"\xff", b'{"type":"missing"}']
)
def test_malformed_messages_are_ignored(payload: bytes) -> None:
    device, stream = started_stream()
    device.receive(CONTROL, payload, 0.0)
    device.receive(topics.live("st-01"), payload, 0.0)
    assert stream.live is None


def test_a_file_source_plays_all_samples_repeats_and_can_be_closed() -> None:
    sound = Sound(ramp(100), RATE)
    assert np.concatenate([block.samples for block in FileSource(sound)]).tolist() == sound.pcm.tolist()
    endless = FileSource(sound, repeat=True)
    blocks = iter(endless)
    for _ in range(20):  # four times around
        assert len(next(blocks).samples) == 20
    endless.close()
    assert list(blocks) == []


def test_e8_the_live_command_shows_the_heart_rate_while_the_sound_plays(site: Site, tmp_path: Path) -> None:
    heart = tmp_path / "heart.wav"
    write(heart, from_samples(synthesise("normal", 72, 7, 8000, 1), 8000))
    site.start_worker()
    arguments = ["live", "--file", str(heart), "--device", "st-01", "--port", str(site.broker.port)]
    environ = {**os.environ, "STETHO_DEVICE_PASSWORD": site.add_device("st-01").password}
    with Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/device/+/down/live") as operator:
        ended = subprocess.run(
            [sys.executable, "-m", "simulator", *arguments, "--chunk-samples", "1600", "--site", "MV"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environ,
        )
        full = operator.wait_for("stetho/v1/result/st-01")
        assert len(operator.documents("stetho/v1/device/st-01/down/live")) >= 10
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["recording_id"] == full["recording_id"]
    assert (full["completeness"], full["site"], full["audio"]["samples"]) == ("complete", "MV", 7 * 8000)
    rate = f"{full['heart_rate_bpm']:.0f}"
    shown, _, after = ended.stderr.partition("WAITING")
    assert f"HR {rate} good" in shown, "before the end"
    assert "LIVE 0:05" in shown
    assert "not a diagnosis" in after


def test_live_without_an_analyser_is_one_sentence(site: Site, tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    write(sound, from_samples(synthesise("normal", 72, 1, 4000, 1), 4000))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "simulator", "live", "--file", str(sound), "--timeout", "1"),
            *("--port", str(site.broker.port), "--password", site.add_device("live-01").password),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "no analyser is online" in ended.stderr
