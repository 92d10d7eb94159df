"""Reception of streams: order, gaps, requests for missing audio, and the end of a stream.

Beside `recording_intake`, and below `intake`, which decides who may open a stream.
Normative: `docs/protocol.md` § Streams.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Final

from edge_worker.errors import ChunkError
from edge_worker.ingest.intake_event import (
    ControlMessage,
    IntakeEvent,
    StreamAudio,
    StreamEnd,
    ignored_messages,
)
from edge_worker.ingest.open_audio import OpenAudio
from edge_worker.ingest.quarantine import guarded
from edge_worker.ingest.recording import SPOOL_FACTOR, RecordingKey
from edge_worker.ingest.stream import OrderedAudio, Stream
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol import control
from edge_worker.protocol.chunk import META, Chunk
from edge_worker.protocol.meta import parse_meta
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_TAIL_AFTER: Final = 8
"""The end of a silent stream is requested after this many `missing_after_s`."""
_META_REQUESTS: Final = 3
"""How often META is requested before the stream goes on without it."""


class StreamIntake:
    """All open streams. Used by the network thread."""

    def __init__(self, spool: StreamSpool, settings: Settings, counts: Counter[str]) -> None:
        """Count outcomes into `counts`."""
        self._spool = spool
        self._settings = settings
        self._counts = counts
        self.open: OpenAudio[Stream] = OpenAudio()
        self.has_room: Callable[[str], bool] = lambda _device_id: True
        """Tells whether more sound of the streams of a device may wait to be analysed."""

    @property
    def spool_bytes(self) -> int:
        """Bytes of all open streams in the spool; safe from any thread."""
        return sum(stream.spool_bytes for stream in list(self.open.values()))

    def load(self, shards: HeldShards) -> Iterator[Stream]:
        """Yield the streams of an earlier process, each to `restore` or to `remove`."""
        return self._spool.load(shards)

    def release(self, shards: HeldShards) -> None:
        """Forget the open streams of shards; their files stay."""
        for stream in [each for each in self.open.values() if shards.holds(each.device_id)]:
            self.open.remove(stream.key)
            self._spool.close(stream)

    def restore(self, stream: Stream, now: float) -> Iterator[IntakeEvent]:
        """Open a stream of an earlier process again; yield its audio as far as the analysis needs it."""
        yield from guarded(self._restore(stream, now), partial(self.set_aside, stream))

    def set_aside(self, stream: Stream, error: Exception) -> None:
        """Close a stream that cannot be processed."""
        self.open.remove(stream.key)
        with contextlib.suppress(OSError):
            self._spool.close(stream)
        self._spool.set_aside(stream, error)

    def _restore(self, stream: Stream, now: float) -> Iterator[IntakeEvent]:
        self.open.add(stream)
        stream.last_chunk_at = now
        if stream.state is not None:
            stream.next_sample, stream.known_until = stream.state["needed_from"], stream.state["position"]
        for chunk in self._spool.read_chunks(stream, stream.next_sample):
            yield from self._hand_on(stream, stream.add(chunk), now, 0.0)
        yield from self._close_if_ended(stream, now)

    def remove(self, stream: Stream) -> None:
        """Delete the files of a stream that is stored."""
        self._spool.remove(stream)

    def trim(self, key: RecordingKey, before: int) -> None:
        """Delete audio before a sample: it was analysed, and need not be stored."""
        stream = self.open.get(key)
        if stream is None:
            return
        try:
            self._spool.trim(stream, before)
        except OSError as error:  # it takes room, and is gone when the stream is stored
            _LOG.error(line("storage_refuses", error=error, recording=stream.name))

    def receive(self, stream: Stream, chunk: Chunk, payload: bytes, now: float) -> list[IntakeEvent]:
        """Add a chunk to its stream, which is new where it is not among the open ones.

        Raises:
            ChunkError: it contradicts what was received before.
            OSError: the spool cannot be written now. Nothing was changed.
        """
        if not chunk.is_stream:
            raise ChunkError("contradiction", "a stream is marked in every chunk", chunk.recording_id)
        if chunk.type == META:
            return self._add_meta(stream, chunk, payload, now)
        if stream.is_duplicate(chunk):
            self._counts["duplicates"] += 1
            return []
        self._check_spool(stream, chunk, len(payload))
        self._spool.append(stream, payload, chunk)
        self._note_chunk(stream, now)
        stream.pace.note(now, chunk.end)
        audio = self._hand_on(stream, stream.add(chunk), now, now)
        return [*audio, *self._close_if_ended(stream, now)]

    def check_timeouts(
        self, now: float, offline: Collection[str], busy_s: float, shards: HeldShards
    ) -> Iterator[IntakeEvent]:
        """Yield requests for missing audio, the audio after gaps that are skipped, and ends by silence.

        A device that is not heard is not silent.
        """
        for stream in [each for each in self.open.values() if shards.hears(each.device_id)]:
            stream.last_chunk_at = min(now, stream.last_chunk_at + busy_s)
            if stream.gap_since is not None:
                stream.gap_since = min(now, stream.gap_since + busy_s)
            events = self._check_timeout(stream, now, is_offline=stream.device_id in offline)
            yield from guarded(events, partial(self.set_aside, stream))

    def broker_reconnected(self, now: float) -> None:
        """Restart all timers: no device was silent while the broker was away."""
        for stream in self.open.values():
            stream.last_chunk_at, stream.requests = now, 0
            if stream.gap_since is not None:
                stream.gap_since = now

    def skip_meta(self, key: RecordingKey) -> None:
        """Wait no longer for the META of a stream: the device would send the same again."""
        stream = self.open.get(key)
        if stream is not None and stream.meta is None:
            stream.meta = {}

    def _check_timeout(self, stream: Stream, now: float, *, is_offline: bool) -> Iterator[IntakeEvent]:
        silent_s = now - stream.last_chunk_at
        if silent_s >= self._settings.stream_give_up_s:
            yield from self._give_up(stream, now)
        elif self._is_gap_over(stream, now):
            yield from self._skip_gap(stream, now)
        elif not is_offline:
            yield from self._request_missing(stream, now, silent_s)
        yield from self._close_if_ended(stream, now)

    def _add_meta(self, stream: Stream, chunk: Chunk, payload: bytes, now: float) -> list[IntakeEvent]:
        meta = parse_meta(bytes(chunk.body), chunk.recording_id)
        if stream.meta is not None:
            self._counts["duplicates"] += 1
            return []
        self._spool.append(stream, payload, chunk)
        self._note_chunk(stream, now)
        stream.meta = meta
        notices = ignored_messages(stream)
        self._counts["ignored_meta"] += len(notices)
        return [*notices, *self._close_if_ended(stream, now)]

    def _check_spool(self, stream: Stream, chunk: Chunk, size: int) -> None:
        """Raise ChunkError where too much waits in the spool: overlaps, or a database that is locked."""
        limit_mb = SPOOL_FACTOR * self._settings.max_recording_mb
        if stream.spool_bytes + size > limit_mb * 2**20:
            raise ChunkError("quota", f"more than {limit_mb} MiB of the stream wait", chunk.recording_id)

    def _note_chunk(self, stream: Stream, now: float) -> None:
        self._counts["chunks"] += 1
        self.open.add(stream)
        stream.last_chunk_at = now

    def _hand_on(
        self, stream: Stream, audio: list[OrderedAudio], now: float, at: float
    ) -> Iterator[IntakeEvent]:
        """Start or stop the timer of the gap; return the audio as events, received `at`."""
        if audio:
            stream.gap_since, stream.requests = (now if stream.has_gap else None), 0
        elif stream.has_gap and stream.gap_since is None:
            stream.gap_since = now
        return (StreamAudio(stream, each.first_sample, each.body, at) for each in audio)

    def _is_gap_over(self, stream: Stream, now: float) -> bool:
        return stream.gap_since is not None and now - stream.gap_since >= self._settings.stream_gap_s

    def _skip_gap(self, stream: Stream, now: float) -> Iterator[IntakeEvent]:
        audio = stream.skip_gap()
        stream.gap_since = None
        yield from self._hand_on(stream, audio, now, now)

    def _request_missing(self, stream: Stream, now: float, silent_s: float) -> Iterator[IntakeEvent]:
        """Request the gap, META, or the end; the time between two requests doubles."""
        after_s = self._settings.missing_after_s * 2.0**stream.requests
        lacks_meta = stream.expects_meta and stream.meta is None and stream.requests < _META_REQUESTS
        since = stream.gap_since if stream.gap_since is not None else stream.last_chunk_at
        is_silent = stream.end is None and not stream.has_gap and silent_s >= _TAIL_AFTER * after_s
        ranges: list[control.OpenRange] = []
        if is_silent:
            ranges = [(stream.next_sample, None)]
        elif stream.has_gap:
            ranges = [(stream.next_sample, stream.gap_end)]
        if not (ranges or lacks_meta) or (now - since < after_s and not is_silent):
            return
        stream.requests += 1
        self._counts["asked"] += 1
        yield ControlMessage(stream.device_id, control.missing(stream.name, ranges, meta=lacks_meta))

    def _give_up(self, stream: Stream, now: float) -> Iterator[IntakeEvent]:
        """End a stream that is silent; abandon one that has no audio."""
        while stream.reorder_buffer:
            yield from self._skip_gap(stream, now)
        if stream.sample_rate:
            yield self._close(stream, is_ended=stream.end is not None and stream.next_sample >= stream.end)
            return
        self._counts["abandoned"] += 1
        self.open.remove(stream.key)
        self._spool.close(stream)
        self._spool.remove(stream)

    def _close_if_ended(self, stream: Stream, now: float) -> Iterator[IntakeEvent]:
        is_whole = stream.end is not None and stream.next_sample >= stream.end
        waits = stream.expects_meta and stream.meta is None
        if waits and now - stream.last_chunk_at >= self._settings.stream_gap_s:
            waits = False
        if is_whole and not waits and stream.key in self.open:
            yield self._close(stream, is_ended=True)

    def _close(self, stream: Stream, *, is_ended: bool) -> StreamEnd:
        self.open.remove(stream.key)
        self._spool.close(stream)
        stream.next_sample = max(stream.next_sample, stream.known_until)
        return StreamEnd(stream, is_ended)
