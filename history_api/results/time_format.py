"""Text form of times for readers of pages and reports."""


def utc(time: str) -> str:
    """Return a time of the database (RFC 3339, UTC) to the second: `2026-11-20 08:00:00 UTC`."""
    return f"{time[:10]} {time[11:19]} UTC"
