"""The protocol state of one device: messages and a clock go in, messages come out. No I/O, no threads.

Normative: `docs/protocol.md`. `take` is pulled by whoever owns the connection, so that a slow network makes
a device wait instead of making it grow.
"""

import json
import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

from edge_worker import __version__
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk, encode
from simulator.device.recording import Range, Recording, as_resend

REMIND_AFTER_S: Final = 5.0
"""No `stored` this long after the last chunk: it is sent again, then after twice as long, and so on."""


class Message(NamedTuple):
    """One publish at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(slots=True)
class Journey:
    """What has become of one recording. Times are of the clock that is given to `Device`, in seconds."""

    name: str
    samples: int
    chunks: int
    """PCM chunks of the first transmission that have left."""
    last_sent_at: float | None = None
    """When the first transmission was over."""
    stored_at: float | None = None
    completeness: str | None = None
    result_at: float | None = None
    result: dict[str, Any] | None = None
    """The compact result."""
    result_text: bytes = b""
    """The compact result as it came."""
    asked_samples: int = 0
    """Samples that the worker asked for again."""
    rejections: list[str] = field(default_factory=list)
    """What the worker said that was wrong, in its words."""
    live: dict[str, Any] | None = None
    """The last live value, where the device hears them."""


@dataclass(slots=True)
class _Held:
    """A recording that was not stored yet."""

    recording: Recording
    journey: Journey
    captured: int = 0
    """Samples that have left in the first transmission: what is later does not exist yet."""
    remind_at: float = math.inf
    remind_after_s: float = REMIND_AFTER_S


@dataclass(slots=True)
class _Live:
    """The first transmission of a recording."""

    held: _Held
    chunks: Iterator[Chunk]
    next: Chunk | None
    starts_at: float
    in_real_time: bool

    @property
    def due_at(self) -> float:
        """When the next chunk may leave: when its last sample would have been recorded."""
        if self.next is None:
            return math.inf
        recorded_s = self.next.end / self.held.recording.sample_rate if self.in_real_time else 0.0
        return self.starts_at + recorded_s


class Device:
    """One stethoscope. It records one sound at a time and holds each until it is stored."""

    def __init__(self, device_id: str, boot: str) -> None:
        """`boot` is random per start of the device, 8 hex digits."""
        self.device_id = device_id
        self._boot = boot
        self._said: deque[Message] = deque()
        self._answers: dict[str, Iterator[Chunk]] = {}
        self._held: dict[str, _Held] = {}
        self._live: _Live | None = None
        self.journeys: dict[str, Journey] = {}
        """By name of the recording, in the order of recording."""
        self.counts: Counter[str] = Counter()
        """`chunks` of PCM and META that left, `resent` those of them that left again."""
        self.max_late_s = 0.0
        """How long after its time a chunk of a real-time recording left, at worst."""

    def will(self) -> Message:
        """Return what the broker says when it loses the device."""
        return self._state("lost")

    def farewell(self) -> Message:
        """Return the last word of an orderly end."""
        return self._state("offline")

    def connected(self) -> None:
        """Announce the device, and the recording it is at."""
        self._said.append(self._state("online"))
        facts = {
            "firmware": f"simulator {__version__}",
            "hardware": "software",
            "formats": ["s16le"],
            "buffer_bytes": None,  # as much as this machine has
        }
        self._said.append(Message(topics.info(self.device_id), _json(facts), retain=True))
        if self._live is not None:
            self._said.append(self._state("recording"))

    def record(self, recording: Recording, starts_at: float, *, in_real_time: bool) -> Journey:
        """Start to send `recording`, each chunk when it would have been recorded or all at once."""
        journey = Journey(recording.name, recording.samples, 0)
        held = _Held(recording, journey)
        self.journeys[recording.name], self._held[recording.name] = journey, held
        chunks = recording.chunks()
        self._live = _Live(held, chunks, next(chunks), starts_at, in_real_time)
        self._said.append(self._state("recording"))
        if recording.meta:
            self._said.append(self._message(recording.meta_chunk()))
        return journey

    @property
    def is_recording(self) -> bool:
        """Whether the first transmission of a recording is not over."""
        return self._live is not None

    def receive(self, topic: str, payload: bytes, now: float) -> None:
        """Take a control message or a result; what is not understood or not about us is ignored."""
        try:
            document = json.loads(payload)
            name = document["recording_id"]
            journey = self.journeys[name]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if topic == topics.live(self.device_id):
            journey.live = document
        elif topic == topics.device_result(self.device_id):
            if journey.result is None:
                journey.result, journey.result_text, journey.result_at = document, payload, now
            self._forget(name)
        elif document.get("type") == "stored":
            if journey.stored_at is None:
                journey.stored_at, journey.completeness = now, str(document.get("completeness"))
            self._forget(name)
        elif document.get("type") == "missing" and name in self._held:
            self._answer(self._held[name], document, now)
        elif document.get("type") == "rejected":
            journey.rejections.append(str(document.get("detail", document.get("reason"))))

    def take(self, now: float) -> Message | None:
        """Return the next message that is to leave now, None when there is none."""
        if self._said:
            return self._said.popleft()
        chunk = self._next_answer() or self._next_reminder(now)
        if chunk is not None:
            self.counts["resent"] += 1
            return self._message(chunk)
        return self._next_live(now)

    def due_at(self) -> float:
        """Return the earliest time at which `take` may have something; minus infinity means at once."""
        if self._said or self._answers:
            return -math.inf
        live = self._live.due_at if self._live else math.inf
        return min(chain((live,), (held.remind_at for held in self._held.values())))

    def _next_answer(self) -> Chunk | None:
        while self._answers:
            name = next(iter(self._answers))
            chunk = next(self._answers[name], None)
            if chunk is not None:
                return chunk
            del self._answers[name]
        return None

    def _next_reminder(self, now: float) -> Chunk | None:
        for held in self._held.values():
            if now >= held.remind_at:
                held.remind_after_s *= 2
                held.remind_at = now + held.remind_after_s
                return held.recording.last_chunk()
        return None

    def _next_live(self, now: float) -> Message | None:
        live = self._live
        if live is None or live.next is None or now < live.due_at:
            return None
        if live.in_real_time:
            self.max_late_s = max(self.max_late_s, now - live.due_at)
        chunk, live.next = live.next, next(live.chunks, None)
        live.held.captured = chunk.end
        live.held.journey.chunks += 1
        if live.next is None:
            self._live = None
            live.held.journey.last_sent_at = now
            live.held.remind_at = now + live.held.remind_after_s
            self._said.append(self._state("online"))
        return self._message(chunk)

    def _answer(self, held: _Held, document: dict[str, Any], now: float) -> None:
        """Answer the newest request for a recording; it replaces an older one that is not answered yet."""
        is_over = held.journey.last_sent_at is not None
        there = held.captured
        ranges = list(_ranges(document.get("ranges")))
        if not is_over:  # what is still to come comes by itself, and LAST with it
            ranges = [(start, there if end is None else min(end, there)) for start, end in ranges]
        asked = (min(there if end is None else end, there) - start for start, end in ranges)
        held.journey.asked_samples += sum(count for count in asked if count > 0)
        chunks: Iterator[Chunk] = chain.from_iterable(held.recording.cut(*wanted) for wanted in ranges)
        if document.get("meta") is True and held.recording.meta:
            chunks = chain([held.recording.meta_chunk()], chunks)
        self._answers[held.recording.name] = as_resend(chunks)
        if is_over:
            held.remind_at = now + held.remind_after_s

    def _forget(self, name: str) -> None:
        self._answers.pop(name, None)
        held = self._held.pop(name, None)
        if held is not None and self._live is not None and self._live.held is held:
            self._live = None  # the worker has closed it: what is left would be sent for nothing
            self._said.append(self._state("online"))

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
    return json.dumps(document, separators=(",", ":")).encode()
