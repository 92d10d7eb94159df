"""What we say about a recording: predictions, quality, and the two JSON forms that are published.

Light on purpose: the history API and the simulator read results without numpy or a TFLite runtime.
The JSON is normative in `docs/protocol.md` § Result and pinned by `tests/vectors/results.json`.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Status = Literal["ok", "inconclusive", "error"]
Completeness = Literal["complete", "partial"]

COMPACT_MAX_BYTES: Final = 256
"""Upper limit of the retained result on `down/result`: a device reads it into a fixed buffer."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model said about one recording."""

    model: str
    version: str
    sha256: str
    """SHA-256 of the .tflite file that made this."""
    label: str
    confidence: float
    """Calibrated probability of `label`, 0..1."""
    threshold: float
    """Confidence that the model card asks for, 0..1."""
    accepted: bool
    """False: below the threshold, or the sound was not usable. Not to be shown as an answer."""
    probabilities: dict[str, float]
    windows: int
    """How many windows of the recording were scored and averaged."""
    took_ms: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Whether the sound can be judged at all, and if not, why."""

    usable: bool
    snr_db: float | None
    """Heart sounds against the noise between them; None when no beat was found."""
    clipped: float
    """Fraction of samples at full scale, 0..1."""
    reasons: tuple[str, ...] = ()
    """Words of `REASONS`, worst first."""
    score: float | None = None
    """How much this sounds like a heart that is recorded well, 0..1; None when the sound was not judged."""


REASONS: Final[dict[str, str]] = {
    "clipped": "too loud: press less or lower the gain",
    "too_quiet": "too quiet: press firmer",
    "no_heartbeat": "no heartbeat found: move the chestpiece",
    "noisy": "too noisy: hold still, be silent",
    "too_short": "too short: record longer",
    "gaps": "audio was lost: record again",
    "low_confidence": "cannot tell: record again",
    "unknown_model": "the device asks for a model that is not installed here",
    "failed": "the analysis failed: see the worker's log",
}
"""Why a result is not `ok`, each with what a person can do about it."""


@dataclass(frozen=True, slots=True)
class HeartSounds:
    """Where S1 and S2 begin, seconds from the start of the recording."""

    s1_s: tuple[float, ...]
    s2_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Audio:
    """The assembled sound of a recording."""

    sample_rate: int
    """Hz"""
    channels: int
    samples: int
    """Per channel, gaps included."""
    sha256: str
    """Of the signed 16-bit little endian PCM bytes."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is to be said of a stream beside its result."""

    ended_by: Literal["last", "silence"]
    audio_start: int
    """Sample with which the sound that was kept begins."""
    missing_samples: int
    skipped_windows: int
    """Windows that were left out because the worker had no time."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Where in which stream an event was."""

    stream: str
    """Recording id of the stream."""
    start: int
    """Sample of the stream with which the event begins."""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything published and stored about one recording."""

    device_id: str
    recording_id: str
    """16 lower-case hex digits."""
    status: Status
    completeness: Completeness
    audio: Audio
    quality: Quality
    captured_at: str
    """RFC 3339, UTC, `Z`."""
    captured_at_source: Literal["device", "worker"]
    missing: tuple[tuple[int, int], ...] = ()
    """Half-open ranges of samples that never came."""
    models: tuple[Prediction, ...] = ()
    heart_rate_bpm: float | None = None
    heart_sounds: HeartSounds | None = None
    """None unless a rate is certain."""
    reasons: tuple[str, ...] = ()
    """Words of `REASONS` that explain a status other than `ok`."""
    site: str | None = None
    """Where on the chest, as the device says: AV, PV, TV, MV."""
    exam: str | None = None
    """Id of the exam that the recording belongs to."""
    stream: StreamFacts | None = None
    """Of a stream only."""
    event: EventFacts | None = None
    """Of a part of a stream only."""
    v: int = field(default=1)

    def document(self) -> dict[str, Any]:
        """Return the full result as published to operators and served by the history API."""
        return {
            "v": self.v,
            "recording_id": self.recording_id,
            "device_id": self.device_id,
            "captured_at": self.captured_at,
            "captured_at_source": self.captured_at_source,
            "status": self.status,
            "completeness": self.completeness,
            "missing": [list(gap) for gap in self.missing],
            "reasons": list(self.reasons),
            "hints": [REASONS[reason] for reason in self.reasons],
            "models": [_prediction_document(prediction) for prediction in self.models],
            "quality": {
                "usable": self.quality.usable,
                "snr_db": _rounded(self.quality.snr_db, 1),
                "clipped": round(self.quality.clipped, 6),
                "reasons": list(self.quality.reasons),
                "score": _rounded(self.quality.score, 3),
            },
            "heart_rate_bpm": _rounded(self.heart_rate_bpm, 1),
            "heart_sounds": None if self.heart_sounds is None else _marks_document(self.heart_sounds),
            "site": self.site,
            "exam": self.exam,
            "audio": {
                "sample_rate": self.audio.sample_rate,
                "channels": self.audio.channels,
                "samples": self.audio.samples,
                "sha256": self.audio.sha256,
            },
            **({} if self.stream is None else {"stream": asdict(self.stream)}),
            **({} if self.event is None else {"event": asdict(self.event)}),
            # A recording id is unique per device only.
            "links": {"self": f"/api/v1/recordings/{self.recording_id}?device={self.device_id}"},
        }

    def to_json(self) -> bytes:
        """Return `document()` as compact UTF-8 JSON."""
        return _json(self.document())

    def to_compact_json(self) -> bytes:
        """Return what a device's OLED needs, at most `COMPACT_MAX_BYTES` long.

        The headline is the first model that is sure enough, else the first: the order of `models` is the
        order in which they were asked for.
        """
        compact: dict[str, Any] = {
            "v": self.v,
            "recording_id": self.recording_id,
            "status": self.status,
            "bpm": None if self.heart_rate_bpm is None else round(self.heart_rate_bpm),
        }
        if self.models:
            headline = next((model for model in self.models if model.accepted), self.models[0])
            compact |= {
                "model": headline.model,
                "label": headline.label,
                "confidence": round(headline.confidence, 3),
                "accepted": headline.accepted,
            }
        if self.reasons and self.status != "ok":
            compact["reason"] = self.reasons[0]
        payload = _json(compact)
        if len(payload) > COMPACT_MAX_BYTES:
            raise ValueError(f"compact result of {len(payload)} bytes: shorten model and label names")
        return payload


def _prediction_document(prediction: Prediction) -> dict[str, Any]:
    return {
        "model": prediction.model,
        "version": prediction.version,
        "sha256": prediction.sha256,
        "label": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "threshold": prediction.threshold,
        "accepted": prediction.accepted,
        "probabilities": {label: round(p, 4) for label, p in prediction.probabilities.items()},
        "windows": prediction.windows,
        "took_ms": round(prediction.took_ms, 3),
    }


def _marks_document(sounds: HeartSounds) -> dict[str, list[float]]:
    return {name: [round(mark, 3) for mark in getattr(sounds, name)] for name in ("s1_s", "s2_s")}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
