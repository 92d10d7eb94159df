"""Events that the intake returns: control messages to send, recordings and streams to analyse."""

from dataclasses import dataclass

from edge_worker.ingest.recording import Recording
from edge_worker.ingest.stream import Stream
from edge_worker.protocol import control
from edge_worker.protocol.meta import ignored_fields
from edge_worker.protocol.result import Completeness


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """A control message for a device."""

    device_id: str
    document: control.Document


@dataclass(frozen=True, slots=True)
class ClosedRecording:
    """A recording that is closed: to be stored and analysed as it is now."""

    recording: Recording
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class StreamAudio:
    """The next audio of a stream, in order; samples between two of these are missing."""

    stream: Stream
    first_sample: int
    body: bytes
    """Signed 16-bit little endian, channels interleaved."""
    at: float
    """Monotonic time at which its last chunk was received, seconds; 0: by an earlier process."""


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """A stream has ended."""

    stream: Stream
    is_ended: bool
    """Ended by LAST; otherwise by silence."""


IntakeEvent = ControlMessage | ClosedRecording | StreamAudio | StreamEnd


def ignored_messages(audio: Recording | Stream) -> list[ControlMessage]:
    """Return what tells a device which fields of its META were left out; nothing where all count."""
    fields = ignored_fields(audio.meta or {})
    return [ControlMessage(audio.device_id, control.ignored(audio.name, fields))] if fields else []


def stored_message(device_id: str, recording_name: str, completeness: Completeness) -> ControlMessage:
    """Return the receipt after which a device may delete a recording."""
    return ControlMessage(device_id, control.stored(recording_name, completeness))
