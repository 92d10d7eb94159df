"""What a person is told while sound arrives: heart rate, quality, a hint, the label so far.

Normative: `docs/protocol.md` § Live values.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from edge_worker.protocol.result import Quality

MAX_BYTES: Final = 256
"""A device reads a live value into a fixed buffer."""
MAX_HINT: Final = 21
"""Characters of a row of the OLED."""
LISTENING: Final = "listening"
_HINTS: Final = {
    "clipped": "too loud",
    "too_quiet": "press firmer",
    "no_heartbeat": "no heartbeat",
    "noisy": "hold still",
}
"""By reason; of several the first here counts: what is too loud or too quiet makes all else doubtful."""


@dataclass(frozen=True, slots=True)
class LiveValue:
    """One message on `down/live`."""

    recording_id: str
    t_s: float
    """End of the sound that this is about, seconds from the start of the recording."""
    hint: str
    bpm: float | None = None
    quality: float | None = None
    """How much the last seconds sound like a heart that is recorded well, 0..1."""
    model: str | None = None
    label: str | None = None
    """Null unless accepted."""
    confidence: float | None = None

    def to_json(self) -> bytes:
        """Return the message, at most `MAX_BYTES` long: a label of a model that is too long is left out."""
        document: dict[str, Any] = {
            "v": 1,
            "recording_id": self.recording_id,
            "t_s": round(self.t_s, 3),
            "bpm": None if self.bpm is None else round(self.bpm),
            "quality": None if self.quality is None else round(self.quality, 2),
            "hint": self.hint[:MAX_HINT],
            "model": self.model,
            "label": self.label,
            "confidence": None if self.confidence is None else round(self.confidence, 2),
        }
        payload = _json(document)
        if len(payload) > MAX_BYTES:
            payload = _json(document | {"model": None, "label": None, "confidence": None})
        return payload


def heart_hint(quality: Quality, bpm: float | None) -> str:
    """Return what to tell somebody who holds a stethoscope on a chest."""
    if "too_short" in quality.reasons:
        return LISTENING
    hint = next((hint for reason, hint in _HINTS.items() if reason in quality.reasons), None)
    if hint is not None:
        return hint
    return LISTENING if bpm is None else f"HR {bpm:.0f} good"


def room_hint(quality: Quality, label: str | None) -> str:
    """Return what to tell somebody whose device listens to a room, where silence is nothing wrong."""
    if "clipped" in quality.reasons:
        return _HINTS["clipped"]
    return LISTENING if label is None else label.replace("_", " ")


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
