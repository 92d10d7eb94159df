"""Chunks of streams on disk, in segments that go again: `spool/<device>/<id>.stream/`.

    000000.chunks, 000001.chunks, …     about 20 s each, in the form of `spool`
    state.json                          what was said of the sound that is not needed again

A segment goes when all that it holds was judged and is not to be kept. What is on disk of a stream is so
bounded by `STETHO_STREAM_AUDIO_S`, some segments, and a state that does not grow.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge_worker.ingest.open_files import OpenFiles
from edge_worker.ingest.recording import parse_meta
from edge_worker.ingest.spool import FILE_HEADER, FILE_MAGIC, chunks_in, write_whole
from edge_worker.ingest.stream import Segment, Stream
from edge_worker.protocol.chunk import HEADER_BYTES, META, Chunk

SEGMENT_S: Final = 20.0
_DIRECTORY: Final = re.compile(r"([0-9a-f]{16})\.stream")
_SEGMENT: Final = re.compile(r"([0-9]{6,})\.chunks")
_STATE: Final = "state.json"


class StreamSpool:
    """The files of all open streams. `append`, `close` and `trim` belong to one thread, the rest to whoever
    holds a stream that has ended; `save_state` touches a file of its own.
    """

    def __init__(self, directory: Path) -> None:
        """Use `directory`, which `Spool` has made."""
        self._directory = directory
        self._files = OpenFiles()

    def append(self, stream: Stream, payload: bytes, chunk: Chunk) -> None:
        """Write `payload` at the end of the last segment, or of a new one.

        Raises:
            OSError: nothing was written: no room, no permission.
        """
        last = stream.segments[-1] if stream.segments else None
        is_full = last is None or last.samples >= SEGMENT_S * chunk.sample_rate
        segment = Segment(0 if last is None else last.number + 1) if last is None or is_full else last
        descriptor = self._descriptor(stream, segment)
        if not segment.bytes:
            os.ftruncate(descriptor, 0)
            header = FILE_HEADER.pack(FILE_MAGIC, int(stream.received_at * 1000))
            write_whole(descriptor, header + payload, 0)
            segment.bytes = len(header)
        else:
            write_whole(descriptor, payload, segment.bytes)
        if segment is not last:
            self.close(stream)
            stream.segments.append(segment)
        _note(segment, chunk, len(payload))

    def close(self, stream: Stream) -> None:
        """Give the descriptor of the last segment back: nothing is appended to it any more."""
        if stream.segments:
            self._files.close((stream.key, stream.segments[-1].number))

    def _descriptor(self, stream: Stream, segment: Segment) -> int:
        key = (stream.key, segment.number)
        descriptor = self._files.get(key)
        if descriptor is not None:
            return descriptor
        path = self._path(stream)
        if not segment.bytes:
            path.mkdir(parents=True, exist_ok=True)
        return self._files.open(key, path / f"{segment.number:06}.chunks")

    def trim(self, stream: Stream, before: int) -> None:
        """Delete segments that hold nothing from sample `before` on; never the last one."""
        while len(stream.segments) > 1 and stream.segments[0].end <= before:
            segment = stream.segments.pop(0)
            (self._path(stream) / f"{segment.number:06}.chunks").unlink(missing_ok=True)

    def save_state(self, stream: Stream, state: dict[str, Any]) -> None:
        """Replace the state of a stream, whole or not at all; raises OSError when the disk refuses."""
        path = self._path(stream) / _STATE
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(state, separators=(",", ":")))
        draft.replace(path)

    def load(self) -> Iterator[Stream]:
        """Yield every stream that an earlier process left, with its state and its META; no sound yet."""
        for path in sorted(self._directory.glob("*/*.stream")):
            named = _DIRECTORY.fullmatch(path.name)
            stream = None if named is None else self._read(path, int(named[1], 16))
            if stream is not None:
                yield stream
            elif named is not None:
                shutil.rmtree(path, ignore_errors=True)

    def read_chunks(self, stream: Stream, from_sample: int = 0) -> Iterator[Chunk]:
        """Yield the PCM chunks that have sound from `from_sample` on, by first sample; one at a time is read.

        LAST chunks are yielded in any case: they say where the stream ends.
        """
        places: list[tuple[int, int, int, int]] = []
        for segment in stream.segments:
            path = self._path(stream) / f"{segment.number:06}.chunks"
            offset = FILE_HEADER.size
            for chunk in chunks_in(memoryview(path.read_bytes())[offset:]):
                size = HEADER_BYTES + len(chunk.body)
                if chunk.type != META and (chunk.end > from_sample or chunk.is_last):
                    places.append((chunk.first_sample, segment.number, offset, size))
                offset += size
        for _, number, offset, size in sorted(places):
            with (self._path(stream) / f"{number:06}.chunks").open("rb") as file:
                file.seek(offset)
                yield from chunks_in(memoryview(file.read(size)))

    def remove(self, stream: Stream) -> None:
        """Delete all files of a stream."""
        shutil.rmtree(self._path(stream), ignore_errors=True)

    def _read(self, path: Path, recording_id: int) -> Stream | None:
        """Return what is in a directory, None when not one chunk of it is whole."""
        stream = Stream(path.parent.name, recording_id, 0.0)
        for each in sorted(path.iterdir()):
            named = _SEGMENT.fullmatch(each.name)
            if named is not None:
                self._read_segment(stream, each, int(named[1]))
        if not stream.segments:
            return None
        if (path / _STATE).exists():
            stream.state = json.loads((path / _STATE).read_text())
            stream.received_at, stream.meta = stream.state["received_at"], stream.meta or stream.state["meta"]
            stream.sample_rate, stream.channels = stream.state["sample_rate"], stream.state["channels"]
        return stream

    def _read_segment(self, stream: Stream, path: Path, number: int) -> None:
        content = path.read_bytes()
        if len(content) <= FILE_HEADER.size or not content.startswith(FILE_MAGIC):
            path.unlink()
            return
        stream.received_at = stream.received_at or FILE_HEADER.unpack_from(content)[1] / 1000
        segment = Segment(number, FILE_HEADER.size)
        for chunk in chunks_in(memoryview(content)[FILE_HEADER.size :]):
            _note(segment, chunk, HEADER_BYTES + len(chunk.body))
            if chunk.type == META:
                stream.meta = parse_meta(bytes(chunk.body), chunk.recording_id)
        if segment.bytes < len(content):
            os.truncate(path, segment.bytes)
        if segment.bytes > FILE_HEADER.size:
            stream.segments.append(segment)
        else:
            path.unlink()

    def _path(self, stream: Stream) -> Path:
        return self._directory / stream.device_id / f"{stream.name}.stream"


def _note(segment: Segment, chunk: Chunk, size: int) -> None:
    """Note that a payload of `size` bytes is in a segment."""
    segment.bytes += size
    if chunk.type != META:
        segment.samples += chunk.sample_count
        segment.end = max(segment.end, chunk.end)
