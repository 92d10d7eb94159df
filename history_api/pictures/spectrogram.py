"""Spectrogram and MFCC of a recording as PNG heat maps."""

from itertools import pairwise
from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.fourier import next_fast_len, rfft
from edge_worker.signal.log_mel import AMIN, HEART_LOG_MEL, log_mel, mfcc
from edge_worker.signal.windowing import TOP_DB
from history_api.pictures.axis import ticks
from history_api.pictures.heat_map import COLUMNS, HeatMap, png
from history_api.pictures.notice import NOTICE

WINDOW_S: Final = 0.064
"""Resolves 16 Hz in frequency and separates S1 from S2 in time."""
N_MFCC: Final = 13
MFCC_RATE: Final = HEART_LOG_MEL.sample_rate
_SILENCE_DB: Final = 10 * float(np.log10(AMIN))


def spectrogram(title: str, samples: Float32Array, rate: int, start_s: float = 0.0) -> bytes:
    """Return the spectrogram of `samples`, (samples,) at `rate` Hz, full scale 1; it covers `TOP_DB` dB.

    They begin `start_s` after the start of the recording.
    """
    decibel = _columns_db(samples, rate)
    loudest = decibel.max(initial=_SILENCE_DB + TOP_DB)  # keeps silence white: its noise is not amplified
    levels = ((decibel - loudest) / TOP_DB + 1).astype(np.float32)
    hertz = ticks(rate / 2, 5)
    return png(
        HeatMap(
            title,
            levels,
            len(samples) / rate,
            [(2 * tick / rate, f"{tick:g}") for tick in hertz],
            "Hz",
            f"Strongest: loud, {loudest:.0f} dB re full scale; empty: {TOP_DB:.0f} dB under it. {NOTICE}",
            start_s,
        )
    )


def mfcc_map(title: str, samples: Float32Array, start_s: float = 0.0) -> bytes:
    """Return the first `N_MFCC` MFCC of `samples`, (samples,) at `MFCC_RATE` Hz, each as its z-score.

    They begin `start_s` after the start of the recording.
    """
    coefficients = mfcc(log_mel(samples, HEART_LOG_MEL), N_MFCC)
    deviation = np.maximum(coefficients.std(axis=0), 1e-3)
    z_scores = _column_means((coefficients - coefficients.mean(axis=0)) / deviation)
    return png(
        HeatMap(
            title,
            (0.5 + z_scores / 6).astype(np.float32),
            len(samples) / HEART_LOG_MEL.sample_rate,
            [((row + 0.5) / N_MFCC, str(row)) for row in range(0, N_MFCC, 2)],
            "MFCC",
            f"Half: its mean; strongest: 3 standard deviations over it; empty: 3 under it. {NOTICE}",
            start_s,
        )
    )


def _columns_db(samples: Float32Array, rate: int) -> Float32Array:
    """Return dB re full scale, (columns, bins): the mean power of the frames that begin in each column."""
    length = round(WINDOW_S * rate)
    window = np.hanning(length).astype(np.float32)
    padded = np.pad(samples, (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)
    edges = np.linspace(0, len(samples), COLUMNS + 1).astype(int)
    n_fft = next_fast_len(4 * length, real=True)
    decibel = np.empty((COLUMNS, n_fft // 2 + 1), dtype=np.float32)
    for column, (begin, end) in enumerate(pairwise(edges)):
        # A column of a long recording covers many frames; all of them count, so no short event is lost.
        shown = frames[begin : max(end, begin + 1) : length // 2] * window
        power = np.square(np.abs(rfft(shown, n_fft, axis=1))).mean(axis=0)
        decibel[column] = 10 * np.log10(np.maximum(power * 4 / window.sum() ** 2, AMIN))
    return decibel


def _column_means(frames: Float32Array) -> Float32Array:
    """Return the mean of the frames in each column, (columns, coefficients), at most `COLUMNS` columns."""
    columns = min(COLUMNS, len(frames))
    edges = np.linspace(0, len(frames), columns + 1).astype(int)
    total = np.add.reduceat(frames, edges[:-1], axis=0)
    means: Float32Array = (total / np.diff(edges)[:, np.newaxis]).astype(np.float32)
    return means
