"""The chunk codec of the firmware against that of Python, with generated chunks, under sanitizers."""

import subprocess
import zlib
from collections.abc import Iterator
from typing import Final

import pytest
import toolchain
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.errors import ChunkError
from edge_worker.protocol.chunk import (
    HEADER,
    LAST,
    MAX_META_BYTES,
    MAX_RATE_HZ,
    MAX_SAMPLES,
    META,
    MIN_RATE_HZ,
    PCM,
    Chunk,
    decode,
    encode,
    recording_name,
)

pytestmark = pytest.mark.timeout(600)  # it builds
_CRC_OFFSET: Final = 28
_ID: Final = st.integers(0, 2**64 - 1)


class Codec:
    """The program `firmware/tests/codec.cpp`, which answers each line with a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, payload: bytes) -> str:
        """Return the answer of the C++ codec to `payload`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(payload.hex() + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the codec died of {payload.hex()}"
        return answer.strip()


@pytest.fixture(scope="module")
def codec() -> Iterator[Codec]:
    program = toolchain.build("sanitize", "stetho_codec") / "tests" / "stetho_codec"
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Codec(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0, "a sanitizer found something at the end"


@st.composite
def pcm_chunks(draw: st.DrawFn) -> Chunk:
    channels = draw(st.integers(1, 2))
    flags = draw(st.integers(0, 255))
    samples = draw(st.binary(max_size=512))
    body = samples[: len(samples) // (2 * channels) * 2 * channels]
    count = len(body) // (2 * channels)
    first = draw(st.integers(0, MAX_SAMPLES - count))
    rate = draw(st.integers(MIN_RATE_HZ, MAX_RATE_HZ))
    return Chunk(PCM, flags if count else flags | LAST, channels, rate, draw(_ID), first, count, body)


@st.composite
def meta_chunks(draw: st.DrawFn) -> Chunk:
    body = draw(st.binary(min_size=1, max_size=MAX_META_BYTES))
    rate = draw(st.integers(0, 2**32 - 1))
    return Chunk(
        META, draw(st.integers(0, 255)), draw(st.integers(0, 255)), rate, draw(_ID), 0, len(body), body
    )


@st.composite
def odd_headers(draw: st.DrawFn) -> bytes:
    """Draw a payload with a correct checksum and any header, mostly near the limits."""
    near = st.sampled_from([0, 1, 2, 3, 999, 1_000, 192_000, 192_001, 65_536, 2**32 - 1])
    number = st.one_of(near, st.integers(0, 2**32 - 1))
    body = draw(st.binary(max_size=16))
    count = draw(st.one_of(st.just(len(body)), st.just(len(body) // 2), st.just(len(body) // 4), number))
    small = st.integers(0, 3)
    fields = (draw(small), draw(st.integers(0, 255)), draw(small), draw(small), draw(number), draw(_ID))
    header = HEADER.pack(b"STH1", *fields, draw(number), count, 0)
    return _sealed(header[:_CRC_OFFSET], body)


def _sealed(header: bytes, body: bytes) -> bytes:
    return header + zlib.crc32(body, zlib.crc32(header)).to_bytes(4, "little") + body


def _expected(payload: bytes) -> str:
    """Return the answer of the Python codec to `payload`, in the format of the C++ program."""
    try:
        chunk = decode(payload)
    except ChunkError as error:
        return error.reason
    body = bytes(chunk.body)
    numbers = (chunk.type, chunk.flags, chunk.channels, chunk.sample_rate)
    places = (recording_name(chunk.recording_id), chunk.first_sample, chunk.sample_count)
    again = encode(chunk._replace(body=body)).hex()
    return " ".join(map(str, (*numbers, *places, body.hex() or "-", again)))


@settings(max_examples=300, deadline=None)
@given(chunk=st.one_of(pcm_chunks(), meta_chunks()))
def test_a5_valid_chunks_are_the_same_in_both_languages(codec: Codec, chunk: Chunk) -> None:
    payload = encode(chunk)
    answer = codec.ask(payload)
    assert answer == _expected(payload)
    assert answer.endswith(payload.hex())


@settings(max_examples=300, deadline=None)
@given(payload=odd_headers())
def test_a5_odd_headers_are_refused_for_the_same_reason(codec: Codec, payload: bytes) -> None:
    assert codec.ask(payload) == _expected(payload)


@settings(max_examples=200, deadline=None)
@given(payload=st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(b"STH1".__add__)))
def test_a5_garbage_is_refused_for_the_same_reason(codec: Codec, payload: bytes) -> None:
    assert codec.ask(payload) == _expected(payload)


@settings(max_examples=200, deadline=None)
@given(chunk=pcm_chunks(), data=st.data())
def test_a5_a_damaged_chunk_is_refused_for_the_same_reason(
    codec: Codec, chunk: Chunk, data: st.DataObject
) -> None:
    payload = bytearray(encode(chunk))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    answer = codec.ask(bytes(payload[: data.draw(st.integers(0, len(payload)))]))
    assert answer in {"short", "magic", "crc"}
