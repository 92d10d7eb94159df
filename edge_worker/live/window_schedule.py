"""Schedule of the windows of one stream: which are full and to be classified, by model."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_card import ModelCard
from edge_worker.live.stream_buffer import DELAY_S, StreamBuffer


class WindowSchedule:
    """Next window of each model, as a frame of its features, and how many windows were left out."""

    def __init__(self, buffer: StreamBuffer) -> None:
        self._buffer = buffer
        self.skipped = 0
        """Windows that were left out because there was no time."""
        self._next: dict[str, tuple[int | None, int]] = {}
        """By model: the origin of the frames, and the first frame of the next window."""
        self._next_sample: dict[str, int] = {}
        """By model: the first sample of the next window after a restart, until there are frames."""
        self._to_skip: dict[str, float] = {}
        """By model: the part of a window that is still to be left out."""

    def overdue_s(self, cards: Iterable[ModelCard]) -> float:
        """Return the seconds of sound since a window is full; under 0: none is. Computes no features."""
        full_at = min((self._full_at(card) for card in cards), default=self._buffer.position + 1)
        return (self._buffer.position - full_at) / self._buffer.sample_rate

    def full(self, card: ModelCard, stretch: float = 1, *, is_end: bool = False) -> Iterator[int]:
        """Yield the first frame of each window of a model that is full.

        `stretch` over 1 leaves some out: 1.2 every sixth. At the end the last window ends with the sound, and
        a stream that is shorter than a window is one.
        """
        buffer = self._buffer
        frames, length, hop = buffer.frames(card.features), card.window_frames, card.hop_frames
        origin, start = self._next.get(card.model, (-1, 0))
        if origin != buffer.origin(card.features):  # the frames began, or began anew
            start = buffer.frame_of(card.features, self._next_sample.pop(card.model, 0))
        if start < frames.begin:  # so late that the frames are gone
            late = -(-(frames.begin - start) // hop)
            self.skipped += late
            start += late * hop
        while start + length <= frames.end:
            yield start
            left_out = self._left_out(card.model, stretch)
            self.skipped += left_out
            start += hop * (1 + left_out)
        if is_end and frames.end and (start - hop + length < frames.end or not start):
            yield max(0, frames.end - length)
        self._next[card.model] = (buffer.origin(card.features), start)

    def next_samples(self, classifiers: Mapping[str, Classifier]) -> dict[str, int]:
        """Return the first sample of the next window of each model, for `restore`."""
        buffer = self._buffer
        return {
            model: buffer.sample_of(classifiers[model].card.features, start)
            for model, (origin, start) in self._next.items()
            if model in classifiers and buffer.origin(classifiers[model].card.features) == origin
        }

    def restore(self, next_samples: Mapping[str, Any], skipped: int) -> None:
        """Continue where another process stopped."""
        self._next_sample = dict(next_samples)
        self.skipped = skipped

    def _full_at(self, card: ModelCard) -> int:
        """Return the sample by which the next window of a model is full."""
        origin, start = self._next.get(card.model, (-1, 0))
        if origin != self._buffer.origin(card.features):
            return 0  # not known before `full` was called
        overlap_s = (card.features.frame_length - card.features.hop_length) / card.features.sample_rate
        held_back = round((overlap_s + DELAY_S) * self._buffer.sample_rate)
        return self._buffer.sample_of(card.features, start + card.window_frames) + held_back

    def _left_out(self, model: str, stretch: float) -> int:
        """Return how many windows to leave out after one, so that it is `stretch` - 1 on average."""
        to_skip = self._to_skip.get(model, 0.0) + stretch - 1
        self._to_skip[model] = to_skip % 1
        return int(to_skip)
