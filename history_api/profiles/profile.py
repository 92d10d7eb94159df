"""Profiles of the older systems: what each expects of this API, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from history_api.profiles import shapes
from history_api.profiles.shapes import Answer


@dataclass(frozen=True, slots=True)
class Profile:
    """One older system: its addresses lie below `/{name}`."""

    name: str
    title: str
    model: str
    """That answers where a request names none."""
    addresses: tuple[str, ...]
    """Keys of `endpoints.ENDPOINTS`."""
    shape: Callable[[Answer], dict[str, Any]] = shapes.of_class
    """Makes the JSON of an answer."""
    usage: tuple[str, ...] = ()
    """Lines that its document shows."""
    threshold: float = 0.0
    """Confidence below which it rejects, whatever the model accepts."""
    rejected: int = 200
    """Status of an answer that is not accepted: most of them always answer."""
    amplification: int = 1
    """Of sound whose request names none."""


PROFILES: Final = (
    Profile(
        "heart-api",
        "Heart sounds: artifact, murmur, normal, extra heart sound, extrasystole",
        "heart5",
        ("/ of the last", "/upload_audio"),
        usage=("curl -X POST --data-binary @your_audio_file.pcm {root}/upload_audio",),
        amplification=10,
    ),
    Profile(
        "digits",
        "Spoken digits: eight, nine, six, two, zero",
        "digits",
        ("/", "/predict"),
        shape=shapes.of_digit,
        usage=('curl -X POST {root}/predict -F "file=@sample.wav"',),
        threshold=0.8,
        rejected=422,
    ),
    Profile(
        "sounds",
        "Sounds of the surroundings",
        "esc50",
        ("/", "/predict"),
        usage=('curl -X POST {root}/predict -F "file=@sample.wav"',),
    ),
    Profile(
        "emotion",
        "Emotion of a voice",
        "emotion",
        (
            *("/", "/predict", "/record", "/history", "/download-report/<filename>", "/models/info"),
            *("/health is ok", "/visualizations/<filename>_analysis.png"),
        ),
        shape=shapes.of_emotion,
        usage=(
            'curl -X POST -F "file=@audio.wav" {root}/predict',
            "curl {root}/history",
            "curl -O {root}/download-report/your_audio.wav",
        ),
    ),
    Profile(
        "heart-cnn",
        "Normal or abnormal heart sounds",
        "heart2",
        (
            *("/", "/predict", "/batch-predict", "/health", "/uptime", "/metrics", "/training-status"),
            *("/visualizations/prediction-history", "/visualizations/class-distribution"),
            *("/retrain", "/upload-training-data"),
        ),
        usage=('curl -X POST -F "file=@test_audio.wav" {root}/predict',),
    ),
)
