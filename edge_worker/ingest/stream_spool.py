"""Spool of streams: each in a directory of chunk files that are deleted when no longer needed.

    spool/<device>/<recording id>.stream/
        000000.chunks, 000001.chunks, …     segments of about 20 s, in the format of `chunk_file`
        state.json                          state of the analysis of the audio that is not needed again

A segment is deleted when all its audio was analysed and need not be stored. The disk space of a stream is so
bounded by `STETHO_STREAM_AUDIO_S`, some segments, and a state that does not grow.
"""

import json
import logging
import operator
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge_worker.ingest.chunk_file import (
    FILE_HEADER_BYTES,
    append_whole,
    chunks_in,
    file_header,
    received_at_of,
)
from edge_worker.ingest.descriptor_cache import DescriptorCache
from edge_worker.ingest.quarantine import Quarantine
from edge_worker.ingest.stream import Segment, Stream
from edge_worker.protocol import strict_json
from edge_worker.protocol.chunk import HEADER_BYTES, MAX_SAMPLES, META, Chunk
from edge_worker.protocol.meta import parse_stored_meta
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS, HeldShards
from edge_worker.protocol.topics import DEVICE_ID
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
SEGMENT_S: Final = 20.0
_DIRECTORY: Final = re.compile(r"([0-9a-f]{16})\.stream")
_SEGMENT: Final = re.compile(r"([0-9]{6,})\.chunks")
_STATE: Final = "state.json"


