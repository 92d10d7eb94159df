"""Features that models take as input: their interface, and how a model card describes them."""

from dataclasses import asdict
from typing import Any, Final, Protocol

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from edge_worker.signal.nrdt import NrdtParameters


class FeatureParameters(Protocol):
    """Parameters of a time-frequency transform; its frames are in time order, each of `bands` values in dB.

    Instances are frozen and hashable: `Signal` caches features by them."""

    @property
    def sample_rate(self) -> int:
        """Rate in Hz that audio is resampled to before the transform."""

    @property
    def hop_length(self) -> int:
        """Samples between the starts of successive frames."""

    @property
    def frame_length(self) -> int:
        """Samples in one frame."""

    @property
    def bands(self) -> int:
        """Values per frame."""

    def is_valid(self) -> bool:
        """Return whether the parameters are within their limits, so that features can be computed."""

    def frame_count(self, seconds: float) -> int:
        """Return the number of frames that fit into so many seconds of audio."""

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return the features of samples (samples,) at `sample_rate`: (frames, bands), at least one frame."""


_KINDS: Final = {"log_mel": LogMelParameters, "nrdt": NrdtParameters}


def parse_features(document: dict[str, Any]) -> FeatureParameters:
    """Return the parameters in the `features` object of a model card.

    Raises:
        TypeError: a parameter is missing or not known.
        ValueError: the kind is not known.
    """
    arguments = dict(document)
    kind = arguments.pop("kind", "log_mel")
    if kind not in _KINDS:
        raise ValueError(f"features of kind {kind!r} are not known")
    parameters: FeatureParameters = _KINDS[kind](**arguments)
    return parameters


def features_document(features: FeatureParameters) -> dict[str, Any]:
    """Return parameters as the `features` object of a model card; the inverse of `parse_features`."""
    if not isinstance(features, LogMelParameters | NrdtParameters):
        raise TypeError(f"{type(features).__name__} has no name in a card")
    kind = next(kind for kind, of_kind in _KINDS.items() if isinstance(features, of_kind))
    return {"kind": kind, **asdict(features)}
