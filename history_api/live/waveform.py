"""Waveform of sound as it arrives: lowest and highest value per 10 ms, small enough for every screen."""

from typing import Any, Final

import numpy as np

from edge_worker.errors import ChunkError
from edge_worker.protocol.chunk import PCM, decode, recording_name

STEP_S: Final = 0.01
_FULL_SCALE: Final = 32_768


def peaks(payload: bytes) -> dict[str, Any] | None:
    """Return the waveform of a chunk of PCM: where it begins, lowest and highest values, -1 to 1.

    Of two channels the first is taken. None: it is no chunk of sound.
    """
    try:
        chunk = decode(payload)
    except ChunkError:
        return None
    if chunk.type != PCM or chunk.sample_count == 0:
        return None
    samples = np.frombuffer(chunk.body, "<i2")[:: chunk.channels]
    starts = np.arange(0, len(samples), max(1, round(STEP_S * chunk.sample_rate)))
    low = np.minimum.reduceat(samples, starts) / _FULL_SCALE
    high = np.maximum.reduceat(samples, starts) / _FULL_SCALE
    return {
        "recording_id": recording_name(chunk.recording_id),
        "start_s": round(chunk.first_sample / chunk.sample_rate, 4),
        "step_s": STEP_S,
        "low": np.round(low, 3).tolist(),
        "high": np.round(high, 3).tolist(),
        "is_last": chunk.is_last,
    }
