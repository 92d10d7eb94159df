"""A sound event of a stream, as a recording of its own."""

import hashlib
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from edge_worker.analysis.recording_times import RecordingTimes
from edge_worker.audio_store.sound import sound_name
from edge_worker.database.site_state.clock_check import text_of
from edge_worker.database.site_state.site_clock import SiteClock
from edge_worker.database.store import StoredRecording
from edge_worker.ingest.stream import Stream
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.signal.gate import Event


@dataclass(frozen=True, slots=True)
class EventRecording:
    """An event of a stream, to be stored and analysed as a recording is."""

    recording: StoredRecording
    pcm: bytes
    stream_received_s: float
    """Unix time of the first chunk of the stream."""
    is_stored: threading.Event = field(default_factory=threading.Event)
    """Set when it is durable."""

    @classmethod
    def from_stream(cls, stream: Stream, event: Event, pcm: bytes) -> Self:
        """Return an event of `stream`; detected again after a restart, it has the same recording id."""
        name = hashlib.sha256(f"{stream.name}:{event.start}".encode()).hexdigest()[:16]
        recording = StoredRecording(
            device_id=stream.device_id,
            recording_id=name,
            received_at="",  # its times follow when it is stored
            captured_at="",
            captured_at_source="unsure",
            completeness="complete",
            missing=[],
            sample_rate=stream.sample_rate,
            channels=stream.channels,
            samples=event.end - event.start,
            audio_sha256=hashlib.sha256(pcm).hexdigest(),
            audio_file=sound_name(stream.device_id, name),
            meta=stream.meta or {},
            subject=(stream.meta or {}).get("subject"),
            parent=stream.name,
            parent_start=event.start,
        )
        return cls(recording, pcm, stream.received_at)

    def times_of_stream(self, clock: SiteClock) -> RecordingTimes:
        """Return the times of the stream."""
        return RecordingTimes.of(self.stream_received_s, self.recording.meta, clock)

    def dated(self, clock: SiteClock) -> StoredRecording:
        """Return the recording with its times, which follow from those of the stream."""
        recording = self.recording
        stream = self.times_of_stream(clock)
        offset = timedelta(seconds=(recording.parent_start or 0) / recording.sample_rate)
        captured_at = rfc3339(datetime.fromisoformat(stream.captured_at) + offset)
        times = RecordingTimes(text_of(clock.now()), captured_at, stream.captured_at_source)
        meta = dict(recording.meta)
        if times.captured_at_source == "device":
            del meta["captured_at"]  # of the stream
        return replace(recording, meta=meta, **times._asdict())
