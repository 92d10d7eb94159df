"""Protocol state of one device: messages and a clock go in, messages come out. No I/O, no threads.

Normative: `docs/protocol.md`. The owner of the connection pulls `next_message`, so that a slow network makes
a device wait and not grow.
"""

import json
import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from edge_worker import __version__
from edge_worker.protocol import strict_json, topics
from edge_worker.protocol.chunk import Chunk, encode
from simulator.device.delivery import Delivery
from simulator.device.message import Message
from simulator.device.recording import Range, Recording, as_resend

RETRANSMIT_AFTER_S: Final = 20.0
"""Without `stored` this long after the last chunk it is sent again, then after twice as long, and so on.

The broker has it all, and a worker that is behind says `stored` late: what is sent again only adds to that.
"""
CROSSES_S: Final = 2.0
"""A request of the end that comes so soon after it was sent was written before it arrived."""


@dataclass(slots=True)
class _PendingRecording:
    """Recording that is not stored yet."""

    recording: Recording
    delivery: Delivery
    captured: int = 0
    """Samples that were sent in the first transmission; later ones do not exist yet."""
    retransmit_at: float = math.inf
    retransmit_after_s: float = RETRANSMIT_AFTER_S


@dataclass(slots=True)
class _Transmission:
    """First transmission of a recording."""

    pending: _PendingRecording
    chunks: Iterator[Chunk]
    next: Chunk | None
    starts_at: float
    in_real_time: bool

    @property
    def due_at(self) -> float:
        """Time at which the next chunk may be sent: when its last sample would have been recorded."""
        if self.next is None:
            return math.inf
        recorded_s = self.next.end / self.pending.recording.sample_rate if self.in_real_time else 0.0
        return self.starts_at + recorded_s


