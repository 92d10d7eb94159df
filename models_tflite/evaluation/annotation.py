"""Where a person marked S1, systole, S2 and diastole in a recording, as CirCor keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

S1: Final = 1
S2: Final = 3
UNKNOWN: Final = 0
MIN_COVERAGE: Final = 0.8
"""Only what was heard clearly was annotated: this share of a recording makes its quality good."""
TOLERANCE_S: Final = 0.06
"""A mark this close to an annotated one is the same (Schmidt et al. 2010)."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """States of a recording in time order."""

    states: tuple[tuple[float, float, int], ...]
    """Start and end in seconds and what it is: 1 S1, 2 systole, 3 S2, 4 diastole, 0 not annotated."""

    @classmethod
    def read(cls, path: Path, until_s: float) -> "Annotation":
        """Read lines of start, end and state, up to the end of the sound at `until_s`."""
        states = []
        for line in path.read_text().splitlines():
            start, end, state = line.split()
            if float(start) < until_s:
                states.append((float(start), min(float(end), until_s), int(state)))
        return cls(tuple(states))

    def onsets_s(self, state: int) -> tuple[float, ...]:
        """Return where each S1 or S2 begins, in seconds; not what had begun before the sound."""
        return tuple(start for start, _, each in self.states if each == state and start > 0)

    def annotated_intervals(self) -> tuple[tuple[float, float], ...]:
        """Return start and end of what is annotated without a hole."""
        runs: list[tuple[float, float]] = []
        before = UNKNOWN
        for start, end, state in self.states:
            if state != UNKNOWN:
                runs.append((start if before == UNKNOWN else runs.pop()[0], end))
            before = state
        return tuple(runs)

    def is_complete(self, duration_s: float) -> bool:
        """Return whether a person could annotate nearly all of a recording of this length."""
        return sum(end - start for start, end in self.annotated_intervals()) >= MIN_COVERAGE * duration_s

    def covers(self, at_s: float) -> bool:
        """Return whether this moment is annotated."""
        return any(start <= at_s < end for start, end in self.annotated_intervals())

    def rate_bpm(self, s1_s: Sequence[float]) -> float | None:
        """Return the mean rate of these S1 over what is annotated, None with fewer than two cycles."""
        cycles = [
            later - earlier
            for start, end in self.annotated_intervals()
            for earlier, later in pairwise(mark for mark in s1_s if start - TOLERANCE_S <= mark < end)
        ]
        return 60 * len(cycles) / sum(cycles) if len(cycles) > 1 else None
