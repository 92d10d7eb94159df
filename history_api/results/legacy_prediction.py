"""Prediction of one model in the JSON and text forms of the systems that this API replaced."""

from typing import Any, Final

from history_api.results.results import EMOTION_MODEL

UNKNOWN: Final = "unknown"
_LOW_CONFIDENCE: Final = "Low confidence prediction"


def document(result: dict[str, Any], model: str, file_name: str | None) -> dict[str, Any]:
    """Return the prediction of `model` with every field that a client of one of those systems reads."""
    prediction = _prediction(result, model)
    probabilities = {label: round(share, 4) for label, share in prediction["probabilities"].items()}
    answer: dict[str, Any] = {
        "model": prediction["model"],
        "predicted_class": prediction["label"] if prediction["accepted"] else UNKNOWN,
        "confidence": round(prediction["confidence"], 4),
        "accepted": prediction["accepted"],
        "all_predictions": probabilities,
        "probabilities": probabilities,
        "file_name": file_name,
        "timestamp": result["captured_at"],
        "recording_id": result["recording_id"],
        "device_id": result["device_id"],
        "reasons": result["reasons"],
        "hints": result["hints"],
        **_links(result),
        "notice": "a label is no diagnosis: research and education, not a medical device",
    }
    if not prediction["accepted"]:
        is_only_unsure = result["reasons"] in ([], ["low_confidence"], ["unfamiliar_device"])
        answer["error"] = _LOW_CONFIDENCE if is_only_unsure else ", ".join(result["reasons"])
    if prediction["model"] == EMOTION_MODEL:
        answer["emotion"] = answer["predicted_class"]
    for label in ("normal", "abnormal"):
        if label in probabilities and "abnormal" in probabilities:
            answer[f"probability_{label}"] = probabilities[label]
    return answer


def text_line(result: dict[str, Any]) -> str:
    """Return the label of the verdict and its confidence as text, such as `Normal 93.10%`."""
    verdict = result["verdict"]
    if verdict["label"] is None:
        reasons = ["the models disagree"] if verdict["disagree"] else result["reasons"]
        return f"cannot tell ({', '.join(reasons) or result['status']})"
    return f"{verdict['label'].capitalize()} {100 * verdict['confidence']:.2f}%"


def _prediction(result: dict[str, Any], model: str) -> dict[str, Any]:
    default = {"model": model, "label": UNKNOWN, "confidence": 0.0, "accepted": False, "probabilities": {}}
    prediction: dict[str, Any] = next((each for each in result["models"] if each["model"] == model), default)
    return prediction


def _links(result: dict[str, Any]) -> dict[str, str]:
    address, query = f"/api/v1/recordings/{result['recording_id']}", f"?device={result['device_id']}"
    return {"audio_file": f"{address}/audio.wav{query}", "visualization": f"{address}/waveform.svg{query}"}
