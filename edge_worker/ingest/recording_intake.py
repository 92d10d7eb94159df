"""Reception of recordings: order, duplicates, contradictions, requests for missing audio, closing.

Beside `stream_intake`, and below `intake`, which decides who may open a recording.
Normative: `docs/protocol.md` § Delivery promise.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Final

from edge_worker.errors import ChunkError
from edge_worker.ingest.intake_event import (
    ClosedRecording,
    ControlMessage,
    IntakeEvent,
    ignored_messages,
)
from edge_worker.ingest.open_audio import OpenAudio
from edge_worker.ingest.quarantine import guarded
from edge_worker.ingest.recording import SPOOL_FACTOR, Recording, RecordingKey
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import control
from edge_worker.protocol.chunk import HEADER_BYTES, META, SAMPLE_BYTES, Chunk
from edge_worker.protocol.meta import parse_meta
from edge_worker.protocol.result import Completeness
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_TAIL_AFTER: Final = 20
"""The end of a recording is requested after this many `missing_after_s`: a slow device has not stopped, and
what waits somewhere would come twice."""
_TAIL_BEFORE: Final = 3
"""It is requested after this part of `give_up_s` at the latest, so that there is time for an answer."""


class RecordingIntake:
    """All open recordings. Used by the network thread."""

    def __init__(self, spool: Spool, settings: Settings, counts: Counter[str]) -> None:
        """Count outcomes into `counts`."""
        self._spool = spool
        self._settings = settings
        self._counts = counts
        self.open: OpenAudio[Recording] = OpenAudio()
        self.on_progress: Callable[[Recording, float], None] = lambda _recording, _now: None
        """Called with the monotonic time when an open recording has new audio."""

    @property
    def spool_bytes(self) -> int:
        """Bytes of all open recordings in the spool; safe from any thread."""
        return sum(recording.spool_bytes for recording in list(self.open.values()))

    def load(self, shards: HeldShards) -> Iterator[Recording]:
        """Yield the recordings of an earlier process, each to `restore` or to `remove`."""
        return self._spool.load(shards)

    def release(self, shards: HeldShards) -> None:
        """Forget the open recordings of shards; their files stay."""
        for key in [key for key in self.open if shards.holds(key[0])]:
            self.open.remove(key)
            self._spool.close(key)

    def restore(self, recording: Recording, now: float) -> list[IntakeEvent]:
        """Open a recording of an earlier process again."""
        recording.last_chunk_at = now
        self.open.add(recording)
        try:
            return [self._close(recording, "complete")] if recording.is_complete() else []
        except Exception as error:
            self.set_aside(recording, error)
            return []

    def reopen(self, recording: Recording, now: float) -> list[IntakeEvent]:
        """Open a recording again with what is whole of its chunk file, which is damaged or gone.

        Returns the request for all of it where nothing is: a device keeps a recording until it is stored.
        """
        self.open.remove(recording.key)
        self._counts["spool_damaged"] += 1
        whole = self._spool.reload(recording)
        if whole is not None:
            return self.restore(whole, now)
        everything = control.missing(recording.name, [(0, None)], meta=recording.expects_meta)
        return [ControlMessage(recording.device_id, everything)]

    def remove(self, recording: Recording) -> None:
        """Delete the file of a recording that is stored."""
        self._spool.remove(recording)

    def receive(self, recording: Recording, chunk: Chunk, payload: bytes, now: float) -> list[IntakeEvent]:
        """Add a chunk to its recording, which is new where it is not among the open ones.

        Raises:
            ChunkError: it contradicts what was received before, or is beyond a limit.
            OSError: the spool cannot be written now. Nothing was changed.
        """
        if chunk.is_stream:
            raise ChunkError("contradiction", "no chunk before was of a stream", chunk.recording_id)
        add = self._add_meta if chunk.type == META else self._add_pcm
        if not add(recording, chunk, payload):
            self._counts["duplicates"] += 1
            return []
        self._counts["chunks"] += 1
        recording.restart_timer(now)
        if chunk.type != META:
            recording.pace.note(now, chunk.end)
        self.open.add(recording)
        notices = ignored_messages(recording) if chunk.type == META else []
        self._counts["ignored_meta"] += len(notices)
        if recording.is_complete():
            return [*notices, self._close(recording, "complete")]
        if chunk.type != META:
            self.on_progress(recording, now)
        return [*notices]

    def check_timeouts(
        self, now: float, offline: Collection[str], busy_s: float, shards: HeldShards
    ) -> Iterator[IntakeEvent]:
        """Yield requests for missing audio, and close or abandon recordings that were silent for too long.

        A device that is not heard is not silent.
        """
        for recording in self._silent(now, busy_s):
            if shards.hears(recording.device_id):
                is_offline = recording.device_id in offline
                events = self._check_timeout(recording, now, is_offline=is_offline)
                yield from guarded(events, partial(self.set_aside, recording))

    def _silent(self, now: float, busy_s: float) -> list[Recording]:
        """Return the few whose silence may matter, after the timers of all have lost `busy_s`."""
        settings = self._settings
        shortest_s = min(settings.missing_after_s, settings.give_up_s, settings.offline_give_up_s)
        silent = []
        for recording in self.open.values():
            recording.last_chunk_at = heard_at = min(now, recording.last_chunk_at + busy_s)
            if now - heard_at >= shortest_s:
                silent.append(recording)
        return silent

    def device_returned(self, device_id: str, now: float) -> None:
        """Restart the timers of a device that is online again: it was silent because it was away."""
        for recording in self.open.values():
            if recording.device_id == device_id:
                recording.restart_timer(now)

    def broker_reconnected(self, now: float) -> None:
        """Restart all timers: no device was silent while the broker was away."""
        for recording in self.open.values():
            recording.restart_timer(now)

    def skip_meta(self, key: RecordingKey) -> list[IntakeEvent]:
        """Wait no longer for the META of a recording: the device would send the same again."""
        recording = self.open.get(key)
        if recording is None or recording.meta is not None:
            return []
        recording.meta = {}
        return [self._close(recording, "complete")] if recording.is_complete() else []

    def set_aside(self, recording: Recording, error: Exception) -> None:
        """Close a recording that cannot be processed; what the disk refuses stays for the next start."""
        self.open.remove(recording.key)
        with contextlib.suppress(OSError):
            self._spool.close(recording.key)
        if isinstance(error, OSError):
            _LOG.error(line("storage_refuses", error=error, recording=recording.name))
        else:
            self._spool.set_aside(recording, error)

    def _check_timeout(self, recording: Recording, now: float, *, is_offline: bool) -> Iterator[IntakeEvent]:
        silent_s = now - recording.last_chunk_at
        limit_s = self._settings.offline_give_up_s if is_offline else self._settings.give_up_s
        if silent_s >= limit_s or self._only_declared_gaps_left(recording, silent_s):
            yield from self._give_up(recording)
        elif not is_offline and silent_s >= self._request_after_s(recording):
            yield from self._request_missing(recording, silent_s)

    def _add_meta(self, recording: Recording, chunk: Chunk, payload: bytes) -> bool:
        """Add a META chunk; return False for a duplicate."""
        meta = parse_meta(bytes(chunk.body), chunk.recording_id)
        if recording.meta is not None:
            return False
        self._spool.append(recording, payload)
        recording.meta = meta
        return True

    def _add_pcm(self, recording: Recording, chunk: Chunk, payload: bytes) -> bool:
        """Add a PCM chunk; return False for a duplicate."""
        self._check_length(chunk)
        recording.check(chunk)
        if recording.received.overlaps(chunk.first_sample, chunk.end):
            self._check_same_audio(recording, chunk)
            is_known = recording.received.contains(chunk.first_sample, chunk.end)
            if is_known and (recording.end is not None or not chunk.is_last):
                return False
        elif not chunk.sample_count and recording.end is not None:
            return False
        self._check_spool(recording, chunk, len(payload))
        offset = self._spool.append(recording, payload)
        recording.add(chunk, offset + HEADER_BYTES)
        return True

    def _check_length(self, chunk: Chunk) -> None:
        limit_s = self._settings.max_recording_s
        if chunk.end > limit_s * chunk.sample_rate:
            raise ChunkError("too_long", f"beyond {limit_s:g} s of sound", chunk.recording_id)
        limit_mb = self._settings.max_recording_mb
        if chunk.end * chunk.channels * SAMPLE_BYTES > limit_mb * 2**20:
            raise ChunkError("too_long", f"beyond {limit_mb} MiB of sound", chunk.recording_id)

    def _check_spool(self, recording: Recording, chunk: Chunk, size: int) -> None:
        """Raise ChunkError where chunks that overlap would fill the disk."""
        limit_mb = SPOOL_FACTOR * self._settings.max_recording_mb
        if recording.spool_bytes + size > limit_mb * 2**20:
            raise ChunkError("too_long", f"its chunks take more than {limit_mb} MiB", chunk.recording_id)

    def _check_same_audio(self, recording: Recording, chunk: Chunk) -> None:
        """Raise ChunkError unless `chunk` has the same audio as the chunks that it overlaps."""
        unit = recording.bytes_per_sample
        ends = dict(recording.overlapping(chunk.first_sample, chunk.end))
        for first, body in self._spool.bodies(recording, ends):
            end = ends[first]
            low, high = max(first, chunk.first_sample), min(end, chunk.end)
            new = chunk.body[(low - chunk.first_sample) * unit : (high - chunk.first_sample) * unit]
            if new != body[(low - first) * unit : (high - first) * unit]:
                raise ChunkError("contradiction", "other audio than before", chunk.recording_id)

    def _request_after_s(self, recording: Recording) -> float:
        """Return the silence after which missing audio is requested next; it doubles with each request."""
        return self._settings.missing_after_s * 2.0**recording.requests

    def _only_declared_gaps_left(self, recording: Recording, silent_s: float) -> bool:
        """Return whether the device has lost all that is missing, and did not send it when asked once."""
        return (
            recording.end is not None
            and recording.requests > 0
            and silent_s >= self._request_after_s(recording)
            and (recording.meta is not None or not recording.expects_meta)
            and all(end in recording.declared_gaps for _, end in recording.gaps())
        )

    def _request_missing(self, recording: Recording, silent_s: float) -> Iterator[IntakeEvent]:
        ranges: list[control.OpenRange] = [
            (start, end)
            for start, end in recording.gaps()
            if recording.requests == 0 or end not in recording.declared_gaps
        ]
        settings = self._settings
        tail_after_s = min(_TAIL_AFTER * settings.missing_after_s, settings.give_up_s / _TAIL_BEFORE)
        if recording.end is None and silent_s >= tail_after_s:
            ranges.append((recording.received.end, None))
        # Ranges that the device cannot send must not keep the others from being requested.
        limit = control.MAX_RANGES
        first = limit * recording.requests % len(ranges) if len(ranges) > limit else 0
        lacks_meta = recording.expects_meta and recording.meta is None
        recording.requests += 1
        if ranges or lacks_meta:
            self._counts["asked"] += 1
            document = control.missing(recording.name, ranges[first : first + limit], meta=lacks_meta)
            yield ControlMessage(recording.device_id, document)

    def _give_up(self, recording: Recording) -> Iterator[IntakeEvent]:
        """Close a recording as far as it came; abandon one that has no audio."""
        is_cut = recording.sample_rate > 0 and recording.cut_to_what_came()
        if is_cut:
            self._counts["rejected_sparse"] += 1
            detail = "sparse: the recording claims a length that is far beyond the sound that came"
            yield ControlMessage(recording.device_id, control.rejected(recording.name, "sparse", detail))
        if recording.sample_rate:
            is_whole = not is_cut and recording.end is not None and recording.received.covers(recording.end)
            yield self._close(recording, "complete" if is_whole else "partial")
            return
        self._counts["abandoned"] += 1
        self.open.remove(recording.key)
        self._spool.close(recording.key)
        self._spool.remove(recording)

    def _close(self, recording: Recording, completeness: Completeness) -> ClosedRecording:
        self._counts[f"closed_{completeness}"] += 1
        self.open.remove(recording.key)
        self._spool.close(recording.key)
        return ClosedRecording(recording, completeness)
