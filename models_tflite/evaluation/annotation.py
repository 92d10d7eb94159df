"""Annotation of the heart sound states of a recording, in the format of CirCor DigiScope."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

S1: Final = 1
S2: Final = 3
UNKNOWN: Final = 0
MIN_COVERAGE: Final = 0.8
"""Annotated fraction of a recording of good quality: only clearly audible parts were annotated."""
TOLERANCE_S: Final = 0.06
"""Largest distance between an onset and the annotated one that it matches (Schmidt et al. 2010)."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """Annotated states of a recording, in time order."""

    states: tuple[tuple[float, float, int], ...]
    """Start and end in seconds, and state: 1 S1, 2 systole, 3 S2, 4 diastole, 0 not annotated."""

    @classmethod
    def read(cls, path: Path, until_s: float) -> "Annotation":
        """Read a file with lines of start, end and state, up to the end of the audio at `until_s`."""
        states = []
        for line in path.read_text().splitlines():
            start, end, state = line.split()
            if float(start) < until_s:
                states.append((float(start), min(float(end), until_s), int(state)))
        return cls(tuple(states))

    def onsets_s(self, state: int) -> tuple[float, ...]:
        """Return the onsets of a state in seconds, without a state that began before the recording."""
        return tuple(start for start, _, each in self.states if each == state and start > 0)

    def annotated_intervals(self) -> tuple[tuple[float, float], ...]:
        """Return start and end in seconds of each interval that is annotated without a gap."""
        runs: list[tuple[float, float]] = []
        before = UNKNOWN
        for start, end, state in self.states:
            if state != UNKNOWN:
                runs.append((start if before == UNKNOWN else runs.pop()[0], end))
            before = state
        return tuple(runs)

    def is_complete(self, duration_s: float) -> bool:
        """Return whether nearly all of a recording of this length is annotated."""
        return sum(end - start for start, end in self.annotated_intervals()) >= MIN_COVERAGE * duration_s

    def covers(self, at_s: float) -> bool:
        """Return whether a time in seconds is annotated."""
        return any(start <= at_s < end for start, end in self.annotated_intervals())

    def rate_bpm(self, s1_s: Sequence[float]) -> float | None:
        """Return the mean rate of S1 onsets in the annotated intervals; None with fewer than two cycles."""
        cycles = [
            later - earlier
            for start, end in self.annotated_intervals()
            for earlier, later in pairwise(onset for onset in s1_s if start - TOLERANCE_S <= onset < end)
        ]
        return 60 * len(cycles) / sum(cycles) if len(cycles) > 1 else None

    def heart_rate_bpm(self) -> float | None:
        """Return the annotated heart rate; None with fewer than two cycles."""
        return self.rate_bpm(self.onsets_s(S1))

    def played_faster(self, factor: float) -> "Annotation":
        """Return the annotation of the same sound played `factor` times as fast."""
        return Annotation(tuple((start / factor, end / factor, state) for start, end, state in self.states))
