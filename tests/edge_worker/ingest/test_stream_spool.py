"""Spool of streams with damaged or deleted files: the stream goes on with the sound that is there."""

import shutil
from pathlib import Path

import pytest
from intake_rig import RATE, random_pcm, split

from edge_worker.ingest.quarantine import Quarantine
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import encode

PCM = random_pcm(RATE * 45)
STATE = {
    "position": 8000,
    "needed_from": 4000,
    "received_at": 5.0,
    "sample_rate": RATE,
    "channels": 1,
    "meta": {},
}


def spooled(directory: Path) -> tuple[StreamSpool, Stream]:
    spool, stream = StreamSpool(directory), Stream("st-01", 7, 1.0)
    for chunk in split(PCM, RATE, flags=codec.STREAM):
        spool.append(stream, encode(chunk), chunk)
        stream.add(chunk)
    return spool, stream


def audio(spool: StreamSpool, stream: Stream) -> bytes:
    return b"".join(bytes(chunk.body) for chunk in spool.read_chunks(stream))


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"position": 8000, "needed',
        "[]",
        "null",
        "{}",
        '"x"',
        "[" * 100_000,
        '{"position": 1, "needed_from": 2, "received_at": 5, "sample_rate": 4000, "channels": 1, "meta": {}}',
        '{"position": 8, "needed_from": 2, "received_at": 5, "sample_rate": 0, "channels": 1, "meta": {}}',
        '{"position": "8", "needed_from": 2, "received_at": 5, "sample_rate": 1, "channels": 1, "meta": {}}',
        '{"position": 8, "needed_from": 2, "received_at": [], "sample_rate": 1, "channels": 1, "meta": {}}',
        '{"position": 8, "needed_from": 2, "received_at": 5, "sample_rate": 1, "channels": 1, "meta": 3}',
    ],
)
def test_a_damaged_state_is_moved_aside_and_the_sound_stays(tmp_path: Path, text: str) -> None:
    spool, stream = spooled(tmp_path / "spool")
    spool.save_state(stream, STATE)
    (tmp_path / "spool" / "st-01" / "0000000000000007.stream" / "state.json").write_text(text)
    (loaded,) = StreamSpool(tmp_path / "spool").load()
    assert loaded.state is None
    assert audio(spool, loaded) == PCM
    assert len(Quarantine(tmp_path / "quarantine").entries()) == 1
    (again,) = StreamSpool(tmp_path / "spool").load()
    assert again.state is None


def test_a_state_that_is_whole_is_taken(tmp_path: Path) -> None:
    spool, stream = spooled(tmp_path / "spool")
    spool.save_state(stream, STATE)
    (loaded,) = StreamSpool(tmp_path / "spool").load()
    assert loaded.state == STATE


def test_a_stream_goes_on_when_its_folder_was_deleted(tmp_path: Path) -> None:
    spool, stream = spooled(tmp_path / "spool")
    spool.close(stream)  # as when many others are open
    shutil.rmtree(tmp_path / "spool" / "st-01")
    rest = random_pcm(RATE, seed=2)
    for chunk in split(PCM + rest, RATE, flags=codec.STREAM)[-1:]:
        spool.append(stream, encode(chunk), chunk)
    assert audio(spool, stream) == rest
    (loaded,) = StreamSpool(tmp_path / "spool").load()
    assert audio(spool, loaded) == rest
