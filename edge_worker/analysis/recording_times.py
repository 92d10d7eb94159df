"""Times of a recording: when it arrived, and when it was captured, as far as clocks are believed.

Normative: `docs/protocol.md` § Times.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from edge_worker import RELEASED
from edge_worker.database.site_state.clock_check import MAX_AHEAD_S, text_of
from edge_worker.database.site_state.site_clock import SiteClock
from edge_worker.protocol.result import CapturedAtSource
from edge_worker.protocol.timestamp import MAX_LATE_S

MAX_EARLY_S: Final = 366 * 86_400.0
"""A device may have kept a recording for so long before it sent it; a time before that is not believed."""
_MAX_IN_SPOOL_S: Final = 7 * 86_400.0
"""A recording of an earlier process that says it arrived before that was received under a wrong clock."""


class RecordingTimes(NamedTuple):
    """Times of a recording, RFC 3339 in UTC, and whose clock the second is of."""

    received_at: str
    captured_at: str
    captured_at_source: CapturedAtSource
    """`device`, `worker`, or `unsure`: the worker, whose clock was not believed."""

    @classmethod
    def of(cls, received_s: float, meta: Mapping[str, Any], clock: SiteClock) -> "RecordingTimes":
        """Return the times of a recording that arrived at `received_s`, Unix seconds, with this META."""
        now = clock.now()
        if not now - _MAX_IN_SPOOL_S <= received_s <= now:
            received_s = now
        received_at = text_of(received_s)
        claimed: str | None = meta.get("captured_at")
        if claimed is not None and _is_believed(claimed, received_s, clock):
            return cls(received_at, claimed, "device")
        return cls(received_at, received_at, "worker" if clock.is_believed else "unsure")


def _is_believed(claimed: str, received_s: float, clock: SiteClock) -> bool:
    """Return whether the time of a device is possible."""
    captured_s = datetime.fromisoformat(claimed).timestamp()
    if clock.is_believed:
        return received_s - MAX_EARLY_S <= captured_s <= received_s + MAX_LATE_S
    released_s = RELEASED.timestamp()
    return released_s <= captured_s <= released_s + MAX_AHEAD_S
