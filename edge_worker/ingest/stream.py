"""One open stream while its chunks arrive: a recording whose end is not known beforehand.

Audio that is next in order is handed on at once. Audio behind a gap waits in a reorder buffer, for a short
time and in bounded memory. Pure of MQTT, disk and clocks.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from edge_worker.errors import ChunkError
from edge_worker.ingest.pace import Pace
from edge_worker.ingest.recording import IncomingAudio
from edge_worker.protocol.chunk import HAS_META, Chunk

MAX_REORDER_BYTES: Final = 2**21
"""Audio that may wait behind a gap: some 20 s. With more, the gap is skipped at once."""
MAX_REORDER_CHUNKS: Final = 1024
"""Chunks that may wait behind a gap."""


class OrderedAudio(NamedTuple):
    """Audio that is next in order."""

    first_sample: int
    body: bytes
    """Signed 16-bit little endian, channels interleaved."""


@dataclass(slots=True)
class Segment:
    """One chunk file of a stream in the spool."""

    number: int
    bytes: int = 0
    samples: int = 0
    """Sum over its chunks."""
    end: int = 0
    """Index after the last sample that is in it."""


@dataclass(slots=True)
class Stream(IncomingAudio):
    """State of one open stream, whose chunks are in the spool."""

    device_id: str
    recording_id: int
    received_at: float
    """Unix time of the first chunk, seconds."""
    sample_rate: int = 0
    """Hz; 0 until the first PCM chunk."""
    channels: int = 0
    next_sample: int = 0
    """All samples before it were handed on or skipped."""
    end: int | None = None
    """Samples per channel, known with LAST."""
    expects_meta: bool = False
    meta: dict[str, Any] | None = None
    reorder_buffer: dict[int, bytes] = field(default_factory=dict)
    """Audio that waits behind a gap: first sample → PCM."""
    reorder_bytes: int = 0
    gap_since: float | None = None
    """Monotonic time since when the gap at `next_sample` is waited for, seconds."""
    last_chunk_at: float = 0.0
    """Monotonic time of the last new chunk, seconds."""
    requests: int = 0
    """How often something was requested since the last new chunk, or the last gap."""
    segments: list[Segment] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    state: dict[str, Any] | None = None
    """State of the analysis that an earlier process saved."""
    known_until: int = 0
    """Sample up to which that state knows the stream, whether its sound is still there or not."""

    @property
    def spool_bytes(self) -> int:
        """Bytes of its files."""
        return sum(segment.bytes for segment in self.segments)

    @property
    def has_gap(self) -> bool:
        """Whether samples are missing before audio or an end that was received."""
        return bool(self.reorder_buffer) or (self.end is not None and self.next_sample < self.end)

    @property
    def gap_end(self) -> int | None:
        """Sample where the gap at `next_sample` ends; None where there is no gap."""
        return min(self.reorder_buffer) if self.reorder_buffer else (self.end if self.has_gap else None)

    def is_duplicate(self, chunk: Chunk) -> bool:
        """Return whether `chunk` brings nothing new, or comes too late.

        Raises:
            ChunkError: `contradiction`, when it differs from what was received before.
        """
        self._check(chunk)
        if chunk.is_last and self.end is None:
            return False
        if chunk.end <= self.next_sample:
            return True
        waiting = self.reorder_buffer.get(chunk.first_sample)
        if waiting is None:
            return False
        length = min(len(waiting), len(chunk.body))
        if waiting[:length] != bytes(chunk.body[:length]):
            raise ChunkError("contradiction", "other audio than before", chunk.recording_id)
        return len(waiting) >= len(chunk.body)

    def add(self, chunk: Chunk) -> list[OrderedAudio]:
        """Add a PCM chunk that is no duplicate; return the audio that is now next in order."""
        self.sample_rate, self.channels = chunk.sample_rate, chunk.channels
        self.expects_meta = self.expects_meta or bool(chunk.flags & HAS_META)
        if chunk.is_last:
            self.end = chunk.end
        if chunk.end > self.next_sample:
            body = bytes(chunk.body)
            self.reorder_bytes += len(body) - len(self.reorder_buffer.get(chunk.first_sample, b""))
            self.reorder_buffer[chunk.first_sample] = body
        audio = self._take_in_order()
        while self.reorder_bytes > MAX_REORDER_BYTES or len(self.reorder_buffer) > MAX_REORDER_CHUNKS:
            audio += self.skip_gap()
        return audio

    def skip_gap(self) -> list[OrderedAudio]:
        """Wait no longer for the gap at `next_sample`; return the audio that is next after it."""
        if self.gap_end is not None:
            self.next_sample = max(self.next_sample, self.gap_end)
        return self._take_in_order()

    def _take_in_order(self) -> list[OrderedAudio]:
        audio: list[OrderedAudio] = []
        while self.reorder_buffer and (first := min(self.reorder_buffer)) <= self.next_sample:
            body = self.reorder_buffer.pop(first)
            self.reorder_bytes -= len(body)
            new = body[(self.next_sample - first) * self.bytes_per_sample :]
            if new:
                audio.append(OrderedAudio(self.next_sample, new))
                self.next_sample += len(new) // self.bytes_per_sample
        return audio

    def _check(self, chunk: Chunk) -> None:
        self.check_format(chunk)
        buffered_ends = (
            first + len(body) // self.bytes_per_sample for first, body in self.reorder_buffer.items()
        )
        received_end = max([self.next_sample, *buffered_ends])
        ends_elsewhere = chunk.is_last and (
            received_end > chunk.end if self.end is None else self.end != chunk.end
        )
        if ends_elsewhere or (self.end is not None and chunk.end > self.end):
            raise ChunkError("contradiction", "audio beyond the end of the stream", chunk.recording_id)
