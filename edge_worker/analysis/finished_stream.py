"""A stream that is over, with the sums of the live analysis over all its windows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_worker.ingest.sample_ranges import Range
from edge_worker.ingest.stream import Stream
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Channel, Completeness, Quality


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """Results of the live analysis over all windows of one stream."""

    predictions: tuple[Prediction, ...]
    """Of each requested model that classified a window, in the order of the request."""
    unknown_models: tuple[str, ...]
    """Requested models that are not loaded."""
    max_missing_fraction: float
    """The strictest limit of the requested models, 0..1."""
    heart_quality: Quality | None
    """None: no requested model classifies hearts."""
    sound_quality: Quality | None
    """Quality as any sound; None: no requested model classifies any sound."""
    heart_rate_bpm: float | None
    missing_ranges: Sequence[Range]
    """Samples that did not arrive; ranges may be joined (`MissingRanges`)."""
    missing_samples: int
    skipped_windows: int
    """Windows that were left out for lack of time."""
    channel: Channel | None
    """That was heard alone at the end; None: the mean of all."""
    timeline: dict[str, Any] = field(repr=False)
    """As it is stored: `models` with labels and points by model, and the points of `heart`."""


@dataclass(frozen=True, slots=True)
class FinishedStream:
    """A stream that is over, to be stored with its result."""

    stream: Stream
    summary: StreamSummary | None
    """None: the live analysis of the stream failed."""
    is_ended: bool
    """True: the device sent LAST; False: nothing arrived for too long."""

    @property
    def completeness(self) -> Completeness:
        """`complete` where the device ended the stream and every sample arrived."""
        is_whole = self.is_ended and self.summary is not None and not self.summary.missing_samples
        return "complete" if is_whole else "partial"
