"""Jobs that disk refuses one by one, such as a recording whose folder cannot be written: tried again later.

So one of them does not hold up the others.
"""

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_PAUSES_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)


class PostponedJobs(Generic[T]):
    """Jobs that wait for another try. Used by one thread."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, T, float]] = []
        """When it is due, the job, and since when it waits; monotonic times."""
        self._tries: dict[int, int] = {}
        """By the identity of a job: how often it was refused."""

    def __len__(self) -> int:
        return len(self._tries)

    def add(self, job: T, since: float) -> None:
        """Postpone a job that was refused, for longer with each time."""
        tries = self._tries.get(id(job), 0)
        self._tries[id(job)] = tries + 1
        due = time.monotonic() + _PAUSES_S[min(tries, len(_PAUSES_S) - 1)]
        self._waiting.append((due, job, since))

    def take_due(self) -> list[tuple[T, float]]:
        """Return the jobs whose pause is over, each with the time since when it waits."""
        now = time.monotonic()
        due = [(job, since) for at, job, since in self._waiting if at <= now]
        self._waiting = [each for each in self._waiting if each[0] > now]
        return due

    def drop(self, is_wanted: Callable[[T], bool]) -> None:
        """Forget the jobs that are not wanted here any more."""
        for _, job, _ in [each for each in self._waiting if is_wanted(each[1])]:
            self.forget(job)
        self._waiting = [each for each in self._waiting if not is_wanted(each[1])]

    def forget(self, job: T) -> bool:
        """Note that a job is done; return whether it was the last of those that were refused."""
        return self._tries.pop(id(job), None) is not None and not self._tries
