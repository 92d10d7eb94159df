"""Timing of the cardiac cycle: onsets of S1 and S2, sinus arrhythmia, extrasystoles."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_BPM: Final = 30.0
MAX_BPM: Final = 220.0

_Q_TO_S1_S: Final = 0.06
"""From the onset of the QRS complex to the mitral component of S1; 40 to 80 ms in healthy adults."""
_MAX_SYSTOLE: Final = 0.55
"""Largest fraction of the cycle that is systole: in tachycardia diastole shortens most, yet remains."""
_BREATHS_PER_S: Final = 0.25
_SINUS_ARRHYTHMIA: Final = 0.03
_JITTER: Final = 0.01
_COUPLING: Final = 0.6
"""Coupling interval of a premature beat, fraction of a cycle; the pause after it is fully compensatory."""
_EXTRASYSTOLE_EVERY: Final = 4


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One cardiac cycle; times in seconds from the start of the recording."""

    s1_s: float
    """Onset of S1: mitral and tricuspid valves close, systole begins."""
    s2_s: float
    """Onset of S2: aortic and pulmonary valves close, diastole begins."""
    breath: float
    """Phase of respiration, -1 (expiration) to 1 (inspiration)."""
    is_premature: bool = False


def systole_s(bpm: float) -> float:
    """Return the time from S1 to S2 at a heart rate, in seconds.

    Total electromechanical systole in men, QS2 = 546 - 2.1 HR (ms), less the time from Q to S1. Source:
    Weissler, Harris and Schoenfeld, "Systolic time intervals in heart failure in man", Circulation 37
    (1968). Outside of the rates they measured the regression is held at its ends.
    """
    electromechanical_s = 0.546 - 0.0021 * float(np.clip(bpm, 45, 120))
    return min(electromechanical_s - _Q_TO_S1_S, _MAX_SYSTOLE * 60 / bpm)


def heartbeats(
    bpm: float, seconds: float, rng: np.random.Generator, extrasystoles: bool = False
) -> list[Heartbeat]:
    """Return the beats that begin within `seconds`, at a mean rate of exactly `bpm`.

    The cycle length follows respiration (sinus arrhythmia, longer in expiration) and a small random
    variation. With `extrasystoles` every fourth beat comes early and is followed by a compensatory pause.

    Raises:
        ValueError: `bpm` is not a heart rate.
    """
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise ValueError(f"a heart beats {MIN_BPM:g} to {MAX_BPM:g} times a minute, not {bpm:g}")
    cycle_s = 60 / bpm
    count = int(seconds / cycle_s) + 2
    start_s = rng.uniform(0.05, 0.5 * cycle_s)
    breath = np.sin(2 * np.pi * (_BREATHS_PER_S * cycle_s * np.arange(count) + rng.uniform()))
    cycles_s = 1 - _SINUS_ARRHYTHMIA * breath + _JITTER * rng.standard_normal(count)
    cycles_s *= cycle_s / cycles_s.mean()
    premature = _premature(count, rng) if extrasystoles else np.zeros(count, bool)
    _bring_forward(cycles_s, premature)
    onsets_s = start_s + np.concatenate([[0.0], np.cumsum(cycles_s[:-1])])
    return [
        Heartbeat(float(onset), float(onset) + _systole_of(bpm, early), float(phase), bool(early))
        for onset, phase, early in zip(onsets_s, breath, premature, strict=True)
        if onset < seconds
    ]


def _premature(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which beats are premature: the second or third, then every fourth."""
    premature = np.zeros(count, bool)
    premature[int(rng.integers(1, 3)) :: _EXTRASYSTOLE_EVERY] = True
    return premature


def _bring_forward(cycles_s: NDArray[np.float64], premature: NDArray[np.bool_]) -> None:
    """Move the premature beats, in place: what the cycle before one loses, its own cycle gains."""
    for beat in np.flatnonzero(premature):
        early_s = (1 - _COUPLING) * cycles_s[beat - 1]
        cycles_s[beat - 1] -= early_s
        cycles_s[beat] += early_s


def _systole_of(bpm: float, is_premature: bool) -> float:
    return systole_s(bpm / _COUPLING if is_premature else bpm)
