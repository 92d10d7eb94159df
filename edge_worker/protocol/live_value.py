"""Live values for the display of a device while its audio arrives: heart rate, quality, hint, label so far.

Worker to device on `stetho/v1/device/{device}/down/live`, QoS 0, not retained; JSON of at most 256 bytes.
Normative: `docs/protocol.md` § Live values.
"""

from dataclasses import dataclass
from typing import Any, Final

from edge_worker.protocol import strict_json
from edge_worker.protocol.meaning import ascii_text
from edge_worker.protocol.result import IMPOSSIBLE, Quality
from edge_worker.protocol.verdict import NO_VERDICT, Verdict

MAX_BYTES: Final = 256
"""A device reads a live value into a fixed buffer."""
MAX_HINT: Final = 21
"""Characters in a row of the OLED."""
LISTENING: Final = "listening"
_HINTS: Final = dict.fromkeys(IMPOSSIBLE, "check the device") | {
    "clipped": "too loud",
    "too_quiet": "press firmer",
    "no_heartbeat": "no heartbeat",
    "noisy": "hold still",
}
"""Hint by reason; of several reasons the first here counts, because audio that is too loud or too quiet makes
all other reasons doubtful."""


@dataclass(frozen=True, slots=True)
class LiveValue:
    """One message on `down/live`."""

    recording_id: str
    t_s: float
    """End of the audio that this is about, seconds from the start of the recording."""
    hint: str
    bpm: float | None = None
    quality: float | None = None
    """Score of how much the last seconds sound like a well-recorded heart, 0..1."""
    verdict: Verdict = NO_VERDICT
    """Of the labels that are accepted now."""

    def to_json(self) -> bytes:
        """Return JSON of at most `MAX_BYTES`; model and label are null where their names are too long."""
        verdict = self.verdict
        document: dict[str, Any] = {
            "v": 1,
            "recording_id": self.recording_id,
            "t_s": round(self.t_s, 3),
            "bpm": None if self.bpm is None else round(self.bpm),
            "quality": None if self.quality is None else round(self.quality, 2),
            "hint": self.hint[:MAX_HINT],
            "model": verdict.model,
            "label": verdict.label,
            "confidence": None if verdict.confidence is None else round(verdict.confidence, 2),
            "severity": verdict.severity,
            "text": ascii_text(verdict.text, MAX_HINT),
        }
        payload = _json(document)
        if len(payload) > MAX_BYTES:
            payload = _json(document | {"model": None, "label": None, "confidence": None})
        return payload


def heart_hint(quality: Quality, bpm: float | None) -> str:
    """Return the hint for a stethoscope on a chest, at most `MAX_HINT` characters."""
    if "too_short" in quality.reasons:
        return LISTENING
    hint = next((hint for reason, hint in _HINTS.items() if reason in quality.reasons), None)
    if hint is not None:
        return hint
    return LISTENING if bpm is None else f"HR {bpm:.0f} good"


def room_hint(quality: Quality, sound: str) -> str:
    """Return the hint for a device that listens to a room, where silence is no fault.

    `sound` is the name of what is heard, empty for nothing.
    """
    spoilt = next((reason for reason in quality.reasons if reason in (*IMPOSSIBLE, "clipped")), None)
    if spoilt is not None:
        return _HINTS[spoilt]
    return ascii_text(sound, MAX_HINT) or LISTENING


def _json(document: dict[str, Any]) -> bytes:
    return strict_json.write(document).encode()
