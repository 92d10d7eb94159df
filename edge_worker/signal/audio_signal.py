"""Mono audio signal that caches its resampled copies and its features."""

import numpy as np
import numpy.typing as npt
import soxr

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.pcm import CLIPPED_PCM, FULL_SCALE


class Signal:
    """Mono audio, float32 in [-1, 1], resampled once per rate and transformed once per set of parameters.

    Several models share one signal, so that each form of a recording is computed once. Not thread-safe.
    """

    def __init__(self, samples: Float32Array, sample_rate: int, clipped: float | None = None) -> None:
        """Wrap `samples` of shape (samples,) at `sample_rate` Hz; they are not copied.

        `clipped` is the fraction of samples at full scale, where `samples` no longer show it.

        Raises:
            ValueError: `samples` are not one-dimensional or the rate is not positive.
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
        """Return the signal of int16 PCM, (samples,) or (samples, channels); channels are averaged."""
        if pcm.ndim == 1 or pcm.shape[1] == 1:
            mono = np.multiply(pcm.reshape(-1), np.float32(1 / FULL_SCALE), dtype=np.float32)
            return cls(mono, sample_rate)
        total = pcm.sum(axis=1, dtype=np.int32)
        mono = np.multiply(total, np.float32(1 / (FULL_SCALE * pcm.shape[1])), dtype=np.float32)
        # The mean of a clipped channel and one that is not clipped does not reach full scale.
        at_full_scale = (pcm >= CLIPPED_PCM) | (pcm <= -CLIPPED_PCM)
        return cls(mono, sample_rate, float(at_full_scale.mean(axis=0).max()) if len(pcm) else 0.0)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def resampled(self, rate: int) -> Float32Array:
        """Return the samples at `rate` Hz, shape (samples,); computed once per rate."""
        if rate not in self._resampled:
            self._resampled[rate] = soxr.resample(self.samples, self.sample_rate, rate, quality="MQ")
        return self._resampled[rate]

    def features(self, parameters: FeatureParameters) -> Float32Array:
        """Return the features in dB, shape (frames, bands); computed once per set of parameters."""
        if parameters not in self._features:
            self._features[parameters] = parameters.transform(self.resampled(parameters.sample_rate))
        return self._features[parameters]
