"""Protocol state of a device that streams: sends samples as they are recorded, buffers the last seconds."""

import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge_worker.protocol import topics
from edge_worker.protocol.chunk import (
    CLIPPED,
    GAP_BEFORE,
    HAS_META,
    LAST,
    META,
    PCM,
    RESEND,
    STREAM,
    Chunk,
    recording_name,
)
from simulator.device.device import RETRANSMIT_AFTER_S, Device
from simulator.device.message import Message
from simulator.sound.audio_source import Block

RESEND_BUFFER_S: Final = 10.0
"""Length of the resend buffer: the worker requests missing samples within seconds, and no older ones."""
_LOUDEST: Final = 32_767


@dataclass(slots=True)
class Stream:
    """State of one stream, from the press of the button to `stored`."""

    recording_id: int
    sample_rate: int
    """Hz"""
    channels: int
    meta: bytes
    """JSON of the META chunk; empty when there is none."""
    recorded: int = 0
    """Samples per channel that the source recorded or lost."""
    is_over: bool = False
    completeness: str | None = None
    live: dict[str, Any] | None = None
    """The last live value."""
    result: dict[str, Any] | None = None
    result_payload: bytes = b""
    rejections: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The recording id as JSON writes it."""
        return recording_name(self.recording_id)


class LiveDevice(Device):
    """Device that streams one sound after the other, in chunks of `chunk_samples`."""

    def __init__(self, device_id: str, boot: str, chunk_samples: int) -> None:
        super().__init__(device_id, boot)
        self._chunk_samples = chunk_samples
        self._stream: Stream | None = None
        self._unsent_blocks: list[NDArray[np.int16]] = []
        self._lost = 0
        self._queue: deque[Chunk] = deque()
        self._resend_buffer: deque[Chunk] = deque()
        self._retransmit_at, self._retransmit_after_s = math.inf, RETRANSMIT_AFTER_S

    def on_connected(self) -> None:
        """Queue the birth messages; `stored` may have been lost with the last connection."""
        super().on_connected()
        if self._retransmit_at < math.inf:
            self._retransmit_at = -math.inf

    def begin(self, stream: Stream) -> None:
        """Start a stream."""
        self._stream = stream
        self._outbox.append(self._state("recording"))
        if stream.meta:
            self._queue.append(self._meta(stream))

    def push(self, block: Block) -> None:
        """Add recorded samples; each full chunk is queued."""
        stream = self._active_stream()
        if block.lost:
            self._queue_chunk(stream)
            stream.recorded += block.lost
            self._lost = block.lost
        self._unsent_blocks.append(block.samples)
        while sum(map(len, self._unsent_blocks)) >= self._chunk_samples:
            self._queue_chunk(stream, self._chunk_samples)

    def end(self, now: float) -> None:
        """End the stream: queue the rest, possibly empty, with LAST."""
        stream = self._active_stream()
        self._queue_chunk(stream, last=True)
        stream.is_over = True
        self._retransmit_at = now + self._retransmit_after_s
        self._outbox.append(self._state("online"))

    @property
    def is_recording(self) -> bool:
        """Whether a stream goes on."""
        return self._stream is not None and not self._stream.is_over

    @property
    def awaits_result(self) -> bool:
        """Whether the result of a stream that is over has not come yet."""
        return self._stream is not None and self._stream.is_over and self._stream.result is None

    def next_message(self, now: float) -> Message | None:
        """Return the next message that is due, or None."""
        if self._outbox:
            return self._outbox.popleft()
        chunk = self._next_resend()
        if chunk is None and now >= self._retransmit_at and self._resend_buffer:
            self._retransmit_after_s *= 2
            self._retransmit_at = now + self._retransmit_after_s
            chunk = self._resend_buffer[-1]._replace(flags=self._resend_buffer[-1].flags | RESEND)
        if chunk is not None:
            self.counts["resent"] += 1
        elif self._queue:
            chunk = self._queue.popleft()
        return None if chunk is None else self._message(chunk)

    def due_at(self) -> float:
        """Return the earliest time at which `next_message` may return one."""
        return -math.inf if self._outbox or self._resends or self._queue else self._retransmit_at

    def receive(self, topic: str, payload: bytes, now: float) -> None:
        """Process what the worker publishes about the stream; ignore all else."""
        stream = self._stream
        try:
            document = json.loads(payload)
            is_ours = stream is not None and document["recording_id"] == stream.name
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if stream is None or not is_ours:
            return
        if topic == topics.live(self.device_id):
            stream.live = document
        elif topic == topics.device_result(self.device_id):
            stream.result, stream.result_payload = document, payload
            self._finish(stream, stream.completeness)
        elif document.get("type") == "stored":
            self._finish(stream, str(document.get("completeness")))
        elif document.get("type") == "missing":
            self._resend_missing(stream, document)
        elif document.get("type") == "rejected":
            stream.rejections.append(str(document.get("detail", document.get("reason"))))

    def _active_stream(self) -> Stream:
        if self._stream is None:
            raise RuntimeError("no stream was begun")
        return self._stream

    def _finish(self, stream: Stream, completeness: str | None) -> None:
        stream.completeness = completeness
        self._resend_buffer.clear()
        self._resends.clear()
        self._retransmit_at = math.inf

    def _queue_chunk(self, stream: Stream, samples: int | None = None, *, last: bool = False) -> None:
        """Queue a chunk of the first `samples` that are unsent, or of all."""
        pcm = (
            np.concatenate(self._unsent_blocks)
            if self._unsent_blocks
            else np.empty((0, stream.channels), np.int16)
        )
        head, rest = pcm[:samples], pcm[len(pcm) if samples is None else samples :]
        self._unsent_blocks = [rest] if len(rest) else []
        if not len(head) and not last:
            return
        flags = STREAM | (LAST if last else 0) | (HAS_META if stream.meta else 0)
        flags |= GAP_BEFORE if self._lost else 0
        flags |= CLIPPED if len(head) and np.abs(head.astype(np.int32)).max() >= _LOUDEST else 0
        self._lost = 0
        body = head.astype("<i2").tobytes()
        chunk = Chunk(
            PCM,
            flags,
            stream.channels,
            stream.sample_rate,
            stream.recording_id,
            stream.recorded,
            len(head),
            body,
        )
        stream.recorded += len(head)
        self._queue.append(chunk)
        self._resend_buffer.append(chunk)
        oldest = stream.recorded - RESEND_BUFFER_S * stream.sample_rate
        for chunks in (self._queue, self._resend_buffer):  # without a broker: a gap, and no memory full
            while len(chunks) > 1 and chunks[0].end < oldest:
                chunks.popleft()

    def _resend_missing(self, stream: Stream, document: dict[str, Any]) -> None:
        ranges = [
            (each[0], math.inf if each[1] is None else each[1]) for each in document.get("ranges") or ()
        ]
        unsent = self._queue[0].first_sample if self._queue else math.inf  # is sent anyway
        resends = [
            chunk._replace(flags=chunk.flags | RESEND)
            for chunk in self._resend_buffer
            if chunk.first_sample < unsent and _overlaps(chunk, ranges)
        ]
        if document.get("meta") is True and stream.meta:
            meta = self._meta(stream)
            resends.insert(0, meta._replace(flags=meta.flags | RESEND))
        self._resends[stream.name] = iter(resends)

    def _meta(self, stream: Stream) -> Chunk:
        size = len(stream.meta)
        return Chunk(
            META, STREAM, stream.channels, stream.sample_rate, stream.recording_id, 0, size, stream.meta
        )


def _overlaps(chunk: Chunk, ranges: Sequence[tuple[float, float]]) -> bool:
    """Return whether a chunk overlaps one of the ranges; an empty LAST counts as its first sample."""
    stop = max(chunk.end, chunk.first_sample + 1)
    return any(start < stop and chunk.first_sample < end for start, end in ranges)
