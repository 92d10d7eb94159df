"""Clock of a site, checked every few seconds by the worker; the last believed time is in the database."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from edge_worker.database.site_state import site_facts, uncertain_times
from edge_worker.database.site_state.clock_check import (
    HELD_S,
    ClockState,
    ClockVerdict,
    judge,
    text_of,
)
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_NOTICED_S: Final = 2.0
"""A step of the clock from one check to the next that is logged."""
_STEADY_S: Final = 60.0
"""A clock that is settling begins anew with a larger step."""


class SiteClock:
    """The believed time. `check` belongs to one thread; the rest is safe from any."""

    def __init__(self, engine: Engine) -> None:
        """Check the clock for the first time; nothing is written, because a start must need no room."""
        self._engine = engine
        self._last = ClockReading.now()
        """Of the last check."""
        self._settling_since: ClockReading | None = None
        self._state: ClockState = "ok"
        with engine.connect() as connection:
            self._known, _ = self._judge(known_reading(connection))

    @property
    def is_believed(self) -> bool:
        """Whether the clock was believed at the last check."""
        return self._state == "ok"

    def now(self) -> float:
        """Return the best time that is known, Unix seconds; a jump since the last check does not move it."""
        known = self._known
        return known.wall_s + known.elapsed_s(ClockReading.now())

    def mark(self, connection: Connection, arrivals: Iterable[tuple[int, str]]) -> None:
        """Mark new recordings, the ids of their rows with `received_at`, while the clock is not believed."""
        if not self.is_believed:
            for row, received_at in arrivals:
                received_s = datetime.fromisoformat(received_at).timestamp()
                uncertain_times.mark(connection, [row], self._reading_at(received_s))

    def check(self) -> None:
        """Check the clock, save the time that is believed, and correct recordings whose time is known now."""
        with self._engine.begin() as connection:
            self._known, verdict = self._judge(known_reading(connection))
            _save(connection, self._known, verdict)
            count = uncertain_times.correct(connection, self._known) if verdict.is_believed else 0
        if count:
            _LOG.info(line("times_corrected", recordings=count))

    def _reading_at(self, unix_s: float) -> ClockReading:
        """Return the reading of a moment that `now` returned in this process."""
        now = ClockReading.now()
        return ClockReading(unix_s, now.boot, now.uptime_s - (self.now() - unix_s))

    def _judge(self, known: ClockReading | None) -> tuple[ClockReading, ClockVerdict]:
        """Return the reading of now that is believed, and the verdict; log what changed."""
        now = ClockReading.now()
        verdict = self._settled(judge(known, now), now)
        step_s = now.wall_s - self._last.wall_s - self._last.elapsed_s(now)
        if abs(step_s) >= _NOTICED_S:
            _LOG.warning(line("clock_stepped", by_s=f"{step_s:.0f}", now=text_of(now.wall_s)))
        if verdict.state != self._state:
            log = _LOG.error if verdict.is_wrong else _LOG.warning
            log(line("clock", state=verdict.state, reason=verdict.sentence))
        self._last, self._state = now, verdict.state
        return ClockReading(verdict.at, now.boot, now.uptime_s), verdict

    def _settled(self, verdict: ClockVerdict, now: ClockReading) -> ClockVerdict:
        """Return the verdict, `ok` where a clock that was settling has held."""
        if verdict.state != "settling":
            self._settling_since = None
            return verdict
        since = self._settling_since
        if since is None or abs(now.wall_s - since.wall_s - since.elapsed_s(now)) > _STEADY_S:
            since = self._settling_since = now
        is_settled = since.elapsed_s(now) >= HELD_S
        return ClockVerdict("ok", now.wall_s, verdict.step_s) if is_settled else verdict


def known_reading(connection: Connection) -> ClockReading | None:
    """Return the last reading that was believed; None: there was none yet."""
    known = site_facts.read(connection, site_facts.CLOCK).get("known")
    try:
        return None if known is None else ClockReading.from_document(known)
    except (KeyError, TypeError, ValueError):  # damaged: as if nothing were known
        return None


def best_time(connection: Connection) -> datetime:
    """Return the best time that is known now, which a clock that jumps does not move."""
    verdict = judge(known_reading(connection), ClockReading.now())
    return datetime.fromisoformat(text_of(verdict.at))


def confirm(connection: Connection) -> str:
    """Believe the wall clock from now on, because a person says that it is right; return what it says.

    Recordings of the future are marked, and deleting by age goes on.
    """
    now = ClockReading.now()
    _save(connection, now, ClockVerdict("ok", now.wall_s, 0.0))
    site_facts.write(connection, site_facts.RETENTION, {"checked_s": now.wall_s})
    text = text_of(now.wall_s)
    uncertain_times.mark_later_than(connection, text)
    return text


def _save(connection: Connection, known: ClockReading, verdict: ClockVerdict) -> None:
    # A first time that is not possible is not known: the next one need not follow from it.
    is_known = verdict.is_believed or verdict.step_s != 0
    site_facts.write(connection, site_facts.CLOCK, {"known": known.to_document() if is_known else None})
