"""Wrong clocks: the wall clock of worker and API jumps while the neighbours record, or at a start."""

import time
from collections.abc import Callable
from typing import Final

from bench.chaos.live_results import LiveResults
from bench.chaos.site_control import SiteControl
from bench.chaos.wall_clock import WallClock

ClockCase = Callable[[SiteControl, WallClock, LiveResults], None]

SETTINGS: Final = {"STETHO_KEEP_DAYS": "1"}
"""Whatever a wrong clock makes a day old would be deleted."""
_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S
_YEAR_2036: Final = 2_082_758_400.0
_WRONG_S: Final = 4.0
"""A clock is wrong for so long, or says so something else."""


def clock_of_1970(site: SiteControl, clock: WallClock, live: LiveResults) -> None:
    """The clock says 1970 for some seconds, and the API, which deletes by age, is started meanwhile."""
    _wrong_for_a_while(clock, live, lambda: clock.set_to(100.0))


def clock_of_2036(site: SiteControl, clock: WallClock, live: LiveResults) -> None:
    """The clock says 2036 for some seconds, and the API, which deletes by age, is started meanwhile."""
    _wrong_for_a_while(clock, live, lambda: clock.set_to(_YEAR_2036))


def worker_starts_in_1970(site: SiteControl, clock: WallClock, live: LiveResults) -> None:
    """The worker is started in 1970, as on a board without a battery, and learns the time later."""
    site.stop_worker()
    clock.set_to(100.0)
    site.start_worker()
    site.is_ready()
    time.sleep(_WRONG_S)
    live.restart()
    clock.move(0)
    time.sleep(_WRONG_S)


def clock_jumps(site: SiteControl, clock: WallClock, live: LiveResults) -> None:
    """The clock jumps forward and back by minutes, hours and days while recordings arrive."""
    for seconds in (90.0, -90.0, _HOUR_S, -_HOUR_S, 3 * _DAY_S, -3 * _DAY_S, 0.0):
        clock.move(seconds)
        time.sleep(_WRONG_S / 2)


CLOCKS: Final[tuple[ClockCase, ...]] = (clock_of_1970, clock_of_2036, worker_starts_in_1970, clock_jumps)


def _wrong_for_a_while(clock: WallClock, live: LiveResults, make_wrong: Callable[[], None]) -> None:
    make_wrong()
    live.restart()
    time.sleep(_WRONG_S)
    clock.move(0)
    live.restart()
    time.sleep(_WRONG_S)
