"""Recording in the memory of a device, and the chunks in which it is sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np

from edge_worker.protocol import strict_json
from edge_worker.protocol.chunk import (
    CLIPPED,
    HAS_META,
    LAST,
    META,
    PCM,
    RESEND,
    SAMPLE_BYTES,
    Chunk,
    recording_name,
)
from simulator.sound.sound_file import Sound

_LOUDEST = 32_767

Range = tuple[int, int | None]
"""Half-open range of samples per channel; an end of None: to the end of the recording, LAST included."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Recording that a device holds from the press of its button until the worker publishes `stored`."""

    recording_id: int
    sample_rate: int
    """Hz"""
    channels: int
    pcm: memoryview
    """Signed 16-bit little endian, channels interleaved; may be shared by many recordings."""
    meta: bytes
    """JSON of the META chunk; empty when there is none."""
    chunk_samples: int
    """Samples per channel in each chunk but the last."""

    @classmethod
    def from_sound(cls, sound: Sound, recording_id: int, meta: bytes, chunk_samples: int) -> Self:
        """Return a recording of `sound`."""
        pcm = memoryview(sound.pcm.astype("<i2").tobytes())
        return cls(recording_id, sound.sample_rate, sound.pcm.shape[1], pcm, meta, chunk_samples)

    @property
    def name(self) -> str:
        """The recording id as JSON writes it."""
        return recording_name(self.recording_id)

    @property
    def samples(self) -> int:
        """Length per channel."""
        return len(self.pcm) // self._unit

    @property
    def chunk_count(self) -> int:
        """Number of PCM chunks of the first transmission."""
        return max(1, -(-self.samples // self.chunk_samples))

    def chunks(self) -> Iterator[Chunk]:
        """Yield the PCM chunks of the first transmission, in order."""
        return self.chunks_between(0, None)

    def meta_chunk(self) -> Chunk:
        """Return the META chunk; requires that `meta` is not empty."""
        return Chunk(
            META, 0, self.channels, self.sample_rate, self.recording_id, 0, len(self.meta), self.meta
        )

    def last_chunk(self) -> Chunk:
        """Return the last chunk, which fixes the length, marked as resent."""
        start = (self.chunk_count - 1) * self.chunk_samples
        return next(as_resend(self.chunks_between(start, None)))

    def chunks_between(self, start: int, end: int | None) -> Iterator[Chunk]:
        """Yield chunks that cover `[start, end)`; an `end` of None includes LAST, even without samples."""
        stop = self.samples if end is None else min(end, self.samples)
        start = min(start, stop)
        if start == stop and end is None:
            yield self._chunk(start, stop)
        for first in range(start, stop, self.chunk_samples):
            yield self._chunk(first, min(first + self.chunk_samples, stop))

    def _chunk(self, start: int, end: int) -> Chunk:
        body = self.pcm[start * self._unit : end * self._unit]
        flags = (LAST if end == self.samples else 0) | (HAS_META if self.meta else 0)
        if _is_clipped(body):
            flags |= CLIPPED
        return Chunk(PCM, flags, self.channels, self.sample_rate, self.recording_id, start, end - start, body)

    @property
    def _unit(self) -> int:
        return self.channels * SAMPLE_BYTES


def as_resend(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield `chunks` with the flag RESEND."""
    return (chunk._replace(flags=chunk.flags | RESEND) for chunk in chunks)


def _is_clipped(body: memoryview) -> bool:
    values = np.frombuffer(body, "<i2")
    return bool(values.size and (values.max() >= _LOUDEST or values.min() < -_LOUDEST))


def encode_meta(models: Sequence[str], site: str | None, exam: str | None = None) -> bytes:
    """Return the META JSON of a recording that starts now."""
    document: dict[str, Any] = {"captured_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    if models:
        document["models"] = list(models)
    if site:
        document["site"] = site
    if exam:
        document["exam"] = exam
    return strict_json.write(document).encode()
