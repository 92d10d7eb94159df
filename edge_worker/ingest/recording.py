"""One open recording while its chunks arrive: received samples, gaps, end and META."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any, Final

from edge_worker.errors import ChunkError
from edge_worker.ingest.pace import Pace
from edge_worker.ingest.sample_ranges import Range, SampleRanges
from edge_worker.protocol.chunk import GAP_BEFORE, HAS_META, LAST, SAMPLE_BYTES, Chunk, recording_name

MAX_CHUNKS: Final = 65_536
"""Chunks in one recording: bounds its index, which is held in memory."""
SPOOL_FACTOR: Final = 2
"""A recording takes at most so many times `max_recording_mb` in the spool, headers and overlaps included."""
_FREE_CHUNKS: Final = 1024
_BYTES_PER_CHUNK: Final = 128
"""Beyond the free ones, a recording has one chunk for so many bytes: each that overlaps is compared."""
_FREE_BYTES: Final = 2**20
_LENGTH_FACTOR: Final = 32

RecordingKey = tuple[str, int]
"""Device id and recording id."""


def plausible_bytes(came: int) -> int:
    """Return how many bytes of sound may be stored, gaps as silence, where so many bytes came.

    Where sound lies is a claim of a header: without this, one sample would be stored as an hour of silence.
    """
    return _FREE_BYTES + _LENGTH_FACTOR * came


class IncomingAudio:
    """Base of open recordings and streams: their ids, and the format of their samples."""

    __slots__ = ()
    device_id: str
    recording_id: int
    sample_rate: int
    channels: int
    received_at: float
    meta: dict[str, Any] | None
    pace: Pace

    @property
    def is_of_another_rate(self) -> bool:
        """Whether the sound came so fast that its device records with a higher rate than it declares."""
        return self.pace.is_of_another_rate(self.sample_rate, self.received_at, self.meta or {})

    @property
    def key(self) -> RecordingKey:
        """Device id and recording id, unique among all recordings."""
        return self.device_id, self.recording_id

    @property
    def name(self) -> str:
        """The recording id as written in JSON, SQL and file names."""
        return recording_name(self.recording_id)

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * SAMPLE_BYTES

    def check_format(self, chunk: Chunk) -> None:
        """Raise ChunkError `contradiction` when `chunk` has another sample rate or channel count."""
        if self.sample_rate and (chunk.sample_rate, chunk.channels) != (self.sample_rate, self.channels):
            known = f"{self.sample_rate} Hz and {self.channels} channels before"
            detail = f"{chunk.sample_rate} Hz and {chunk.channels} channels, {known}"
            raise ChunkError("contradiction", detail, chunk.recording_id)


@dataclass(slots=True)
class Recording(IncomingAudio):
    """State of one open recording, whose audio is in the spool."""

    device_id: str
    recording_id: int
    sample_rate: int
    """Hz; 0 until the first PCM chunk."""
    channels: int
    received_at: float
    """Unix time of the first chunk, seconds."""
    end: int | None = None
    """Samples per channel, known with LAST."""
    expects_meta: bool = False
    meta: dict[str, Any] | None = None
    received: SampleRanges = field(default_factory=SampleRanges)
    chunks: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Index of the spool file: first sample → (sample count, offset of the body)."""
    first_samples: list[int] = field(default_factory=list)
    """Keys of `chunks` in order."""
    longest_chunk: int = 0
    """Samples of the longest chunk."""
    spool_bytes: int = 0
    declared_gaps: set[int] = field(default_factory=set)
    """Samples before which the device reports that it lost audio."""
    last_chunk_at: float = 0.0
    """Monotonic time of the last new chunk, seconds."""
    requests: int = 0
    """How often missing audio was requested since the last new chunk."""
    pace: Pace = field(default_factory=Pace)

    def is_complete(self) -> bool:
        """Return whether all samples and the announced META were received."""
        return (
            self.end is not None
            and self.received.covers(self.end)
            and (self.meta is not None or not self.expects_meta)
        )

    def gaps(self) -> list[Range]:
        """Return the missing ranges before LAST, or before the last sample when LAST is unknown."""
        return self.received.gaps(self.received.end if self.end is None else self.end)

    @property
    def silent_bytes(self) -> int:
        """Bytes of silence that stand for the gaps where it is stored."""
        return sum(end - start for start, end in self.gaps()) * self.bytes_per_sample

    def overlapping(self, start: int, end: int) -> list[Range]:
        """Return the sample ranges of the received chunks that overlap `[start, end)`."""
        low = bisect_left(self.first_samples, start - self.longest_chunk)
        high = bisect_left(self.first_samples, end, low)
        candidates = ((first, first + self.chunks[first][0]) for first in self.first_samples[low:high])
        return [each for each in candidates if each[1] > start]

    def cut_to_what_came(self) -> bool:
        """Shorten the recording to a length that is plausible; return whether that was needed."""
        limit = plausible_bytes(self.spool_bytes) // self.bytes_per_sample
        if max(self.end or 0, self.received.end) <= limit:
            return False
        end = self.end = self.received.last_end(limit)
        self.received.cut(end)
        self.first_samples = self.first_samples[: bisect_left(self.first_samples, end)]
        kept = ((first, *self.chunks[first]) for first in self.first_samples)
        self.chunks = {first: (min(count, end - first), offset) for first, count, offset in kept}
        return True

    def check(self, chunk: Chunk) -> None:
        """Raise ChunkError when `chunk` contradicts the format or the end, or is one too many."""
        self.check_format(chunk)
        ends_elsewhere = chunk.flags & LAST and (
            self.received.end > chunk.end if self.end is None else self.end != chunk.end
        )
        if ends_elsewhere or (self.end is not None and chunk.end > self.end):
            raise ChunkError("contradiction", "audio beyond the end of the recording", chunk.recording_id)
        most = min(MAX_CHUNKS, _FREE_CHUNKS + (self.spool_bytes + len(chunk.body)) // _BYTES_PER_CHUNK)
        if len(self.chunks) >= most:
            raise ChunkError("too_long", f"more than {most} chunks for so few bytes", chunk.recording_id)

    def add(self, chunk: Chunk, offset: int) -> None:
        """Add a PCM chunk whose body is at `offset` of the spool file."""
        self.sample_rate, self.channels = chunk.sample_rate, chunk.channels
        if chunk.sample_count:
            if chunk.first_sample not in self.chunks:
                insort(self.first_samples, chunk.first_sample)
            self.longest_chunk = max(self.longest_chunk, chunk.sample_count)
            self.chunks[chunk.first_sample] = (chunk.sample_count, offset)
            self.received.add(chunk.first_sample, chunk.end)
        flags = chunk.flags
        if flags & LAST:
            self.end = chunk.end
        if flags & HAS_META:
            self.expects_meta = True
        if flags & GAP_BEFORE:
            self.declared_gaps.add(chunk.first_sample)

    def restart_timer(self, now: float) -> None:
        """Count silence from `now` (monotonic seconds), as after a new chunk."""
        self.last_chunk_at, self.requests = now, 0
