"""Repetition: whether samples are held, or blocks of them come twice."""

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.analysis.samples.channel_samples import ChannelSamples
from edge_worker.signal.arrays import Int16Array

MIN_CHANGES: Final = 200
_MAX_HOLD: Final = 64
_LOOKED_AT: Final = 20_000
"""Changes of value that are looked at."""
_BLOCK: Final = 8_192
"""Samples in which changes are searched at once."""
_OFTEN, _AT_ALL = 0.004, 0.001
"""Fraction of changes that are followed by another at once: in sound that is not held, most are."""
_LARGE_STEPS: Final = 0.3
"""Fraction of the steps that are larger than the smallest, of held samples."""
_ANCHORS, _ANCHOR, _MIN_DISTINCT = 64, 48, 24
"""Sections that are searched for again, their length, and how many values they must have to be unique."""
_MIN_LAG, _MAX_LAG = 32, 8192
"""Buffers of sound hardware, samples."""


def is_held(samples: ChannelSamples) -> bool:
    """Return whether values change at every n-th sample only, or never two samples in a row."""
    changes = _changes(samples.pcm)
    if changes is None or len(changes) < MIN_CHANGES:
        return False
    in_a_row = _in_a_row(changes)
    if in_a_row > _OFTEN * len(changes):  # of two in a row one is in another phase: none has nearly all
        return False
    for hold in range(2, _MAX_HOLD + 1):
        phases = np.bincount(changes % hold, minlength=hold)
        if phases.max() >= 0.999 * len(changes):
            return True
    if in_a_row > _AT_ALL * (len(changes) - 1):
        return False
    steps = np.abs(samples.pcm[changes + 1].astype(np.int32) - samples.pcm[changes])
    # Steps of coarse or slow sound are of one unit; those of held samples are of any size.
    return bool(np.mean(steps > 2 * steps.min()) > _LARGE_STEPS)


def _changes(pcm: Int16Array) -> npt.NDArray[np.intp] | None:
    """Return where the first changes are; None: too many follow each other at once for held samples."""
    found: list[npt.NDArray[np.intp]] = []
    count = in_a_row = 0
    for start in range(0, len(pcm) - 1, _BLOCK):
        block = start + np.flatnonzero(np.diff(pcm[start : start + _BLOCK + 1]))
        found.append(block)
        count += len(block)
        in_a_row += _in_a_row(block)
        if in_a_row > _OFTEN * _LOOKED_AT and count <= _LOOKED_AT:
            return None
        if count >= _LOOKED_AT:
            break
    return np.concatenate(found)[:_LOOKED_AT]


def _in_a_row(changes: npt.NDArray[np.intp]) -> int:
    return int(np.count_nonzero(np.diff(changes) == 1))


def is_repeated(samples: ChannelSamples) -> bool:
    """Return whether blocks come again at once, sample by sample."""
    pcm = samples.pcm
    starts = np.linspace(0, len(pcm) - _ANCHOR, _ANCHORS, dtype=np.intp)
    anchors = pcm[starts[:, None] + np.arange(_ANCHOR)]
    distinct = 1 + np.count_nonzero(np.diff(np.sort(anchors, axis=1)), axis=1)
    starts = starts[distinct >= _MIN_DISTINCT]
    if len(starts) < _ANCHORS // 8:
        return False
    content, wanted = pcm.tobytes(), max(3, 0.1 * len(starts))
    lags: Counter[int] = Counter()
    misses, most_misses = 0, len(starts) - wanted
    for start in starts.tolist():
        if (lag := _first_lag(content, start)) is not None:
            lags[lag] += 1
        elif (misses := misses + 1) > most_misses:
            return False
    return max(lags.values(), default=0) >= wanted


def _first_lag(content: bytes, start: int) -> int | None:
    """Return after how many samples the section from a sample on comes again; None: it does not."""
    section = content[2 * start : 2 * (start + _ANCHOR)]
    begin, end = 2 * (start + _MIN_LAG), 2 * (start + _MAX_LAG + _ANCHOR)
    while (found := content.find(section, begin, end)) % 2:  # between two samples, or nowhere: -1
        if found < 0:
            return None
        begin = found + 1
    return found // 2 - start
