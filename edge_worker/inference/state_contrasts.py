"""State contrasts: how the spectrum of a heart sound differs between the states of the heart cycle.

A murmur is sound between S1 and S2, or after S2, that should not be there: it shows in the levels of systole
and diastole relative to those of S1 and S2. The frequency response of a stethoscope adds the same to all four
states, so the differences do not contain it.
"""

from itertools import combinations
from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.heart_cycle import LABELS
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import TOP_DB

PAIRS: Final = tuple(combinations(range(len(LABELS)), 2))
"""The pairs of states whose spectra are compared."""
NUMBERS: Final = (len(PAIRS) + len(LABELS)) * HEART_LOG_MEL.n_mels + len(LABELS)
"""Length of the contrasts of one window."""
MIN_WEIGHT: Final = np.float32(1e-3)
"""Lower limit of the weight of a state, for windows that hardly hold one."""


def state_contrasts(windows: Float32Array, states: Float32Array) -> Float32Array:
    """Return the state contrasts of windows in dB, (windows, NUMBERS).

    For each pair of states the difference of their mean levels in each band; for each state the standard
    deviation in each band, and its share of the window. Frames count by the square of their probability.

    Args:
        windows: `HEART_LOG_MEL` spectrograms in dB, (windows, frames, bands).
        states: probabilities of S1, systole, S2 and diastole, (windows, frames, 4).
    """
    levels = np.maximum(windows, windows.max(axis=(1, 2), keepdims=True) - np.float32(TOP_DB))
    weights = np.square(states)
    weights = (weights / np.maximum(weights.sum(axis=1, keepdims=True), MIN_WEIGHT)).swapaxes(1, 2)
    levels = levels - levels.mean(axis=(1, 2), keepdims=True)  # squares of small numbers: float32 is enough
    means = weights @ levels
    deviations = np.sqrt(np.maximum(weights @ np.square(levels) - np.square(means), 0))
    differences = [means[:, first] - means[:, second] for first, second in PAIRS]
    spectra = np.concatenate([np.stack(differences, axis=1), deviations], axis=1)
    contrasts: Float32Array = np.concatenate(
        [spectra.reshape(len(windows), -1), states.mean(axis=1)], axis=1, dtype=np.float32
    )
    return contrasts
