"""State of a site as all its processes see it: the clock, and why old recordings are not deleted."""

from typing import Any, NamedTuple

from sqlalchemy import Connection

from edge_worker.database.engine import LazyDatabase
from edge_worker.database.site_state import site_clock, site_facts
from edge_worker.database.site_state.clock_check import ClockVerdict, judge
from edge_worker.database.site_state.clock_reading import ClockReading


class SiteWarnings(NamedTuple):
    """What somebody has to look at, a sentence each; empty where all is well."""

    clock: str = ""
    retention: str = ""
    room: str = ""


class SiteState(LazyDatabase):
    """Facts of a site for reading and writing, and its clock as the worker last saw it."""

    def clock(self) -> ClockVerdict:
        """Check the clock of this machine against the last time that was believed."""
        with self._transaction() as connection:
            return judge(site_clock.known_reading(connection), ClockReading.now())

    def confirm_clock(self) -> str:
        """Believe the clock from now on, because a person says that it is right; return what it says."""
        with self._transaction() as connection:
            return site_clock.confirm(connection)

    def warnings(self) -> SiteWarnings:
        """Return what somebody has to look at."""
        with self._transaction() as connection:
            return warnings(connection)

    def fact(self, name: str) -> dict[str, Any]:
        """Return a fact of `site_facts`; an empty one where nothing is known."""
        with self._transaction() as connection:
            return site_facts.read(connection, name)

    def save_fact(self, name: str, document: dict[str, Any]) -> None:
        """Replace a fact, unless it is as it was."""
        with self._transaction() as connection:
            if site_facts.read(connection, name) != document:
                site_facts.write(connection, name, document)


def warnings(connection: Connection) -> SiteWarnings:
    """Return what is wrong with the clock, and what keeps old recordings from being deleted."""
    clock = judge(site_clock.known_reading(connection), ClockReading.now())
    retention, room = (
        str(site_facts.read(connection, name).get("held") or "")
        for name in (site_facts.RETENTION, site_facts.ROOM)
    )
    return SiteWarnings(clock.sentence if clock.is_wrong else "", retention, room)