class Device:
    """Device that records one sound at a time and holds each recording until it is stored."""

    def __init__(self, device_id: str, boot: str) -> None:
        """`boot` is random per start of the device, 8 hex digits."""
        self.device_id = device_id
        self._boot = boot
        self._outbox: deque[Message] = deque()
        self._resends: dict[str, Iterator[Chunk]] = {}
        self._pending: dict[str, _PendingRecording] = {}
        self._transmission: _Transmission | None = None
        self.deliveries: dict[str, Delivery] = {}
        """By name of the recording, in the order of recording."""
        self.counts: Counter[str] = Counter()
        """`chunks`: PCM and META chunks that were sent; `resent`: those of them that were sent again."""
        self.max_late_s = 0.0
        """Largest delay of a chunk of a real-time recording, seconds."""

    def will_message(self) -> Message:
        """Return the will, which the broker publishes when it loses the device."""
        return self._state("lost")

    def offline_message(self) -> Message:
        """Return the message that precedes an orderly disconnect."""
        return self._state("offline")

    def on_connected(self) -> None:
        """Queue the birth messages, and the state of a recording that goes on; ask again for `stored`."""
        for pending in self._pending.values():
            if pending.delivery.last_sent_at is not None:  # `stored` may have been lost with the connection
                pending.retransmit_at = -math.inf
        self._outbox.append(self._state("online"))
        facts = {
            "firmware": f"simulator {__version__}",
            "hardware": "software",
            "formats": ["s16le"],
            "buffer_bytes": None,  # as much as this machine has
        }
        self._outbox.append(Message(topics.info(self.device_id), _json(facts), retain=True))
        if self._transmission is not None:
            self._outbox.append(self._state("recording"))

    def record(self, recording: Recording, starts_at: float, *, in_real_time: bool) -> Delivery:
        """Start to send `recording`: each chunk when it would have been recorded, or all at once."""
        delivery = Delivery(recording.name, recording.samples, 0)
        pending = _PendingRecording(recording, delivery)
        self.deliveries[recording.name], self._pending[recording.name] = delivery, pending
        chunks = recording.chunks()
        self._transmission = _Transmission(pending, chunks, next(chunks), starts_at, in_real_time)
        self._outbox.append(self._state("recording"))
        if recording.meta:
            self._outbox.append(self._message(recording.meta_chunk()))
        return delivery

    @property
    def is_recording(self) -> bool:
        """Whether the first transmission of a recording goes on."""
        return self._transmission is not None

    @property
    def awaits_result(self) -> bool:
        """Whether the result of a recording that is over has not come yet."""
        return any(each.result is None and each.last_sent_at for each in self.deliveries.values())

    def receive(self, topic: str, payload: bytes, now: float) -> None:
        """Process a control message, live value or result; ignore others and malformed ones."""
        try:
            document = json.loads(payload)
            name = document["recording_id"]
            delivery = self.deliveries[name]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if topic == topics.live(self.device_id):
            delivery.live = document
        elif topic == topics.device_result(self.device_id):
            if delivery.result is None:
                delivery.result, delivery.result_payload, delivery.result_at = document, payload, now
            self._release(name)
        elif document.get("type") == "stored":
            if delivery.stored_at is None:
                delivery.stored_at, delivery.completeness = now, str(document.get("completeness"))
            self._release(name)
        elif document.get("type") == "missing" and name in self._pending:
            self._queue_resend(self._pending[name], document, now)
        elif document.get("type") == "rejected":
            delivery.rejections.append(str(document.get("detail", document.get("reason"))))

    def next_message(self, now: float) -> Message | None:
        """Return the next message that is due, or None."""
        if self._outbox:
            return self._outbox.popleft()
        chunk = self._next_resend() or self._next_retransmission(now)
        if chunk is not None:
            self.counts["resent"] += 1
            return self._message(chunk)
        return self._next_captured(now)

    def due_at(self) -> float:
        """Return the earliest time at which `next_message` may return one; minus infinity means now."""
        if self._outbox or self._resends:
            return -math.inf
        transmission = self._transmission.due_at if self._transmission else math.inf
        return min(chain((transmission,), (pending.retransmit_at for pending in self._pending.values())))

    def _next_resend(self) -> Chunk | None:
        while self._resends:
            name = next(iter(self._resends))
            chunk = next(self._resends[name], None)
            if chunk is not None:
                return chunk
            del self._resends[name]
        return None

    def _next_retransmission(self, now: float) -> Chunk | None:
        for pending in self._pending.values():
            if now >= pending.retransmit_at:
                pending.retransmit_after_s *= 2
                pending.retransmit_at = now + pending.retransmit_after_s
                return pending.recording.last_chunk()
        return None

    def _next_captured(self, now: float) -> Message | None:
        transmission = self._transmission
        if transmission is None or transmission.next is None or now < transmission.due_at:
            return None
        if transmission.in_real_time:
            self.max_late_s = max(self.max_late_s, now - transmission.due_at)
        chunk, transmission.next = transmission.next, next(transmission.chunks, None)
        transmission.pending.captured = chunk.end
        transmission.pending.delivery.chunks += 1
        if transmission.next is None:
            self._transmission = None
            transmission.pending.delivery.last_sent_at = now
            transmission.pending.retransmit_at = now + transmission.pending.retransmit_after_s
            self._outbox.append(self._state("online"))
        return self._message(chunk)

    def _queue_resend(self, pending: _PendingRecording, document: dict[str, Any], now: float) -> None:
        """Queue what a `missing` message requests; it replaces an earlier request."""
        sent_at = pending.delivery.last_sent_at
        is_over, captured = sent_at is not None, pending.captured
        ranges = list(_ranges(document.get("ranges")))
        if sent_at is None or now < sent_at + CROSSES_S:  # the end follows anyway
            ranges = [(start, min(end, captured)) for start, end in ranges if end is not None]
        requested = (min(captured if end is None else end, captured) - start for start, end in ranges)
        pending.delivery.requested_samples += sum(count for count in requested if count > 0)
        chunks: Iterator[Chunk] = chain.from_iterable(
            pending.recording.chunks_between(*wanted) for wanted in ranges
        )
        if document.get("meta") is True and pending.recording.meta:
            chunks = chain([pending.recording.meta_chunk()], chunks)
        self._resends[pending.recording.name] = as_resend(chunks)
        if is_over:
            pending.retransmit_at = now + pending.retransmit_after_s

    def _release(self, name: str) -> None:
        self._resends.pop(name, None)
        pending = self._pending.pop(name, None)
        if pending is not None and self._transmission is not None and self._transmission.pending is pending:
            self._transmission = None  # the worker has closed it: the rest would be sent in vain
            self._outbox.append(self._state("online"))

    def _message(self, chunk: Chunk) -> Message:
        self.counts["chunks"] += 1
        return Message(topics.pcm(self.device_id), encode(chunk))

    def _state(self, state: str) -> Message:
        return Message(topics.state(self.device_id), _json({"state": state, "boot": self._boot}), retain=True)


def _ranges(wanted: object) -> Iterator[Range]:
    """Yield the well-formed ranges of a `missing` message."""
    for item in wanted if isinstance(wanted, list) else ():
        if isinstance(item, list) and len(item) == 2:  # noqa: PLR2004 - a start and an end
            start, end = item
            if _is_index(start) and (end is None or _is_index(end)):
                yield start, end


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _json(document: dict[str, Any]) -> bytes:
    return strict_json.write(document).encode()
