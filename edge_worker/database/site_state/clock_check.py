"""Check of the wall clock against the last time that was believed: a clock that jumps must delete nothing.

Believed is a time that is possible (not before this release was made, not years ahead of all that is known)
and that follows from the last believed one: since then as much time has passed as the system ran, or, across
a start of the system, not less than nothing.
"""

from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from edge_worker import RELEASED
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.own_command import stetho
from edge_worker.protocol.timestamp import rfc3339

ClockState = Literal["ok", "settling", "behind", "ahead"]
"""`ok`: believed. `settling`: ahead of what is known by more than a day, as after a time without power: it is
believed when it has held for an hour. `behind` and `ahead`: not possible; believed when it is right again, or
when a person says that it is right."""

MAX_STEP_S: Final = 86_400.0
"""A step of the clock, either way, that is believed at once: time zones set wrong, corrections by hand."""
MAX_AHEAD_S: Final = 5 * 365.25 * 86_400
"""Further ahead of the release, or of the last believed time, a clock is wrong: 2036 is an NTP of zeros."""
HELD_S: Final = 3600.0
"""A clock that is `settling` is believed after this time without another jump."""
CONFIRM: Final = f"set the clock right, or say that it is right: `{stetho('clock confirm')}`"


class ClockVerdict(NamedTuple):
    """What a check of the clock found."""

    state: ClockState
    at: float
    """The best time that is known, Unix seconds: that of the clock where it is believed."""
    step_s: float
    """How far the wall clock is ahead of the time that is known, seconds."""

    @property
    def is_believed(self) -> bool:
        """Whether the wall clock is believed."""
        return self.state == "ok"

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has to set it, or to confirm it."""
        return self.state in ("behind", "ahead")

    @property
    def sentence(self) -> str:
        """What is found, and what to do about it."""
        if self.is_believed:
            return "the clock is believed"
        says = f"the clock says {text_of(self.at + self.step_s)}"
        known = f"{abs(self.step_s) / 86_400:.1f} days {'ahead of' if self.step_s > 0 else 'behind'}"
        if self.state == "settling":
            return f"{says}, {known} the last time that is known; it is believed when it has held for an hour"
        if self.step_s == 0:
            return f"{says}, which cannot be: this release is of {RELEASED:%Y-%m-%d}; {CONFIRM}"
        return f"{says}, {known} the last time that is known; {CONFIRM}"


def judge(known: ClockReading | None, now: ClockReading) -> ClockVerdict:
    """Return whether the wall clock of `now` is believed, after the last believed reading `known`."""
    released_s = RELEASED.timestamp()
    if known is None:
        is_possible = released_s <= now.wall_s <= released_s + MAX_AHEAD_S
        first: ClockState = "ok" if is_possible else "behind" if now.wall_s < released_s else "ahead"
        return ClockVerdict(first, now.wall_s, 0.0)
    expected_s = known.wall_s + known.elapsed_s(now)
    step_s = now.wall_s - expected_s
    if abs(step_s) <= MAX_STEP_S:
        return ClockVerdict("ok", now.wall_s, step_s)
    is_absurd = now.wall_s > max(released_s, expected_s) + MAX_AHEAD_S
    return ClockVerdict("behind" if step_s < 0 else "ahead" if is_absurd else "settling", expected_s, step_s)


def text_of(unix_s: float) -> str:
    """Return a Unix time as RFC 3339; one beyond the years that this form has, as the nearest that it has."""
    last = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
    return rfc3339(datetime.fromtimestamp(min(max(unix_s, 0.0), last), UTC))
