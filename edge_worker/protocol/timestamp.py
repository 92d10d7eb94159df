"""Format of times in messages and in the database: RFC 3339 in UTC, to the millisecond."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
