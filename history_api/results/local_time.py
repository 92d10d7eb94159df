"""Times for paper: those of the wall clock where the API runs (its time zone, `TZ`), with UTC."""

from datetime import UTC, datetime


def local_and_utc(time: str, language: str = "en") -> str:
    """Return a time (RFC 3339, UTC): `2026-11-20 09:00:00 CET (08:00:00 UTC)`; once where they are one."""
    moment = datetime.fromisoformat(time)
    local, universal = moment.astimezone(), moment.astimezone(UTC)
    said = f"{_day(local, language)} {local:%H:%M:%S} {local:%Z}"
    if not local.utcoffset():
        return f"{_day(universal, language)} {universal:%H:%M:%S} UTC"
    day = "" if local.date() == universal.date() else f"{_day(universal, language)} "
    return f"{said} ({day}{universal:%H:%M:%S} UTC)"


def local(time: str, language: str = "en") -> str:
    """Return a time to the minute, as the wall clock said it: `2026-11-20 09:00`."""
    moment = datetime.fromisoformat(time).astimezone()
    return f"{_day(moment, language)} {moment:%H:%M}"


def _day(moment: datetime, language: str) -> str:
    return f"{moment:%d.%m.%Y}" if language == "de" else f"{moment:%Y-%m-%d}"
