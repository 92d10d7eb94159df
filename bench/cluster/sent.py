"""What a device sent, and what it was told of it."""

import hashlib
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.device.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Sent:
    """One recording or stream of a device. Times are of the monotonic clock, seconds."""

    device_id: str
    delivery: Delivery
    pcm: bytes
    """Signed 16-bit little endian, mono."""
    is_stream: bool

    def sha256(self, first_sample: int) -> str:
        """Return the digest of its sound from a sample on."""
        return hashlib.sha256(self.pcm[2 * first_sample :]).hexdigest()

    def may_begin_at(self, first_sample: int) -> bool:
        """Return whether its stored sound may begin there: of a stream only the end is kept."""
        return first_sample == 0 or (self.is_stream and 2 * first_sample < len(self.pcm))

    @property
    def answered_at(self) -> float | None:
        """When the device knew that it is stored: a result says so, too."""
        told = (self.delivery.stored_at, self.delivery.result_at)
        return min((at for at in told if at is not None), default=None)

    @property
    def wait_s(self) -> float | None:
        """Time from the last chunk until then; None: it was not told, or before it had sent everything."""
        began_at, ended_at = self.delivery.last_sent_at, self.answered_at
        return None if began_at is None or ended_at is None else max(0.0, ended_at - began_at)

    def waited_between(self, began_at: float, ended_at: float) -> float:
        """Return how long it waited for an answer after a time, where it waited between two times, else 0."""
        sent_at, answered_at = self.delivery.last_sent_at, self.answered_at
        if sent_at is None or answered_at is None or sent_at > ended_at or answered_at < began_at:
            return 0.0
        return answered_at - max(sent_at, began_at)


@dataclass(frozen=True, slots=True)
class Waits:
    """Times from the last chunk to the answer, seconds."""

    median_s: float
    p99_s: float
    worst_s: float
    device_median_s: float
    """Of the worst one of each device."""

    @classmethod
    def of(cls, sent: Iterable[Sent]) -> "Waits | None":
        """Return those of what was sent, None without any."""
        by_device: dict[str, list[float]] = {}
        for each in sent:
            if each.wait_s is not None:
                by_device.setdefault(each.device_id, []).append(each.wait_s)
        waits = sorted(wait for of_device in by_device.values() for wait in of_device)
        if not waits:
            return None
        worst: Sequence[float] = [max(of_device) for of_device in by_device.values()]
        return cls(
            round(statistics.median(waits), 3),
            round(waits[round(0.99 * (len(waits) - 1))], 3),
            round(waits[-1], 3),
            round(statistics.median(worst), 3),
        )
