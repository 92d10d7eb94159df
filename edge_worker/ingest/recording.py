"""One recording while its chunks arrive: what is there, what is missing, what its META says."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

from edge_worker.errors import ChunkError
from edge_worker.ingest.sample_ranges import Range, SampleRanges
from edge_worker.protocol.chunk import GAP_BEFORE, HAS_META, LAST, SAMPLE_BYTES, Chunk, recording_name
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.protocol.topics import EXAM_ID

MAX_CHUNKS: Final = 65_536
"""Chunks in one recording: bounds the index that is held in memory for it."""
MAX_MODELS: Final = 8
MAX_MODEL_NAME: Final = 32
MAX_SITE: Final = 16
MAX_AMPLIFICATION: Final = 100

RecordingKey = tuple[str, int]
"""Device id and recording id."""


class IncomingAudio:
    """What recordings and streams have in common: whose they are, and the form of their samples."""

    __slots__ = ()
    device_id: str
    recording_id: int
    sample_rate: int
    channels: int

    @property
    def key(self) -> RecordingKey:
        """What tells it from all others."""
        return self.device_id, self.recording_id

    @property
    def name(self) -> str:
        """The recording id as written in JSON, SQL and file names."""
        return recording_name(self.recording_id)

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * SAMPLE_BYTES

    def check_form(self, chunk: Chunk) -> None:
        """Raise ChunkError `contradiction` when rate or channels of `chunk` are others than before."""
        if self.sample_rate and (chunk.sample_rate, chunk.channels) != (self.sample_rate, self.channels):
            seen = f"{self.sample_rate} Hz and {self.channels} channels before"
            detail = f"{chunk.sample_rate} Hz and {chunk.channels} channels, {seen}"
            raise ChunkError("contradiction", detail, chunk.recording_id)


@dataclass(slots=True)
class Recording(IncomingAudio):
    """What is known of a recording whose audio lies in the spool."""

    device_id: str
    recording_id: int
    sample_rate: int
    """Hz; 0 until the first PCM chunk."""
    channels: int
    received_at: float
    """Unix time of the first chunk, seconds."""
    end: int | None = None
    """Samples per channel, known with LAST."""
    wants_meta: bool = False
    meta: dict[str, Any] | None = None
    received: SampleRanges = field(default_factory=SampleRanges)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    """first_sample → (sample_count, offset of the body in the spool file)."""
    spool_bytes: int = 0
    declared_gaps: set[int] = field(default_factory=set)
    """Samples before which the device says that it lost audio."""
    touched: float = 0.0
    """Monotonic time of the last new chunk, seconds."""
    asked: int = 0
    """How often missing audio was asked for since the last new chunk."""

    def is_complete(self) -> bool:
        """Return whether every sample and the announced META are there."""
        return (
            self.end is not None
            and self.received.covers(self.end)
            and (self.meta is not None or not self.wants_meta)
        )

    def gaps(self) -> list[Range]:
        """Return what is missing before LAST, or before the last sample when LAST is unknown."""
        return self.received.gaps(self.received.end if self.end is None else self.end)

    def overlapping(self, start: int, end: int) -> list[Range]:
        """Return the placed chunks, as ranges of samples, that share samples with `[start, end)`."""
        exact = self.places.get(start)
        if exact is not None and start + exact[0] >= end:
            return [(start, start + exact[0])]
        return [
            (first, first + count)
            for first, (count, _) in self.places.items()
            if first < end and first + count > start
        ]

    def check(self, chunk: Chunk) -> None:
        """Raise ChunkError `contradiction` when the facts of `chunk` differ from what is known."""
        self.check_form(chunk)
        ends_elsewhere = chunk.flags & LAST and (
            self.received.end > chunk.end if self.end is None else self.end != chunk.end
        )
        if ends_elsewhere or (self.end is not None and chunk.end > self.end):
            raise ChunkError("contradiction", "audio beyond the end of the recording", chunk.recording_id)
        if len(self.places) >= MAX_CHUNKS:
            raise ChunkError("too_long", f"more than {MAX_CHUNKS} chunks", chunk.recording_id)

    def place(self, chunk: Chunk, offset: int) -> None:
        """Note that the body of `chunk` lies at `offset` of the spool file."""
        self.sample_rate, self.channels = chunk.sample_rate, chunk.channels
        if chunk.sample_count:
            self.places[chunk.first_sample] = (chunk.sample_count, offset)
            self.received.add(chunk.first_sample, chunk.end)
        flags = chunk.flags
        if flags & LAST:
            self.end = chunk.end
        if flags & HAS_META:
            self.wants_meta = True
        if flags & GAP_BEFORE:
            self.declared_gaps.add(chunk.first_sample)


def parse_meta(body: bytes, recording_id: int) -> dict[str, Any]:
    """Return the META object in `body`, checked.

    Raises:
        ChunkError: reason `meta`, when it is not what `docs/protocol.md` § Chunk says.
    """
    try:
        meta = json.loads(body)
        # NaN, infinity and half a surrogate pass Python's reader and choke every other one.
        json.dumps(meta, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ChunkError("meta", "the body is not JSON", recording_id) from None
    if not isinstance(meta, dict):
        raise ChunkError("meta", "the body is not a JSON object", recording_id)
    models = meta.get("models")
    if models is not None and not _is_name_list(models):
        raise ChunkError("meta", f"models is not a list of at most {MAX_MODELS} names", recording_id)
    site = meta.get("site")
    if site is not None and not (isinstance(site, str) and len(site) <= MAX_SITE):
        raise ChunkError("meta", f"site is not a text of at most {MAX_SITE} characters", recording_id)
    exam = meta.get("exam")
    if exam is not None and not (isinstance(exam, str) and EXAM_ID.fullmatch(exam)):
        raise ChunkError("meta", "exam is not 1 to 32 of a-z, 0-9 and -", recording_id)
    if not _is_amplification(meta.get("amplification", 1)):
        limit = f"a number from 1 to {MAX_AMPLIFICATION}"
        raise ChunkError("meta", f"amplification is not {limit}", recording_id)
    if meta.get("captured_at") is not None:
        meta["captured_at"] = _utc(meta["captured_at"], recording_id)
    return meta


def _is_name_list(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_MODELS
        and all(isinstance(name, str) and 0 < len(name) <= MAX_MODEL_NAME for name in value)
    )


def _is_amplification(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 1 <= float(value) <= MAX_AMPLIFICATION  # type: ignore[arg-type]


def _utc(text: object, recording_id: int) -> str:
    try:
        moment = datetime.fromisoformat(str(text))
        return rfc3339(moment) if moment.tzinfo else _refuse_time(recording_id)
    except (ValueError, OverflowError):
        return _refuse_time(recording_id)


def _refuse_time(recording_id: int) -> NoReturn:
    raise ChunkError("meta", "captured_at is not an RFC 3339 time with offset", recording_id) from None
