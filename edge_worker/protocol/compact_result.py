"""Compact result: what the OLED of a device needs of a result, in at most 256 bytes.

Worker to device on `stetho/v1/device/{device}/down/result`, QoS 1, retained. Normative: `docs/protocol.md`
§ Result; pinned by `tests/vectors/results.json`.
"""

from collections.abc import Mapping
from typing import Any, Final

from edge_worker.protocol.document_size import compact_json
from edge_worker.protocol.meaning import ascii_text, text_in
from edge_worker.protocol.verdict_words import SHORT_DISAGREE, hears_sounds

MAX_BYTES: Final = 256
"""A device reads it into a fixed buffer."""
ROW: Final = 21
"""Characters in a row of the OLED."""
_LESS: Final = (("text", "note"), ("model", "label", "confidence", "accepted"))
"""What is left out where names are too long, one after the other."""


def payload(result: Mapping[str, Any], language: str) -> bytes:
    """Return the compact form of a result as published, at most `MAX_BYTES` long.

    Firmware that knows no `severity` shows `label` where it is `accepted`: both are those of the verdict.
    Without an answer they are those of the first model.
    """
    bpm, reasons = result["heart_rate_bpm"], result["reasons"]
    compact: dict[str, Any] = {
        **{name: result[name] for name in ("v", "recording_id", "status")},
        "bpm": None if bpm is None else round(bpm),
        **_headline(result),
        "severity": result["verdict"]["severity"],
        "text": ascii_text(result["verdict"]["text"], ROW),
    }
    if result["verdict"]["disagree"]:
        compact["note"] = ascii_text(text_in(SHORT_DISAGREE, language), ROW)
    if reasons and result["status"] != "ok":
        compact["reason"] = reasons[0]
        if hears_sounds(result):
            compact["hears"] = "sound"
    content = compact_json(compact)
    for names in _LESS:
        if len(content) > MAX_BYTES:
            compact = {name: value for name, value in compact.items() if name not in names}
            content = compact_json(compact)
    return content


def _headline(result: Mapping[str, Any]) -> dict[str, Any]:
    verdict, models = result["verdict"], result["models"]
    if verdict["label"] is None and not models:
        return {}
    shown = models[0] if verdict["label"] is None else verdict
    return {
        "model": shown["model"],
        "label": shown["label"],
        "confidence": round(shown["confidence"], 3),
        "accepted": verdict["label"] is not None,
    }
