"""Repetition: whether samples are held, or blocks of them come twice."""

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
    starts, anchors = starts[distinct >= _MIN_DISTINCT], anchors[distinct >= _MIN_DISTINCT]
    if len(starts) < _ANCHORS // 8:
        return False
    lags = _first_lags(pcm, starts, anchors)
    most = int(np.unique(lags, return_counts=True)[1].max(initial=0))
    return most >= max(3, 0.1 * len(starts))


def _first_lags(pcm: Int16Array, starts: npt.NDArray[np.intp], anchors: Int16Array) -> npt.NDArray[np.intp]:
    """Return after how many samples each section comes again, of those that do."""
    lags_of = [
        (pcm[start + _MIN_LAG : start + _MAX_LAG + 1] == first).nonzero()[0]
        for start, first in zip(starts.tolist(), anchors[:, 0], strict=True)
    ]
    rows = np.repeat(np.arange(len(starts)), [len(each) for each in lags_of])
    lags = _MIN_LAG + np.concatenate(lags_of)
    is_within = starts[rows] + lags <= len(pcm) - _ANCHOR
    rows, lags = rows[is_within], lags[is_within]
    for offset in range(1, _ANCHOR):
        if not len(rows):
            break
        is_same = pcm[starts[rows] + lags + offset] == anchors[rows, offset]
        rows, lags = rows[is_same], lags[is_same]
    first_lags: npt.NDArray[np.intp] = lags[np.unique(rows, return_index=True)[1]]
    return first_lags
