"""One stream while its chunks arrive: a recording without an end known beforehand.

What came in order is handed on at once; what is ahead of a gap waits for it, a short while and in bounded
memory. Pure of MQTT, disk and clocks.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from edge_worker.errors import ChunkError
from edge_worker.ingest.recording import IncomingAudio
from edge_worker.protocol.chunk import HAS_META, Chunk

MAX_AHEAD_BYTES: Final = 2**21
"""Sound that waits for a gap: some 20 s. With more, the gap is given up at once."""
MAX_AHEAD: Final = 1024
"""Chunks that wait for a gap."""


class Part(NamedTuple):
    """Sound that is next in order."""

    first_sample: int
    body: bytes
    """Signed 16-bit little endian, channels interleaved."""


@dataclass(slots=True)
class Segment:
    """A file of the spool: chunks as they came."""

    number: int
    bytes: int = 0
    samples: int = 0
    """Sum over its chunks."""
    end: int = 0
    """Index after the last sample that is in it."""


@dataclass(slots=True)
class Stream(IncomingAudio):
    """What is known of a stream whose chunks lie in the spool."""

    device_id: str
    recording_id: int
    received_at: float
    """Unix time of the first chunk, seconds."""
    sample_rate: int = 0
    """Hz; 0 until the first PCM chunk."""
    channels: int = 0
    next_sample: int = 0
    """Samples before it were handed on, or given up."""
    end: int | None = None
    """Samples per channel, known with LAST."""
    wants_meta: bool = False
    meta: dict[str, Any] | None = None
    ahead: dict[int, bytes] = field(default_factory=dict)
    """Sound that waits for a gap: its first sample → its bytes."""
    ahead_bytes: int = 0
    gap_since: float | None = None
    """Monotonic time since when the gap at `next_sample` is waited for, seconds."""
    touched: float = 0.0
    """Monotonic time of the last new chunk, seconds."""
    asked: int = 0
    """How often something was asked for since the last new chunk, or the last gap."""
    segments: list[Segment] = field(default_factory=list)
    state: dict[str, Any] | None = None
    """What an earlier process had said of it."""

    @property
    def spool_bytes(self) -> int:
        """Bytes of its files."""
        return sum(segment.bytes for segment in self.segments)

    @property
    def has_gap(self) -> bool:
        """Whether sound is missing that something came after."""
        return bool(self.ahead) or (self.end is not None and self.next_sample < self.end)

    @property
    def gap_end(self) -> int | None:
        """Where the gap at `next_sample` ends; None: there is none."""
        return min(self.ahead) if self.ahead else (self.end if self.has_gap else None)

    def is_known(self, chunk: Chunk) -> bool:
        """Return whether `chunk` says nothing new, or too late.

        Raises:
            ChunkError: `contradiction`, when it says something else than was received before.
        """
        self._check(chunk)
        if chunk.is_last and self.end is None:
            return False
        if chunk.end <= self.next_sample:
            return True
        waiting = self.ahead.get(chunk.first_sample)
        if waiting is None:
            return False
        length = min(len(waiting), len(chunk.body))
        if waiting[:length] != bytes(chunk.body[:length]):
            raise ChunkError("contradiction", "other audio than before", chunk.recording_id)
        return len(waiting) >= len(chunk.body)

    def take(self, chunk: Chunk) -> list[Part]:
        """Take a PCM chunk that is not known; return what is now next in order."""
        self.sample_rate, self.channels = chunk.sample_rate, chunk.channels
        self.wants_meta = self.wants_meta or bool(chunk.flags & HAS_META)
        if chunk.is_last:
            self.end = chunk.end
        if chunk.end > self.next_sample:
            body = bytes(chunk.body)
            self.ahead_bytes += len(body) - len(self.ahead.get(chunk.first_sample, b""))
            self.ahead[chunk.first_sample] = body
        parts = self._next()
        while self.ahead_bytes > MAX_AHEAD_BYTES or len(self.ahead) > MAX_AHEAD:
            parts += self.give_up_gap()
        return parts

    def give_up_gap(self) -> list[Part]:
        """Wait no longer for the gap at `next_sample`; return what is next after it."""
        if self.gap_end is not None:
            self.next_sample = max(self.next_sample, self.gap_end)
        return self._next()

    def _next(self) -> list[Part]:
        parts: list[Part] = []
        while self.ahead and (first := min(self.ahead)) <= self.next_sample:
            body = self.ahead.pop(first)
            self.ahead_bytes -= len(body)
            fresh = body[(self.next_sample - first) * self.bytes_per_sample :]
            if fresh:
                parts.append(Part(self.next_sample, fresh))
                self.next_sample += len(fresh) // self.bytes_per_sample
        return parts

    def _check(self, chunk: Chunk) -> None:
        self.check_form(chunk)
        furthest = max(
            [self.next_sample, *(first + len(b) // self.bytes_per_sample for first, b in self.ahead.items())]
        )
        ends_elsewhere = chunk.is_last and (
            furthest > chunk.end if self.end is None else self.end != chunk.end
        )
        if ends_elsewhere or (self.end is not None and chunk.end > self.end):
            raise ChunkError("contradiction", "audio beyond the end of the stream", chunk.recording_id)
