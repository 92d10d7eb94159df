"""The edge worker: chunks in over MQTT, recordings, features, scores, results out."""

from typing import Final

__version__: Final = "0.1.0"
