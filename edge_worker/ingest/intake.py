"""The rules of reception: what becomes of each chunk, what is asked for, when a recording is closed.

Pure of MQTT and of wall clocks: payloads and a monotonic time go in, answers and closed recordings come
out. Normative: `docs/protocol.md` § Delivery promise.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from edge_worker.errors import ChunkError
from edge_worker.ingest.recording import Recording, RecordingKey, parse_meta
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_intake import StreamAudio, StreamEnd, StreamEvent, StreamIntake, Wanted
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol.chunk import HEADER_BYTES, META, SAMPLE_BYTES, Chunk, decode, recording_name
from edge_worker.protocol.result import Completeness
from edge_worker.settings import Settings

MAX_RANGES: Final = 32
"""Ranges in one `missing` message, which so stays under 1 KiB."""
_TAIL_AFTER: Final = 8
"""The end of a recording is asked for after this many `missing_after_s`: a slow stream is not a lost one."""
_REJECTION_EVERY_S: Final = 1.0
_REJECTIONS_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """A control message for a device."""

    device_id: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClosedRecording:
    """A recording that is to be stored and analysed as it is now."""

    recording: Recording
    completeness: Completeness


IntakeEvent = ControlMessage | ClosedRecording | StreamAudio | StreamEnd
StoredLookup = Callable[[str, str], Completeness | None]


def stored_message(device_id: str, recording_name: str, completeness: Completeness) -> ControlMessage:
    """Return the receipt after which a device may forget a recording."""
    document = {"type": "stored", "recording_id": recording_name, "completeness": completeness}
    return ControlMessage(device_id, document)


class Intake:
    """All open recordings and streams. Used by the network thread; `mark_stored` may be called by another."""

    def __init__(self, spool: Spool, settings: Settings, lookup: StoredLookup) -> None:
        """Use `lookup(device_id, recording_name)` to learn whether a recording was stored earlier."""
        self._spool = spool
        self._settings = settings
        self._lookup = lookup
        self._open: dict[RecordingKey, Recording] = {}
        self._closing: set[RecordingKey] = set()
        self._offline: set[str] = set()
        self._rejected_at: dict[tuple[str, str], float] = {}
        self.counts: Counter[str] = Counter()
        """Outcomes by name: `chunks`, `duplicates`, `rejected_<reason>`, `completed`, `partial` …"""
        self.streams = StreamIntake(StreamSpool(spool.directory), settings, self.counts)
        self.on_progress: Callable[[Recording, float], None] = lambda _recording, _now: None
        """Called when there is new sound of an open recording, with the monotonic time."""

    def __len__(self) -> int:
        return len(self._open) + len(self.streams.open)

    @property
    def spool_bytes(self) -> int:
        """Bytes of all open recordings in the spool; safe from any thread."""
        of_recordings = sum(recording.spool_bytes for recording in list(self._open.values()))
        return of_recordings + self.streams.spool_bytes

    def load(self, now: float) -> list[IntakeEvent]:
        """Take up what an earlier process left in the spool."""
        events: list[IntakeEvent] = []
        for recording in self._spool.load():
            completeness = self._lookup(recording.device_id, recording.name)
            if completeness is not None:
                self._spool.remove(recording)
                continue
            recording.touched = now
            self._open[recording.key] = recording
            if recording.is_complete():
                events.append(self._close(recording, "complete"))
        return events

    def load_streams(self, now: float) -> Iterator[IntakeEvent]:
        """Take up the streams that an earlier process left; their sound comes piece by piece."""
        for stream in self.streams.load():
            if self._lookup(stream.device_id, stream.name) is not None:
                self.streams.remove(stream)
            else:
                yield from self._of_stream(self.streams.resume_stream(stream, now))

    def receive(self, device_id: str, payload: bytes, now: float) -> list[IntakeEvent]:
        """Place one payload; return what it leads to.

        Raises:
            OSError: the spool cannot be written now. Nothing was changed; receive the payload again later.
        """
        try:
            return self._receive(device_id, decode(payload), payload, now)
        except ChunkError as error:
            events = self.reject(device_id, error, now)
            if error.reason == "meta" and error.recording_id is not None:
                events += self._go_on_without_meta((device_id, error.recording_id))
            return events

    def reject(self, device_id: str, error: ChunkError, now: float) -> list[IntakeEvent]:
        """Count a rejection; return the answer unless the same was said within the last second."""
        self.counts[f"rejected_{error.reason}"] += 1
        said = self._rejected_at.get((device_id, error.reason))
        if said is not None and now - said < _REJECTION_EVERY_S:
            return []
        if len(self._rejected_at) >= _REJECTIONS_KEPT:
            self._rejected_at.clear()
        self._rejected_at[device_id, error.reason] = now
        name = None if error.recording_id is None else recording_name(error.recording_id)
        document = {"type": "rejected", "recording_id": name, "reason": error.reason, "detail": str(error)}
        return [ControlMessage(device_id, document)]

    def set_device_online(self, device_id: str, online: bool, now: float) -> None:
        """Note that a device came or went; one that is back is asked for what is missing at once."""
        if not online:
            self._offline.add(device_id)
            return
        if device_id not in self._offline:
            return  # it was not silent because it was away
        self._offline.discard(device_id)
        for recording in self._open.values():
            if recording.device_id == device_id:
                recording.touched, recording.asked = now, 0

    def check_timeouts(self, now: float) -> list[IntakeEvent]:
        """Return what silence leads to: requests for missing audio, and recordings given up."""
        events: list[IntakeEvent] = []
        for recording in list(self._open.values()):
            quiet = now - recording.touched
            offline = recording.device_id in self._offline
            patience = self._settings.offline_give_up_s if offline else self._settings.give_up_s
            if quiet >= patience or self._only_declared_gaps_left(recording, quiet):
                events.extend(self._give_up(recording))
            elif not offline and quiet >= self._settings.missing_after_s * 2**recording.asked:
                events.extend(self._ask(recording, quiet))
        return [*events, *self._of_stream(self.streams.check_timeouts(now, self._offline))]

    def broker_reconnected(self, now: float) -> None:
        """Note that the broker is back: nobody was silent while nobody could be heard."""
        for recording in self._open.values():
            recording.touched, recording.asked = now, 0
        self.streams.broker_reconnected(now)

    def mark_stored(self, key: RecordingKey) -> None:
        """Note that a closed recording is stored: from now on the database answers for it."""
        self._closing.discard(key)

    def _receive(self, device_id: str, chunk: Chunk, payload: bytes, now: float) -> list[IntakeEvent]:
        key = (device_id, chunk.recording_id)
        recording, stream = self._open.get(key), self.streams.open.get(key)
        if recording is None and stream is None:
            settled = self._settled(key)
            if settled is not None:
                return settled
            self._check_room(device_id, chunk)
            if chunk.is_stream:
                stream = Stream(device_id, chunk.recording_id, time.time())
        if stream is not None:
            return list(self._of_stream(self.streams.receive(stream, chunk, payload, now)))
        recording = recording or Recording(device_id, chunk.recording_id, 0, 0, time.time())
        return self._place(recording, chunk, payload, now)

    def _settled(self, key: RecordingKey) -> list[IntakeEvent] | None:
        """Return the answer to a chunk of what was closed already, None where it was not."""
        name = recording_name(key[1])
        completeness = None if key in self._closing else self._lookup(key[0], name)
        if completeness is None and key not in self._closing:
            return None
        self.counts["duplicates"] += 1
        return [] if completeness is None else [stored_message(key[0], name, completeness)]

    def _place(self, recording: Recording, chunk: Chunk, payload: bytes, now: float) -> list[IntakeEvent]:
        if chunk.is_stream:
            raise ChunkError("contradiction", "no chunk before was of a stream", chunk.recording_id)
        if chunk.type == META:
            is_new = self._place_meta(recording, chunk, payload)
        else:
            is_new = self._place_pcm(recording, chunk, payload)
        if not is_new:
            self.counts["duplicates"] += 1
            return []
        self.counts["chunks"] += 1
        recording.touched, recording.asked = now, 0
        self._open[recording.key] = recording
        if recording.is_complete():
            return [self._close(recording, "complete")]
        if chunk.type != META:
            self.on_progress(recording, now)
        return []

    def _of_stream(self, events: Iterable[StreamEvent]) -> Iterator[IntakeEvent]:
        """Yield what the worker makes of what happens to a stream."""
        for event in events:
            if isinstance(event, StreamEnd):
                self._closing.add(event.stream.key)
            yield (
                ControlMessage(event.stream.device_id, event.document) if isinstance(event, Wanted) else event
            )

    def _check_room(self, device_id: str, chunk: Chunk) -> None:
        """Raise ChunkError `quota` unless another recording may be opened."""
        of_device = sum(1 for owner, _ in (*self._open, *self.streams.open) if owner == device_id)
        if of_device >= self._settings.max_open_per_device:
            raise ChunkError("quota", f"{of_device} recordings are open already", chunk.recording_id)
        is_full = self.spool_bytes >= self._settings.max_spool_mb * 2**20
        if is_full or len(self) >= self._settings.max_open:
            raise ChunkError("quota", "the worker has no room for another recording", chunk.recording_id)

    def _place_meta(self, recording: Recording, chunk: Chunk, payload: bytes) -> bool:
        meta = parse_meta(bytes(chunk.body), chunk.recording_id)
        if recording.meta is not None:
            return False
        self._spool.append(recording, payload)
        recording.meta = meta
        return True

    def _go_on_without_meta(self, key: RecordingKey) -> list[IntakeEvent]:
        """Wait no longer for the META of a recording: the device would send the same again."""
        self.streams.go_on_without_meta(key)
        recording = self._open.get(key)
        if recording is None or recording.meta is not None:
            return []
        recording.meta = {}
        return [self._close(recording, "complete")] if recording.is_complete() else []

    def _place_pcm(self, recording: Recording, chunk: Chunk, payload: bytes) -> bool:
        limit_s = self._settings.max_recording_s
        if chunk.end > limit_s * chunk.sample_rate:
            raise ChunkError("too_long", f"beyond {limit_s:g} s of sound", chunk.recording_id)
        limit_mb = self._settings.max_recording_mb
        if chunk.end * chunk.channels * SAMPLE_BYTES > limit_mb * 2**20:
            raise ChunkError("too_long", f"beyond {limit_mb} MiB of sound", chunk.recording_id)
        recording.check(chunk)
        if recording.received.overlaps(chunk.first_sample, chunk.end):
            self._compare(recording, chunk)
            is_known = recording.received.contains(chunk.first_sample, chunk.end)
            if is_known and (recording.end is not None or not chunk.is_last):
                return False
        elif not chunk.sample_count and recording.end is not None:
            return False
        start = self._spool.append(recording, payload)
        recording.place(chunk, start + HEADER_BYTES)
        return True

    def _compare(self, recording: Recording, chunk: Chunk) -> None:
        """Raise ChunkError unless `chunk` says the same as what is there already."""
        unit = recording.bytes_per_sample
        for first, end in recording.overlapping(chunk.first_sample, chunk.end):
            body = self._spool.body(recording, first)
            low, high = max(first, chunk.first_sample), min(end, chunk.end)
            theirs = chunk.body[(low - chunk.first_sample) * unit : (high - chunk.first_sample) * unit]
            if theirs != body[(low - first) * unit : (high - first) * unit]:
                raise ChunkError("contradiction", "other audio than before", chunk.recording_id)

    def _only_declared_gaps_left(self, recording: Recording, quiet: float) -> bool:
        return (
            recording.end is not None
            and recording.asked > 0
            and quiet >= self._settings.missing_after_s * 2**recording.asked
            and (recording.meta is not None or not recording.wants_meta)
            and all(end in recording.declared_gaps for _, end in recording.gaps())
        )

    def _ask(self, recording: Recording, quiet: float) -> Iterator[IntakeEvent]:
        ranges: list[list[int | None]] = [
            [start, end]
            for start, end in recording.gaps()
            if recording.asked == 0 or end not in recording.declared_gaps
        ]
        if recording.end is None and quiet >= _TAIL_AFTER * self._settings.missing_after_s:
            ranges.append([recording.received.end, None])
        document: dict[str, Any] = {"type": "missing", "recording_id": recording.name}
        # What the device cannot answer must not keep the rest from being asked for.
        first = MAX_RANGES * recording.asked % len(ranges) if len(ranges) > MAX_RANGES else 0
        document["ranges"] = ranges[first : first + MAX_RANGES]
        if recording.wants_meta and recording.meta is None:
            document["meta"] = True
        recording.asked += 1
        if ranges or "meta" in document:
            self.counts["asked"] += 1
            yield ControlMessage(recording.device_id, document)

    def _give_up(self, recording: Recording) -> Iterator[IntakeEvent]:
        if recording.sample_rate:
            is_whole = recording.end is not None and recording.received.covers(recording.end)
            yield self._close(recording, "complete" if is_whole else "partial")
            return
        self.counts["abandoned"] += 1
        del self._open[recording.key]
        self._spool.close(recording.key)
        self._spool.remove(recording)

    def _close(self, recording: Recording, completeness: Completeness) -> ClosedRecording:
        self.counts[f"closed_{completeness}"] += 1
        del self._open[recording.key]
        self._closing.add(recording.key)
        self._spool.close(recording.key)
        return ClosedRecording(recording, completeness)
