"""Features that models read: their parameters, and how a model card names them."""

from dataclasses import asdict
from typing import Any, Final, Protocol

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from edge_worker.signal.nrdt import NrdtParameters


class FeatureParameters(Protocol):
    """What a model is shown of a sound: frames in time order, each of so many bands in dB."""

    @property
    def sample_rate(self) -> int:
        """Hz that the sound is brought to first."""

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""

    @property
    def frame_length(self) -> int:
        """Samples that one frame is made of."""

    @property
    def bands(self) -> int:
        """Numbers of a frame."""

    def is_valid(self) -> bool:
        """Return whether frames can be made of these."""

    def frame_count(self, seconds: float) -> int:
        """Return how many frames fit into so many seconds of sound."""

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return the frames of samples (samples,) at `sample_rate`: (frames, bands), at least one frame."""


_FEATURES: Final = {"log_mel": LogMelParameters, "nrdt": NrdtParameters}


def parse_features(document: dict[str, Any]) -> FeatureParameters:
    """Return the parameters that a card names; raises TypeError or ValueError when it names none."""
    named = dict(document)
    kind = named.pop("kind", "log_mel")
    if kind not in _FEATURES:
        raise ValueError(f"features of kind {kind!r} are not known")
    parameters: FeatureParameters = _FEATURES[kind](**named)
    return parameters


def features_document(features: FeatureParameters) -> dict[str, Any]:
    """Return what `parse_features` reads."""
    if not isinstance(features, LogMelParameters | NrdtParameters):
        raise TypeError(f"{type(features).__name__} has no name in a card")
    kind = next(kind for kind, of_kind in _FEATURES.items() if isinstance(features, of_kind))
    return {"kind": kind, **asdict(features)}
