"""Format of times in messages and in the database: RFC 3339 in UTC, to the millisecond."""

from datetime import UTC, datetime, timedelta
from typing import Final

MAX_LATE_S: Final = 300.0
"""Nothing is captured after it arrived: so far ahead may the clock of a device be."""


def rfc3339(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def possible_capture(captured_at: str, received_at: str) -> str:
    """Return the time of capture, or that of arrival where the first is later than it can be."""
    latest = datetime.fromisoformat(received_at) + timedelta(seconds=MAX_LATE_S)
    return received_at if datetime.fromisoformat(captured_at) > latest else captured_at
