"""A result in the words of the systems that were absorbed: what one model says of one sound."""

from typing import Any, Final

from history_api.results.results import EMOTION_MODEL

UNKNOWN: Final = "unknown"
_LOW: Final = "Low confidence prediction"


def document(result: dict[str, Any], model: str, file_name: str | None) -> dict[str, Any]:
    """Return what `model` says: every field that a client of one of those systems looks for."""
    said = _said(result, model)
    probabilities = said["probabilities"]
    links = _links(result)
    answer: dict[str, Any] = {
        "model": said["model"],
        "predicted_class": said["label"] if said["accepted"] else UNKNOWN,
        "confidence": round(said["confidence"], 4),
        "accepted": said["accepted"],
        "all_predictions": {label: round(share, 4) for label, share in probabilities.items()},
        "probabilities": {label: round(share, 4) for label, share in probabilities.items()},
        "file_name": file_name,
        "timestamp": result["captured_at"],
        "recording_id": result["recording_id"],
        "device_id": result["device_id"],
        "reasons": result["reasons"],
        "hints": result["hints"],
        **links,
        "notice": "a label is no diagnosis: research and education, not a medical device",
    }
    if not said["accepted"]:
        answer["error"] = (
            ", ".join(result["reasons"]) if result["reasons"] not in ([], ["low_confidence"]) else _LOW
        )
    if said["model"] == EMOTION_MODEL:
        answer["emotion"] = answer["predicted_class"]
    for label in ("normal", "abnormal"):
        if label in probabilities and "abnormal" in probabilities:
            answer[f"probability_{label}"] = round(probabilities[label], 4)
    return answer


def text_line(result: dict[str, Any]) -> str:
    """Return label and confidence as a line of text: of the first label that is accepted."""
    said = next((each for each in result["models"] if each["accepted"]), None)
    if said is None:
        return f"cannot tell ({', '.join(result['reasons']) or result['status']})"
    return f"{said['label'].capitalize()} {100 * said['confidence']:.2f}%"


def _said(result: dict[str, Any], model: str) -> dict[str, Any]:
    nothing = {"model": model, "label": UNKNOWN, "confidence": 0.0, "accepted": False, "probabilities": {}}
    found: dict[str, Any] = next((each for each in result["models"] if each["model"] == model), nothing)
    return found


def _links(result: dict[str, Any]) -> dict[str, str]:
    address, which = f"/api/v1/recordings/{result['recording_id']}", f"?device={result['device_id']}"
    return {"audio_file": f"{address}/audio.wav{which}", "visualization": f"{address}/waveform.svg{which}"}
