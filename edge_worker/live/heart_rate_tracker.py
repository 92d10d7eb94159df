"""Heart rate of the last seconds of a recording or stream, searched for at intervals."""

from typing import Final

from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import HEART_LOG_MEL

SEARCH_S: Final = 4.0
"""Sound that a heart rate is searched in: one window of the segmentation network."""
MIN_SEARCH_S: Final = 2.5
"""Sound from which on a first heart rate is searched for."""
VALID_S: Final = 3.0
"""A heart rate that is not found again is shown so long."""


class HeartRateTracker:
    """The last heart rate that was certain, and the time of the last search."""

    def __init__(self, interval_s: float) -> None:
        """Search every `interval_s` seconds of sound."""
        self._interval_s = interval_s
        self._bpm: float | None = None
        self._found_at_s = self._searched_at_s = float("-inf")

    def search(
        self, segmenter: HeartSegmenter, frames: Float32Array, now_s: float, stretch: float = 1
    ) -> None:
        """Search the last `SEARCH_S` of sound, (frames, bands) of `HEART_LOG_MEL`, if it is time.

        `stretch` over 1 makes the interval longer. Times are seconds of sound.
        """
        is_long_enough = len(frames) >= HEART_LOG_MEL.frame_count(MIN_SEARCH_S)
        if is_long_enough and now_s - self._searched_at_s >= self._interval_s * stretch:
            self.update(segmenter.segment_spectrogram(frames).heart_rate_bpm, now_s)

    def update(self, bpm: float | None, now_s: float) -> None:
        """Take the outcome of a search; None: no rate was certain, the one before stays valid for a while."""
        self._searched_at_s = now_s
        if bpm is not None:
            self._bpm, self._found_at_s = bpm, now_s

    def current(self, now_s: float) -> float | None:
        """Return the heart rate in bpm, None when there was none in the last `VALID_S`."""
        return self._bpm if now_s - self._found_at_s < VALID_S else None
