"""Quiet hours: a time of day in which people want to be left alone, by the clock on their wall."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final, Self

from edge_worker.errors import SettingsError

_FORM: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a time of day to another, over midnight where the end comes first."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the hours in `22:00-07:00`; raises SettingsError."""
        match = _FORM.fullmatch(text.strip())
        if match is None or match.group(1, 2) == match.group(3, 4):
            raise SettingsError(f'quiet_hours is {text!r}; write two times of day, such as "22:00-07:00"')
        hour, minute, end_hour, end_minute = map(int, match.groups())
        return cls(time(hour, minute), time(end_hour, end_minute))

    def contain(self, moment: datetime) -> bool:
        """Return whether a wall clock that shows `moment` is within these hours; its end is not."""
        shown = moment.time()
        if self.begin < self.end:
            return self.begin <= shown < self.end
        return shown >= self.begin or shown < self.end
