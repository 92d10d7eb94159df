"""Chunk: one MQTT payload of PCM audio or META, with a binary header of 32 bytes.

Device to worker on `stetho/v1/device/{device}/up/pcm`, QoS 1, not retained. Normative: `docs/protocol.md`
§ Chunk; pinned for Python and C++ by `tests/vectors/chunks.json`.
"""

import struct
import zlib
from typing import Final, NamedTuple

from edge_worker.errors import ChunkError

MAGIC: Final = b"STH1"
HEADER: Final = struct.Struct("<4sBBBBIQIII")
HEADER_BYTES: Final = 32
_CRC_OFFSET: Final = 28

PCM: Final = 1
META: Final = 2

LAST: Final = 1
RESEND: Final = 2
GAP_BEFORE: Final = 4
CLIPPED: Final = 8
HAS_META: Final = 16
STREAM: Final = 32

CODEC_S16LE: Final = 1
SAMPLE_BYTES: Final = 2
MAX_CHANNELS: Final = 2
MIN_RATE_HZ: Final = 1_000
MAX_RATE_HZ: Final = 192_000
MAX_BODY_BYTES: Final = 65_536
MAX_META_BYTES: Final = 4_096
MAX_SAMPLES: Final = 2**32 - 1


class Chunk(NamedTuple):
    """A decoded chunk. A named tuple, because one is created for each of a thousand messages a second."""

    type: int
    """`PCM` or `META`."""
    flags: int
    """Bits of `LAST`, `RESEND`, `GAP_BEFORE`, `CLIPPED`, `HAS_META`, `STREAM`."""
    channels: int
    sample_rate: int
    """Hz"""
    recording_id: int
    """Random 64-bit number, unique per device."""
    first_sample: int
    """Index, per channel, of the first sample in the recording."""
    sample_count: int
    """Samples per channel; META: bytes of JSON."""
    body: bytes | memoryview
    """Signed 16-bit little endian, channels interleaved; META: UTF-8 JSON."""

    @property
    def end(self) -> int:
        """Index after the last sample of this chunk."""
        return self.first_sample + self.sample_count

    @property
    def is_last(self) -> bool:
        """Whether this chunk fixes the length of its recording."""
        return bool(self.flags & LAST)

    @property
    def is_stream(self) -> bool:
        """Whether this chunk belongs to a stream: a recording whose end is not known beforehand."""
        return bool(self.flags & STREAM)


def encode(chunk: Chunk) -> bytes:
    """Return the payload of `chunk`, checksum included."""
    header = HEADER.pack(
        MAGIC,
        chunk.type,
        chunk.flags,
        CODEC_S16LE,
        chunk.channels,
        chunk.sample_rate,
        chunk.recording_id,
        chunk.first_sample,
        chunk.sample_count,
        0,
    )
    crc = zlib.crc32(chunk.body, zlib.crc32(header[:_CRC_OFFSET]))
    return header[:_CRC_OFFSET] + crc.to_bytes(4, "little") + chunk.body


def decode(payload: bytes | memoryview) -> Chunk:
    """Return the chunk in `payload`; its body is a view, not a copy.

    Raises:
        ChunkError: with the reason of the first rule that `payload` breaks.
    """
    if len(payload) < HEADER_BYTES:
        raise ChunkError("short", f"{len(payload)} bytes are fewer than a header of {HEADER_BYTES}")
    magic, kind, flags, codec, channels, rate, recording_id, first, count, crc = HEADER.unpack_from(payload)
    if magic != MAGIC:
        raise ChunkError("magic", "the payload does not start with STH1")
    view = memoryview(payload)
    body = view[HEADER_BYTES:]
    if zlib.crc32(body, zlib.crc32(view[:_CRC_OFFSET])) != crc:
        raise ChunkError("crc", "the checksum does not match", recording_id)
    chunk = Chunk(kind, flags, channels, rate, recording_id, first, count, body)
    if kind == PCM:
        _check_pcm(chunk, codec)
    elif kind == META:
        _check_meta(chunk)
    else:
        raise ChunkError("type", f"type {kind} is neither PCM (1) nor META (2)", recording_id)
    return chunk


def is_meta(payload: bytes) -> bool:
    """Return whether the header of a payload says that it is a META chunk, as it should be."""
    return len(payload) >= HEADER_BYTES and payload[len(MAGIC)] == META


def peek_recording_id(payload: bytes) -> int | None:
    """Return the recording id in the header of a payload, unchecked; None where there is no header."""
    is_chunk = len(payload) >= HEADER_BYTES and payload.startswith(MAGIC)
    return int(HEADER.unpack_from(payload)[6]) if is_chunk else None


def body_bytes(chunk_type: int, channels: int, sample_count: int) -> int:
    """Return the length in bytes of the body of a chunk with these header fields."""
    return sample_count if chunk_type == META else sample_count * channels * SAMPLE_BYTES


def recording_name(recording_id: int) -> str:
    """Return a recording id as written in JSON, SQL, URLs and file names: 16 hexadecimal digits."""
    return f"{recording_id:016x}"


def _check_pcm(chunk: Chunk, codec: int) -> None:
    number = chunk.recording_id
    if codec != CODEC_S16LE:
        raise ChunkError("codec", f"codec {codec} is not signed 16-bit little endian (1)", number)
    if not 1 <= chunk.channels <= MAX_CHANNELS:
        raise ChunkError("channels", f"{chunk.channels} channels; 1 or 2 are possible", number)
    if not MIN_RATE_HZ <= chunk.sample_rate <= MAX_RATE_HZ:
        limits = f"{MIN_RATE_HZ} to {MAX_RATE_HZ} Hz are possible"
        raise ChunkError("rate", f"{chunk.sample_rate} Hz; {limits}", number)
    if len(chunk.body) != chunk.sample_count * chunk.channels * SAMPLE_BYTES:
        raise ChunkError(
            "length", f"{len(chunk.body)} bytes of body for {chunk.sample_count} samples", number
        )
    if len(chunk.body) > MAX_BODY_BYTES:
        raise ChunkError("length", f"a body of {len(chunk.body)} bytes is over {MAX_BODY_BYTES}", number)
    if chunk.sample_count == 0 and not chunk.is_last:
        raise ChunkError("length", "only the last chunk may be empty", number)
    if chunk.end > MAX_SAMPLES:
        raise ChunkError("length", "the recording does not end within 32 bits of samples", number)


def _check_meta(chunk: Chunk) -> None:
    if len(chunk.body) != chunk.sample_count or not 1 <= len(chunk.body) <= MAX_META_BYTES:
        detail = (
            f"{len(chunk.body)} bytes of JSON for a count of {chunk.sample_count}, at most {MAX_META_BYTES}"
        )
        raise ChunkError("length", detail, chunk.recording_id)
    if chunk.first_sample != 0:
        raise ChunkError("meta", "first_sample of a META chunk is 0", chunk.recording_id)
