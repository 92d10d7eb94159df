"""Readings of two clocks at one moment: the wall clock, and the time since the system was started.

The wall clock may be set by anybody and jump; the other one only goes on, but begins anew with each start.
"""

import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
# Goes on while the machine sleeps, where the system has such a clock.
_UPTIME_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A moment on both clocks."""

    wall_s: float
    """Unix time, seconds; of a checked reading the time that is believed."""
    boot: str
    """Names the start of the system that `uptime_s` counts from."""
    uptime_s: float

    @classmethod
    def now(cls) -> Self:
        """Read both clocks."""
        return cls(time.time(), boot_id(), uptime_s())

    def to_document(self) -> dict[str, Any]:
        """Return this reading as JSON."""
        return {"wall_s": round(self.wall_s, 3), "boot": self.boot, "uptime_s": round(self.uptime_s, 3)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return the reading that `to_document` wrote."""
        return cls(float(document["wall_s"]), str(document["boot"]), float(document["uptime_s"]))

    def elapsed_s(self, later: "ClockReading") -> float:
        """Return the time up to `later`, as far as it is known: 0 across a start of the system."""
        return later.uptime_s - self.uptime_s if later.boot == self.boot else 0.0


def uptime_s() -> float:
    """Return the seconds since the system was started."""
    return time.clock_gettime(_UPTIME_CLOCK)


@cache
def boot_id() -> str:
    """Return what names this start of the system; of a system without such a name, this process."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())
