"""Codec of chunks, tested with the vectors that the firmware is tested with as well."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_worker.errors import ChunkError
from edge_worker.protocol import chunk
from edge_worker.protocol.chunk import Chunk, decode, encode

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "chunks.json").read_text())


def fields(document: dict[str, Any]) -> Chunk:
    return Chunk(
        document["type"],
        document["flags"],
        document["channels"],
        document["sample_rate"],
        int(document["recording_id"], 16),
        document["first_sample"],
        document["sample_count"],
        bytes.fromhex(document["body"]),
    )


def test_there_are_vectors_of_both_kinds() -> None:
    assert len(VECTORS["valid"]) >= 6
    assert len(VECTORS["invalid"]) >= 12


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["name"])
def test_valid_vectors_decode_and_encode(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload"])
    expected = fields(vector["chunk"])
    assert decode(payload)._replace(body=expected.body) == expected
    assert bytes(decode(payload).body) == expected.body
    assert encode(expected) == payload


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["name"])
def test_invalid_vectors_are_refused_for_their_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(ChunkError) as caught:
        decode(bytes.fromhex(vector["payload"]))
    assert caught.value.reason == vector["reason"]
    name = None if caught.value.recording_id is None else f"{caught.value.recording_id:016x}"
    assert name == vector["recording_id"]


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    channels = draw(st.integers(1, 2))
    count = draw(st.integers(1, 300))
    body = draw(st.binary(min_size=count * channels * 2, max_size=count * channels * 2))
    rate = draw(st.integers(chunk.MIN_RATE_HZ, chunk.MAX_RATE_HZ))
    first = draw(st.integers(0, chunk.MAX_SAMPLES - count))
    return Chunk(
        chunk.PCM,
        draw(st.integers(0, 31)),
        channels,
        rate,
        draw(st.integers(0, 2**64 - 1)),
        first,
        count,
        body,
    )


@given(chunks())
def test_what_is_encoded_decodes_to_the_same(original: Chunk) -> None:
    decoded = decode(encode(original))
    assert decoded._replace(body=bytes(decoded.body)) == original


@given(chunks(), st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_is_noticed(original: Chunk, position: int, change: int) -> None:
    payload = bytearray(encode(original))
    payload[position % len(payload)] ^= change
    with pytest.raises(ChunkError):
        decode(bytes(payload))


@given(st.binary(max_size=200))
def test_garbage_is_refused_with_a_reason(payload: bytes) -> None:
    with pytest.raises(ChunkError) as caught:
        decode(payload)
    assert caught.value.reason in {"short", "magic", "crc"}
