"""A sound event of a stream, as a recording of its own."""

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from edge_worker.database.store import StoredRecording
from edge_worker.ingest.stream import Stream
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.signal.gate import Event


@dataclass(frozen=True, slots=True)
class EventRecording:
    """An event of a stream, to be stored and analysed as a recording is."""

    recording: StoredRecording
    pcm: bytes
    is_stored: threading.Event = field(default_factory=threading.Event)
    """Set when it is durable."""

    @classmethod
    def from_stream(cls, stream: Stream, event: Event, pcm: bytes) -> Self:
        """Return an event of `stream`; detected again after a restart, it has the same recording id."""
        stream_meta = stream.meta or {}
        received_at = rfc3339(datetime.fromtimestamp(stream.received_at, UTC))
        stream_start = datetime.fromisoformat(stream_meta.get("captured_at") or received_at)
        name = hashlib.sha256(f"{stream.name}:{event.start}".encode()).hexdigest()[:16]
        recording = StoredRecording(
            device_id=stream.device_id,
            recording_id=name,
            received_at=rfc3339(datetime.now(UTC)),
            captured_at=rfc3339(stream_start + timedelta(seconds=event.start / stream.sample_rate)),
            captured_at_source="device" if stream_meta.get("captured_at") else "worker",
            completeness="complete",
            missing=[],
            sample_rate=stream.sample_rate,
            channels=stream.channels,
            samples=event.end - event.start,
            audio_sha256=hashlib.sha256(pcm).hexdigest(),
            audio_file=f"audio/{stream.device_id}/{name}.wav",
            meta={key: value for key, value in stream_meta.items() if key != "captured_at"},
            parent=stream.name,
            parent_start=event.start,
        )
        return cls(recording, pcm)
