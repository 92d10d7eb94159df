"""The rules of reception for streams: order, gaps, what is asked for, when a stream is over.

Beside `intake`, which decides who may open one. Normative: `docs/protocol.md` § Streams.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from edge_worker.errors import ChunkError
from edge_worker.ingest.recording import RecordingKey, parse_meta
from edge_worker.ingest.stream import Part, Stream
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol.chunk import META, Chunk
from edge_worker.settings import Settings

_TAIL_AFTER: Final = 8
"""The end of a silent stream is asked for after this many `missing_after_s`."""
_META_ASKED: Final = 3
"""How often META is asked for before the stream goes on without."""


@dataclass(frozen=True, slots=True)
class StreamAudio:
    """The next sound of a stream, in order: what is between two pieces never came."""

    stream: Stream
    first_sample: int
    body: bytes
    at: float
    """Monotonic time of the chunk that brought it, seconds; 0: sound of an earlier process."""


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """A stream is over."""

    stream: Stream
    is_ended: bool
    """By LAST; otherwise by silence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be asked of a device."""

    stream: Stream
    document: dict[str, Any]


StreamEvent = StreamAudio | StreamEnd | Wanted


class StreamIntake:
    """All open streams. Used by the network thread."""

    def __init__(self, spool: StreamSpool, settings: Settings, counts: Counter[str]) -> None:
        """Count into `counts`."""
        self._spool = spool
        self._settings = settings
        self._counts = counts
        self.open: dict[RecordingKey, Stream] = {}

    @property
    def spool_bytes(self) -> int:
        """Bytes of all streams on disk; safe from any thread."""
        return sum(stream.spool_bytes for stream in list(self.open.values()))

    def load(self) -> Iterator[Stream]:
        """Yield what an earlier process left; `resume_stream` or `remove` it."""
        return self._spool.load()

    def resume_stream(self, stream: Stream, now: float) -> Iterator[StreamEvent]:
        """Take up a stream of an earlier process; what it sent comes again, as far as it is needed."""
        self.open[stream.key] = stream
        stream.touched = now
        stream.next_sample = 0 if stream.state is None else stream.state["needed_from"]
        for chunk in self._spool.read_chunks(stream, stream.next_sample):
            yield from self._pieces(stream, stream.take(chunk), now, 0.0)
        yield from self._end_if_over(stream, now)

    def remove(self, stream: Stream) -> None:
        """Delete the files of a stream that is stored."""
        self._spool.remove(stream)

    def trim(self, key: RecordingKey, before: int) -> None:
        """Forget sound before a sample: it was judged, and is not to be kept."""
        stream = self.open.get(key)
        if stream is not None:
            self._spool.trim(stream, before)

    def receive(self, stream: Stream, chunk: Chunk, payload: bytes, now: float) -> Iterator[StreamEvent]:
        """Place a chunk of a stream, which is new where it is not among the open ones.

        Raises:
            ChunkError: it contradicts what came before.
            OSError: the spool cannot be written now. Nothing was changed.
        """
        if not chunk.is_stream:
            raise ChunkError("contradiction", "a stream is marked in every chunk", chunk.recording_id)
        if chunk.type == META:
            return iter(self._take_meta(stream, chunk, payload, now))
        if stream.is_known(chunk):
            self._counts["duplicates"] += 1
            return iter(())
        self._spool.append(stream, payload, chunk)
        self._note(stream, now)
        return iter([*self._pieces(stream, stream.take(chunk), now, now), *self._end_if_over(stream, now)])

    def check_timeouts(self, now: float, offline: Collection[str]) -> Iterator[StreamEvent]:
        """Yield what silence and gaps lead to."""
        for stream in list(self.open.values()):
            quiet = now - stream.touched
            if quiet >= self._settings.stream_give_up_s:
                yield from self._give_up(stream, now)
            elif self._is_gap_over(stream, now):
                yield from self._skip_gap(stream, now)
            elif stream.device_id not in offline:
                yield from self._ask(stream, now, quiet)
            yield from self._end_if_over(stream, now)

    def broker_reconnected(self, now: float) -> None:
        """Note that the broker is back: nobody was silent while nobody could be heard."""
        for stream in self.open.values():
            stream.touched, stream.asked = now, 0
            if stream.gap_since is not None:
                stream.gap_since = now

    def go_on_without_meta(self, key: RecordingKey) -> None:
        """Wait no longer for the META of a stream: the device would send the same again."""
        stream = self.open.get(key)
        if stream is not None and stream.meta is None:
            stream.meta = {}

    def _take_meta(self, stream: Stream, chunk: Chunk, payload: bytes, now: float) -> list[StreamEvent]:
        meta = parse_meta(bytes(chunk.body), chunk.recording_id)
        if stream.meta is not None:
            self._counts["duplicates"] += 1
            return []
        self._spool.append(stream, payload, chunk)
        self._note(stream, now)
        stream.meta = meta
        return list(self._end_if_over(stream, now))

    def _note(self, stream: Stream, now: float) -> None:
        self._counts["chunks"] += 1
        self.open[stream.key] = stream
        stream.touched = now

    def _pieces(self, stream: Stream, parts: list[Part], now: float, at: float) -> Iterator[StreamEvent]:
        if parts:
            stream.gap_since, stream.asked = (now if stream.has_gap else None), 0
        elif stream.has_gap and stream.gap_since is None:
            stream.gap_since = now
        return (StreamAudio(stream, part.first_sample, part.body, at) for part in parts)

    def _is_gap_over(self, stream: Stream, now: float) -> bool:
        return stream.gap_since is not None and now - stream.gap_since >= self._settings.stream_gap_s

    def _skip_gap(self, stream: Stream, now: float) -> Iterator[StreamEvent]:
        parts = stream.give_up_gap()
        stream.gap_since = None
        yield from self._pieces(stream, parts, now, now)

    def _ask(self, stream: Stream, now: float, quiet: float) -> Iterator[StreamEvent]:
        """Ask for the gap, for META, or for the end, ever more patiently."""
        after_s = self._settings.missing_after_s * 2**stream.asked
        lacks_meta = stream.wants_meta and stream.meta is None and stream.asked < _META_ASKED
        since = stream.gap_since if stream.gap_since is not None else stream.touched
        is_silent = stream.end is None and not stream.has_gap and quiet >= _TAIL_AFTER * after_s
        ranges: list[list[int | None]] = [[stream.next_sample, stream.gap_end]] if stream.has_gap else []
        if is_silent:
            ranges = [[stream.next_sample, None]]
        if not (ranges or lacks_meta) or (now - since < after_s and not is_silent):
            return
        stream.asked += 1
        self._counts["asked"] += 1
        document = {"type": "missing", "recording_id": stream.name, "ranges": ranges}
        yield Wanted(stream, document | ({"meta": True} if lacks_meta else {}))

    def _give_up(self, stream: Stream, now: float) -> Iterator[StreamEvent]:
        while stream.ahead:
            yield from self._skip_gap(stream, now)
        if stream.sample_rate:
            yield self._close(stream, is_ended=stream.end is not None and stream.next_sample >= stream.end)
            return
        self._counts["abandoned"] += 1
        del self.open[stream.key]
        self._spool.close(stream)
        self._spool.remove(stream)

    def _end_if_over(self, stream: Stream, now: float) -> Iterator[StreamEvent]:
        is_whole = stream.end is not None and stream.next_sample >= stream.end
        waits = stream.wants_meta and stream.meta is None
        if waits and now - stream.touched >= self._settings.stream_gap_s:
            waits = False
        if is_whole and not waits and stream.key in self.open:
            yield self._close(stream, is_ended=True)

    def _close(self, stream: Stream, *, is_ended: bool) -> StreamEnd:
        del self.open[stream.key]
        self._spool.close(stream)
        return StreamEnd(stream, is_ended)
