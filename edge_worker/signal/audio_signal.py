"""A mono recording and its copies: resampled, and transformed into features."""

import numpy as np
import numpy.typing as npt
import soxr

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.pcm import CLIPPED_PCM, FULL_SCALE


class Signal:
    """A mono recording, float32 in [-1, 1], that is resampled and transformed once per rate and form.

    However many models look at a recording, each of its forms is computed once. Not for use by several
    threads at once.
    """

    def __init__(self, samples: Float32Array, sample_rate: int, clipped: float | None = None) -> None:
        """Take `samples` of shape (samples,) at `sample_rate` Hz; they are not copied.

        `clipped` is the fraction at full scale, where `samples` no longer show it.
        """
        if samples.ndim != 1 or sample_rate <= 0:
            raise ValueError(f"a signal is mono and has a rate, not {samples.shape} at {sample_rate} Hz")
        self.samples = samples
        self.sample_rate = sample_rate
        self.clipped = clipped
        self._resampled: dict[int, Float32Array] = {sample_rate: samples}
        self._features: dict[FeatureParameters, Float32Array] = {}

    @classmethod
    def from_pcm(cls, pcm: npt.NDArray[np.int16], sample_rate: int) -> "Signal":
        """Take int16 PCM of shape (samples,) or (samples, channels); channels are averaged."""
        if pcm.ndim == 1 or pcm.shape[1] == 1:
            mono = np.multiply(pcm.reshape(-1), np.float32(1 / FULL_SCALE), dtype=np.float32)
            return cls(mono, sample_rate)
        total = pcm.sum(axis=1, dtype=np.int32)
        mono = np.multiply(total, np.float32(1 / (FULL_SCALE * pcm.shape[1])), dtype=np.float32)
        # The mean of a channel at full scale and one that is not is not at full scale.
        at_full_scale = (pcm >= CLIPPED_PCM) | (pcm <= -CLIPPED_PCM)
        return cls(mono, sample_rate, float(at_full_scale.mean(axis=0).max()) if len(pcm) else 0.0)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def resampled(self, rate: int) -> Float32Array:
        """Return the samples at `rate` Hz, shape (samples,); computed once per rate."""
        if rate not in self._resampled:
            self._resampled[rate] = _resample(self.samples, self.sample_rate, rate)
        return self._resampled[rate]

    def features(self, parameters: FeatureParameters) -> Float32Array:
        """Return the features in dB, shape (frames, bands); computed once per parameters."""
        if parameters not in self._features:
            self._features[parameters] = parameters.transform(self.resampled(parameters.sample_rate))
        return self._features[parameters]


def _resample(samples: Float32Array, from_rate: int, to_rate: int) -> Float32Array:
    resampled: Float32Array = soxr.resample(samples, from_rate, to_rate, quality="MQ")
    return resampled