class StreamSpool:
    """Chunk files and saved states of all streams.

    `append`, `close` and `trim` belong to one thread, `save_state` to one (it writes a file of its own); the
    other methods are for the thread that holds a stream that has ended.
    """

    def __init__(self, directory: Path, quarantine: Quarantine | None = None) -> None:
        """Use `directory`, which `Spool` has created, with its quarantine."""
        self._directory = directory
        self._quarantine = quarantine or Quarantine(directory.parent / "quarantine")
        self._descriptors = DescriptorCache()

    def append(self, stream: Stream, payload: bytes, chunk: Chunk) -> None:
        """Append `payload` to the last segment, or to a new one.

        Raises:
            OSError: nothing was written: no space, no permission.
        """
        last = stream.segments[-1] if stream.segments else None
        is_full = last is None or last.samples >= SEGMENT_S * chunk.sample_rate
        segment = Segment(0 if last is None else last.number + 1) if last is None or is_full else last
        try:
            descriptor = self._descriptor(stream, segment)
        except (FileNotFoundError, NotADirectoryError):  # deleted by hand: the sound goes on in another file
            segment = Segment(segment.number + 1)
            descriptor = self._descriptor(stream, segment)
        if not segment.bytes:
            os.ftruncate(descriptor, 0)
            append_whole(descriptor, file_header(stream.received_at) + payload, 0)
            segment.bytes = FILE_HEADER_BYTES
        else:
            append_whole(descriptor, payload, segment.bytes)
        if segment is not last:
            self.close(stream)
            stream.segments.append(segment)
        _count(segment, chunk, len(payload))

    def close(self, stream: Stream) -> None:
        """Close the descriptor of the last segment, to which nothing is appended any more."""
        if stream.segments:
            self._descriptors.close((stream.key, stream.segments[-1].number))

    def trim(self, stream: Stream, before: int) -> None:
        """Delete the segments that end before sample `before`; never the last one."""
        while len(stream.segments) > 1 and stream.segments[0].end <= before:
            segment = stream.segments.pop(0)
            self._segment_path(stream, segment.number).unlink(missing_ok=True)

    def save_state(self, stream: Stream, state: dict[str, Any]) -> str:
        """Replace the saved state of a stream, whole or not at all; return what was written.

        Raises OSError if the disk refuses.
        """
        path = self._path(stream) / _STATE
        draft = path.with_suffix(".part")
        text = strict_json.write(state)
        draft.write_text(text)
        draft.replace(path)
        return text

    def load(self, shards: HeldShards = ALL_SHARDS) -> Iterator[Stream]:
        """Yield the streams of these shards of an earlier process with state and META, without audio.

        One that cannot be read or understood is set aside.
        """
        for path in sorted(self._directory.glob("*/*.stream")):
            named = _DIRECTORY.fullmatch(path.name)
            device_id = path.parent.name
            is_ours = DEVICE_ID.fullmatch(device_id) is not None and shards.holds(device_id)
            if named is None or not is_ours:
                continue
            try:
                stream = self._load(path, int(named[1], 16))
            except Exception as error:
                self._set_aside(path, error)
                continue
            if stream is not None:
                yield stream
            else:
                shutil.rmtree(path, ignore_errors=True)

    def read_chunks(self, stream: Stream, from_sample: int = 0) -> Iterator[Chunk]:
        """Yield the PCM chunks with audio from `from_sample` on, by first sample; one at a time is in memory.

        LAST chunks are yielded in any case: they tell where the stream ends. A segment that was deleted by
        hand is a gap.
        """
        index: list[tuple[int, int, int, int]] = []
        for segment in stream.segments:
            path = self._segment_path(stream, segment.number)
            try:
                content = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError) as error:
                _LOG.error(
                    line("spool_damaged", device=stream.device_id, recording=stream.name, reason=error)
                )
                continue
            offset = FILE_HEADER_BYTES
            for chunk in chunks_in(memoryview(content)[offset:]):
                size = HEADER_BYTES + len(chunk.body)
                if chunk.type != META and (chunk.end > from_sample or chunk.is_last):
                    index.append((chunk.first_sample, segment.number, offset, size))
                offset += size
        for _, number, offset, size in sorted(index):
            with self._segment_path(stream, number).open("rb") as file:
                file.seek(offset)
                yield from chunks_in(memoryview(file.read(size)))

    def remove(self, stream: Stream) -> None:
        """Delete all files of a stream."""
        shutil.rmtree(self._path(stream), ignore_errors=True)

    def set_aside(self, stream: Stream, reason: Exception) -> None:
        """Move the files of a stream that cannot be stored out of the spool, for an operator to look at."""
        self._set_aside(self._path(stream), reason)

    def _set_aside(self, path: Path, reason: Exception) -> None:
        self._quarantine.take(path, reason)

    def _descriptor(self, stream: Stream, segment: Segment) -> int:
        key = (stream.key, segment.number)
        descriptor = self._descriptors.get(key)
        if descriptor is not None:
            return descriptor
        if not segment.bytes:
            self._make_directory(self._path(stream))
        is_new = not segment.bytes
        return self._descriptors.open(key, self._segment_path(stream, segment.number), is_new=is_new)

    def _make_directory(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:  # something else lies where it belongs
            self._set_aside(path if path.exists() else path.parent, error)
            path.mkdir(parents=True, exist_ok=True)

    def _load(self, path: Path, recording_id: int) -> Stream | None:
        """Return the stream in a directory, None when it has neither a state nor a whole chunk."""
        stream = Stream(path.parent.name, recording_id, 0.0)
        for each in sorted(path.iterdir()):
            named = _SEGMENT.fullmatch(each.name)
            if named is not None:
                _load_segment(stream, each, int(named[1]))
        if (path / _STATE).exists():
            self._load_state(stream, path / _STATE)
        return stream if stream.segments or stream.state is not None else None

    def _load_state(self, stream: Stream, path: Path) -> None:
        """Continue from a saved state; a damaged one leaves the spool, and the sound is classified again."""
        try:
            state = json.loads(path.read_text())
            _check_state(state)
        except (OSError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            self._set_aside(path, error)
            return
        stream.state = state
        stream.received_at, stream.meta = state["received_at"], stream.meta or state["meta"]
        stream.sample_rate, stream.channels = state["sample_rate"], state["channels"]

    def _path(self, stream: Stream) -> Path:
        return self._directory / stream.device_id / f"{stream.name}.stream"

    def _segment_path(self, stream: Stream, number: int) -> Path:
        return self._path(stream) / f"{number:06}.chunks"


def _check_state(state: dict[str, Any]) -> None:
    """Raise LookupError, TypeError or ValueError unless the facts of a stream in a state are possible."""
    samples = operator.index(state["needed_from"]), operator.index(state["position"])
    rate, channels = operator.index(state["sample_rate"]), operator.index(state["channels"])
    is_possible = 0 <= samples[0] <= samples[1] <= MAX_SAMPLES and rate > 0 and channels in (1, 2)
    if not (is_possible and float(state["received_at"]) > 0 and isinstance(state["meta"], dict | None)):
        raise ValueError("not the state of a stream")


def _load_segment(stream: Stream, path: Path, number: int) -> None:
    """Add a segment file to `stream`, cutting off a last chunk that is not whole."""
    content = path.read_bytes()
    received_at = received_at_of(content)
    if received_at is None:
        path.unlink()
        return
    stream.received_at = stream.received_at or received_at
    segment = Segment(number, FILE_HEADER_BYTES)
    for chunk in chunks_in(memoryview(content)[FILE_HEADER_BYTES:]):
        _count(segment, chunk, HEADER_BYTES + len(chunk.body))
        if chunk.type == META:
            stream.meta = parse_stored_meta(bytes(chunk.body), chunk.recording_id)
    if segment.bytes < len(content):
        os.truncate(path, segment.bytes)
    if segment.bytes > FILE_HEADER_BYTES:
        stream.segments.append(segment)
    else:
        path.unlink()


def _count(segment: Segment, chunk: Chunk, size: int) -> None:
    """Count a chunk with a payload of `size` bytes into its segment."""
    segment.bytes += size
    if chunk.type != META:
        segment.samples += chunk.sample_count
        segment.end = max(segment.end, chunk.end)
