"""What a recording holds, frequency by frequency and moment by moment: spectrogram and MFCC as PNG."""

from itertools import pairwise
from typing import Final

import numpy as np
import scipy.fft

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import AMIN, HEART_LOG_MEL, log_mel
from edge_worker.signal.mfcc import mfcc
from edge_worker.signal.windowing import TOP_DB
from history_api.pictures.axis import NOTE, ticks
from history_api.pictures.heat_map import COLUMNS, HeatMap, png

WINDOW_S: Final = 0.064
"""Long enough to tell 16 Hz apart, short enough to keep S1 and S2 apart."""
N_MFCC: Final = 13
MFCC_RATE: Final = HEART_LOG_MEL.sample_rate
_SILENCE_DB: Final = 10 * float(np.log10(AMIN))


def spectrogram(title: str, samples: Float32Array, rate: int) -> bytes:
    """Return the spectrogram of `samples` up to `rate` / 2 Hz, `TOP_DB` deep."""
    decibel = _columns_db(samples, rate)
    loudest = decibel.max(initial=_SILENCE_DB + TOP_DB)  # silence is white, not noise made loud
    levels = ((decibel - loudest) / TOP_DB + 1).astype(np.float32)
    hertz = ticks(rate / 2, 5)
    return png(
        HeatMap(
            title,
            levels,
            len(samples) / rate,
            [(2 * tick / rate, f"{tick:g}") for tick in hertz],
            "Hz",
            f"Dark: loud, {loudest:.0f} dB re full scale; white: {TOP_DB:.0f} dB under it. {NOTE}",
        )
    )


def cepstrum(title: str, samples: Float32Array) -> bytes:
    """Return the first MFCC of `samples` (at the rate of `HEART_LOG_MEL`), each by its mean and spread."""
    coefficients = mfcc(log_mel(samples, HEART_LOG_MEL), N_MFCC)
    spread = np.maximum(coefficients.std(axis=0), 1e-3)
    deviations = _binned((coefficients - coefficients.mean(axis=0)) / spread)
    return png(
        HeatMap(
            title,
            (0.5 + deviations / 6).astype(np.float32),
            len(samples) / HEART_LOG_MEL.sample_rate,
            [((row + 0.5) / N_MFCC, str(row)) for row in range(0, N_MFCC, 2)],
            "MFCC",
            f"Grey: its mean; black: 3 standard deviations over it; white: 3 under it. {NOTE}",
        )
    )


def _columns_db(samples: Float32Array, rate: int) -> Float32Array:
    """Return dB re full scale, (columns, bins): the mean power of the frames that begin in each column."""
    length = round(WINDOW_S * rate)
    window = np.hanning(length).astype(np.float32)
    padded = np.pad(samples, (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)
    edges = np.linspace(0, len(samples), COLUMNS + 1).astype(int)
    n_fft = scipy.fft.next_fast_len(4 * length, real=True)
    decibel = np.empty((COLUMNS, n_fft // 2 + 1), dtype=np.float32)
    for column, (begin, end) in enumerate(pairwise(edges)):
        # A column of a long recording is many frames: none of them may be left out.
        shown = frames[begin : max(end, begin + 1) : length // 2] * window
        power = np.square(np.abs(scipy.fft.rfft(shown, n_fft, axis=1))).mean(axis=0)
        decibel[column] = 10 * np.log10(np.maximum(power * 4 / window.sum() ** 2, AMIN))
    return decibel


def _binned(frames: Float32Array) -> Float32Array:
    """Return the mean of the frames of each column, (at most `COLUMNS`, numbers)."""
    columns = min(COLUMNS, len(frames))
    edges = np.linspace(0, len(frames), columns + 1).astype(int)
    total = np.add.reduceat(frames, edges[:-1], axis=0)
    means: Float32Array = (total / np.diff(edges)[:, np.newaxis]).astype(np.float32)
    return means
