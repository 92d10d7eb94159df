"""Intake of chunks: decodes payloads, applies quotas, rejects, and hands on to recordings and streams.

Pure of MQTT and of wall clocks: payloads and a monotonic time go in, control messages, closed recordings and
audio of streams come out. Normative: `docs/protocol.md` § Delivery promise and § Rejections.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from edge_worker.errors import ChunkError, SpoolFileError
from edge_worker.ingest.chunk_file import FILE_HEADER_BYTES
from edge_worker.ingest.device_folders import DeviceFolders
from edge_worker.ingest.device_share import UNKNOWN_RECORDING_BYTES, DeviceShares
from edge_worker.ingest.intake_event import (
    ClosedRecording,
    ControlMessage,
    IntakeEvent,
    StreamEnd,
    stored_message,
)
from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.ingest.recording_intake import RecordingIntake
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.spool_room import SpoolRoom
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_intake import StreamIntake
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol import control
from edge_worker.protocol.chunk import META, Chunk, decode, is_meta, recording_name
from edge_worker.protocol.result import Completeness
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_REJECTION_EVERY_S: Final = 1.0
"""A rejection is answered at most once in this time, per device and reason."""
_MAX_REJECTIONS: Final = 10_000
"""Pairs of device and reason whose last rejection is remembered."""
_MAX_REFUSED_META: Final = 1000
_FINAL_FOR_META: Final = frozenset({"meta", "length", "failed"})
"""Reasons for which the same META is refused again."""

_QUOTA_AGAIN_S: Final = 5.0
"""Advice to a device that may open no recording now."""

StoredLookup = Callable[[str, str], Completeness | None]


class Intake:
    """All open recordings and streams. Used by the network thread; `mark_stored` may be called by another."""

    def __init__(
        self,
        spool: Spool,
        settings: Settings,
        lookup: StoredLookup,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use `lookup(device_id, recording_name)` to learn whether a recording was stored earlier.

        `clock` gives the Unix time that recordings are said to arrive at.
        """
        self._clock = clock
        self._settings = settings
        self._lookup = lookup
        self._closing: dict[RecordingKey, int] = {}
        """Closed, not yet stored, with its bytes in the spool."""
        self._offline: set[str] = set()
        self._refused_meta: dict[RecordingKey, None] = {}
        """Recordings whose META was refused before their first sound, the oldest first."""
        self._rejected_at: dict[tuple[str, str], float] = {}
        self._shares = DeviceShares(settings.max_mb_per_minute)
        self.directory = spool.directory
        self.folders = DeviceFolders(spool.directory)
        self.shards = spool.shards
        """Of whose devices messages are received."""
        self.has_room = True
        """False: the disk is full, and no recording is opened; those that are open go on."""
        self.counts: Counter[str] = Counter()
        """By outcome: `chunks`, `duplicates`, `rejected_<reason>`, `closed_<completeness>`, `asked`, …"""
        self.recordings = RecordingIntake(spool, settings, self.counts)
        self.quarantine = spool.quarantine
        stream_spool = StreamSpool(spool.directory, spool.quarantine)
        self.streams = StreamIntake(stream_spool, settings, self.counts)
        self._room = SpoolRoom(settings.max_spool_mb * 2**20, lambda: self.spool_bytes)

    def __len__(self) -> int:
        return len(self.recordings.open) + len(self.streams.open)

    @property
    def spool_bytes(self) -> int:
        """Bytes of the spool: of open recordings and streams, and of closed ones; safe from any thread."""
        closing = sum(list(self._closing.values()))
        return self.recordings.spool_bytes + self.streams.spool_bytes + closing

    def load(self, now: float, shards: HeldShards | None = None) -> list[IntakeEvent]:
        """Open the recordings of an earlier process again, except those that were stored.

        Those of `shards`, by default of all that are held.
        """
        self._room.count_again()
        events: list[IntakeEvent] = []
        for recording in self.recordings.load(shards or self.shards):
            if self._lookup(recording.device_id, recording.name) is not None:
                self.recordings.remove(recording)
            else:
                events += self._note_closing(self.recordings.restore(recording, now), now)
        return events

    def load_streams(self, now: float, shards: HeldShards | None = None) -> Iterator[IntakeEvent]:
        """Open the streams of an earlier process again; yield their audio one part at a time."""
        self._room.count_again()
        for stream in self.streams.load(shards or self.shards):
            if self._lookup(stream.device_id, stream.name) is not None:
                self.streams.remove(stream)
            else:
                for event in self.streams.restore(stream, now):
                    yield from self._note_closing([event], now)

    def release(self, shards: HeldShards) -> None:
        """Forget what is open of shards, for whoever holds them next; their files stay."""
        self.recordings.release(shards)
        self.streams.release(shards)
        self._closing = {key: size for key, size in self._closing.items() if not shards.holds(key[0])}

    @property
    def unstored(self) -> set[RecordingKey]:
        """What is open, or closed and not stored yet; safe from any thread."""
        return {*list(self.recordings.open), *list(self.streams.open), *list(self._closing)}

    def receive(self, device_id: str, payload: bytes, now: float) -> list[IntakeEvent]:
        """Take one payload; return the events that it leads to.

        Raises:
            OSError: the spool cannot be written now, for no device. Nothing was changed; receive the payload
                again later.
        """
        try:
            return self._take(device_id, payload, now)
        except ChunkError as error:
            return self.refuse(device_id, payload, error, now)

    def refuse(self, device_id: str, payload: bytes, error: ChunkError, now: float) -> list[IntakeEvent]:
        """Reject a payload; a META that would be the same when it is sent again is waited for no longer."""
        events = self.reject(device_id, error, now)
        if error.recording_id is not None and is_meta(payload) and error.reason in _FINAL_FOR_META:
            events += self._skip_meta((device_id, error.recording_id), now)
        return events

    def reject(self, device_id: str, error: ChunkError, now: float) -> list[IntakeEvent]:
        """Count a rejection; return the answer, unless the same was sent within the last second."""
        self.counts[f"rejected_{error.reason}"] += 1
        last = self._rejected_at.get((device_id, error.reason))
        if last is not None and now - last < _REJECTION_EVERY_S:
            return []
        if len(self._rejected_at) >= _MAX_REJECTIONS:
            self._rejected_at.clear()
        self._rejected_at[device_id, error.reason] = now
        name = None if error.recording_id is None else recording_name(error.recording_id)
        document = control.rejected(name, error.reason, str(error), error.retry_after_s)
        return [ControlMessage(device_id, document)]

    def admits(self, device_id: str, payload: bytes, now: float) -> bool:
        """Charge another message than a chunk to its device; return False when it has used its share."""
        try:
            self._shares.admit(device_id, payload, now)
        except ChunkError:
            return False
        return True

    def set_device_online(self, device_id: str, online: bool, now: float) -> None:
        """Note that a device went online or offline; one that is back is asked for missing audio soon."""
        if not online:
            self._offline.add(device_id)
        elif device_id in self._offline:  # otherwise it was not silent because it was away
            self._offline.discard(device_id)
            self.recordings.device_returned(device_id, now)

    def check_timeouts(self, now: float, busy_s: float = 0.0) -> list[IntakeEvent]:
        """Return the events of silence: requests for missing audio, recordings and streams given up.

        Call it only while no message waits to be received. `busy_s` of the time since the last call do not
        count as silence: the broker may have had messages that it could not hand over.
        """
        self._shares.end_backlog(now)
        recordings = self.recordings.check_timeouts(now, self._offline, busy_s, self.shards)
        streams = self.streams.check_timeouts(now, self._offline, busy_s, self.shards)
        return self._note_closing([*recordings, *streams], now)

    def broker_reconnected(self, now: float) -> None:
        """Restart all timers: no device was silent while the broker was away, and what it sent comes now."""
        self._shares.expect_backlog(now)
        self.recordings.broker_reconnected(now)
        self.streams.broker_reconnected(now)

    def reopen(self, recording: Recording, reason: SpoolFileError, now: float) -> list[IntakeEvent]:
        """Open a recording again whose chunk file is damaged or gone; what is missing is requested."""
        _LOG.error(line("spool_damaged", device=recording.device_id, recording=recording.name, reason=reason))
        self._closing.pop(recording.key, None)
        return self._note_closing(self.recordings.reopen(recording, now), now)

    def mark_stored(self, key: RecordingKey) -> None:
        """Note that a closed recording is stored: from now on the database tells about it."""
        self._closing.pop(key, None)

    def _take(self, device_id: str, payload: bytes, now: float) -> list[IntakeEvent]:
        self._shares.admit(device_id, payload, now)
        chunk = decode(payload)
        try:
            events = self._receive_or_reopen(device_id, chunk, payload, now)
        except OSError as error:
            raise self.folders.refusal(device_id, chunk.recording_id, error, now) from error
        self.folders.wrote(device_id)
        return events

    def _receive_or_reopen(
        self, device_id: str, chunk: Chunk, payload: bytes, now: float
    ) -> list[IntakeEvent]:
        try:
            return self._receive(device_id, chunk, payload, now)
        except SpoolFileError as error:
            recording = self.recordings.open[device_id, chunk.recording_id]
            return self.reopen(recording, error, now) + self._receive(device_id, chunk, payload, now)

    def _receive(self, device_id: str, chunk: Chunk, payload: bytes, now: float) -> list[IntakeEvent]:
        key = (device_id, chunk.recording_id)
        recording, stream = self.recordings.open.get(key), self.streams.open.get(key)
        if recording is None and stream is None:
            if key in self._closing:
                self.counts["duplicates"] += 1
                return []
            self._shares.charge(device_id, UNKNOWN_RECORDING_BYTES, now)
            completeness = self._lookup(device_id, recording_name(chunk.recording_id))
            if completeness is not None:
                self.counts["duplicates"] += 1
                return [stored_message(device_id, recording_name(chunk.recording_id), completeness)]
            self._check_quota(device_id, chunk)
            if chunk.is_stream:
                stream = Stream(device_id, chunk.recording_id, self._clock())
        self._room.use(len(payload) + FILE_HEADER_BYTES)
        if stream is not None:
            self._apply_refusal(stream, chunk)
            self._admit_stream(stream, chunk, now)
            events = self.streams.receive(stream, chunk, payload, now)
        else:
            recording = recording or Recording(device_id, chunk.recording_id, 0, 0, self._clock())
            self._apply_refusal(recording, chunk)
            self._shares.charge_sound(device_id, chunk, now)
            events = self.recordings.receive(recording, chunk, payload, now)
        return self._note_closing(events, now) if events else events

    def _admit_stream(self, stream: Stream, chunk: Chunk, now: float) -> None:
        """Raise ChunkError where sound of streams comes faster than it can have been recorded."""
        seconds = 0.0 if chunk.type == META else chunk.sample_count / chunk.sample_rate
        has_room = self.streams.has_room(stream.device_id)
        self._shares.admit_stream(stream.device_id, stream.recording_id, seconds, now, has_room=has_room)

    def _check_quota(self, device_id: str, chunk: Chunk) -> None:
        """Raise ChunkError `quota` unless another recording may be opened."""
        of_device = self.recordings.open.of_device[device_id] + self.streams.open.of_device[device_id]
        if of_device >= self._settings.max_open_per_device:
            detail = f"{of_device} recordings are open already"
            raise ChunkError("quota", detail, chunk.recording_id, retry_after_s=_QUOTA_AGAIN_S)
        is_full = not self.has_room or self._room.is_used_up()
        if is_full or len(self) >= self._settings.max_open:
            detail = "the worker has no room for another recording"
            raise ChunkError("quota", detail, chunk.recording_id, retry_after_s=_QUOTA_AGAIN_S)

    def _skip_meta(self, key: RecordingKey, now: float) -> list[IntakeEvent]:
        """Wait no longer for the META of a recording, also where it was refused before the first sound."""
        if key not in self.recordings.open and key not in self.streams.open:
            self._refused_meta[key] = None
            if len(self._refused_meta) > _MAX_REFUSED_META:
                del self._refused_meta[next(iter(self._refused_meta))]
        self.streams.skip_meta(key)
        return self._note_closing(self.recordings.skip_meta(key), now)

    def _apply_refusal(self, audio: Recording | Stream, chunk: Chunk) -> None:
        """Do not wait for a META that was refused before the first sound; another one still counts."""
        if self._refused_meta and audio.key in self._refused_meta and chunk.type != META:
            del self._refused_meta[audio.key]
            if audio.meta is None:
                audio.meta = {}

    def _note_closing(self, events: list[IntakeEvent], now: float) -> list[IntakeEvent]:
        """Return `events`; note which recordings and streams they close."""
        for event in events:
            if isinstance(event, ClosedRecording):
                self._closing[event.recording.key] = event.recording.spool_bytes
                self._shares.charge(event.recording.device_id, event.recording.silent_bytes, now)
            elif isinstance(event, StreamEnd):
                self._closing[event.stream.key] = event.stream.spool_bytes
        return events
