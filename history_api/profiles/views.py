"""Views of the older systems: each takes the profile that it answers for."""

import time
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Any, Final

from flask import Response, current_app, g, jsonify, request

from edge_worker.database.prediction_query import PredictionEntry
from edge_worker.database.training import TrainingTables
from edge_worker.errors import StoreError
from edge_worker.protocol import strict_json
from history_api import lookup
from history_api.access.public_address import public_url
from history_api.dashboard import pages
from history_api.models import models
from history_api.monitoring import metrics
from history_api.openapi.problem import ProblemError
from history_api.pictures import recording_pictures
from history_api.profiles.profile import Profile
from history_api.profiles.shapes import Answer, as_text, not_accepted
from history_api.reports import reports
from history_api.results.results import history_item
from history_api.services import services
from history_api.uploads.batch import predict_all
from history_api.uploads.raw_sound import decode_raw
from history_api.uploads.sent_text import sent_text
from history_api.uploads.upload_intake import Body, Decoder, UploadIntake, UploadOptions
from history_api.uploads.upload_request import (
    decode_file,
    kept_name,
    pending,
    sent_sound,
    upload_options,
    wait_s,
)

_NAMES_A_RECORDING: Final = "recording_%Y%m%d_%H%M%S.wav"
_HIGHEST_HZ: Final = 8000
"""Of the picture of a sound."""
_LAST: Final = 100
_ORIGINAL_TYPES: Final = {"log_mel": "log-mel spectrogram", "nrdt": "NRDT"}


def welcome(profile: Profile) -> Response:
    """Answer what this is and how it is used; to a browser, the dashboard."""
    if _is_browser():
        return pages.overview()
    root = public_url() + f"/{profile.name}"
    usage = [line.format(root=root) for line in profile.usage]
    return _varied(jsonify({"message": profile.title, "usage": usage}))


def last_prediction(profile: Profile) -> Response:
    """Answer class and confidence, in percent, of the last prediction; 500 where there is none."""
    if _is_browser():
        return pages.overview()
    try:
        predictions = services().history.predictions(1, g.query["device"], profile.model)
    except StoreError as error:
        raise ProblemError(500, str(error)) from error
    if not predictions:
        raise ProblemError(500, "there is no prediction yet; send a sound to upload_audio")
    (last,) = predictions
    answer = {"class": last.label.capitalize(), "confidence": round(100 * last.confidence, 2)}
    note = (
        {} if last.accepted else {"note": not_accepted("the model is not certain, or the sound is not good")}
    )
    return _varied(jsonify(answer | {"accepted": last.accepted} | note))


def upload_audio(profile: Profile) -> Response:
    """Take raw PCM; answer class and confidence as a line of text."""
    file = sent_sound()
    options = _options(profile, file.filename)
    result = _result(file.stream, options, decode_raw)
    if isinstance(result, Response):
        return result
    return Response(as_text(_answer(profile, options, result)) + "\n", mimetype="text/plain")


def predict(profile: Profile) -> Response:
    """Take a sound file; answer the prediction of one model."""
    file = sent_sound()
    return _predict(profile, file.stream, _options(profile, file.filename))


def record(profile: Profile) -> Response:
    """Take a sound as a data URI; answer the prediction of one model."""
    with closing(sent_text()) as body:
        return _predict(profile, body, _options(profile, time.strftime(_NAMES_A_RECORDING, time.gmtime())))


def batch_predict(profile: Profile) -> Response:
    """Take several files; answer for each."""
    options = _options(profile, None)

    def answer(result: dict[str, Any], file_name: str | None) -> dict[str, Any]:
        model = options.models[0]
        return profile.shape(Answer.of(result, model, profile.threshold, kept_name(file_name)))

    return jsonify(predict_all(options, answer))


def history(profile: Profile) -> Response:
    """Answer the last predictions, newest first, as the emotion system wrote them down."""
    predictions = services().history.predictions(g.query["limit"], g.query["device"], profile.model)
    return jsonify({"history": [_history_item(each) for each in predictions]})


def prediction_history(profile: Profile) -> Response:
    """Answer the last 100 predictions of the model."""
    predictions = services().history.predictions(_LAST, g.query["device"], profile.model)
    return jsonify({"history": [history_item(each) for each in predictions]})


def class_distribution(profile: Profile) -> Response:
    """Answer how many recordings of each class the model was trained and assessed with, and clips since."""
    card = _card(profile)
    validation = (card.get("figures") or {}).get("cross_validation") or {}
    counts = {
        label: (validation.get("per_class") or {}).get(label, {}).get("n") or 0 for label in card["labels"]
    }
    for clip in TrainingTables(services().database).clips(profile.model):
        counts[clip.label] = counts.get(clip.label, 0) + 1
    return jsonify({"distribution": counts})


def download_report(_profile: Profile, filename: str) -> Response:
    """Answer the report of the sound that was uploaded under this name last."""
    return reports.recording_report(lookup.recording_of_file(filename), "attachment")


def visualization(_profile: Profile, filename: str) -> Response:
    """Answer the picture that the answer to an upload names."""
    entry = lookup.recording_of_stem(filename)
    return recording_pictures.spectrogram_of(entry, _HIGHEST_HZ)


def models_info(profile: Profile) -> Response:
    """Answer the description of the model, flat, as text and numbers."""
    card = _card(profile)
    features = card.get("features") or {}
    data = card.get("data") or []
    kind = _ORIGINAL_TYPES.get(features.get("kind", "log_mel"), str(features.get("kind")))
    return jsonify(
        {
            "model_type": str(card.get("type", "int8 TFLite network")),
            "classes": card["labels"],
            "n_features": features.get("n_mels") or 0,
            "trained_on": data if isinstance(data, str) else "; ".join(map(str, data)),
            "feature_type": f"{kind} ({features.get('n_mels') or 0} bands)",
            "scaler": str(card.get("normalisation") or "none"),
        }
    )


def health_is_ok(_profile: Profile) -> Response:
    """Answer that the API answers; 503 where it could not record."""
    services().history.require_ready()
    return jsonify({"status": "ok"})


def figures(_profile: Profile) -> Response:
    """Answer the evaluation figures of the models."""
    return jsonify(metrics.of(current_app).site.figures())


def _predict(profile: Profile, body: Body, options: UploadOptions) -> Response:
    result = _result(body, options, decode_file)
    if isinstance(result, Response):
        return result
    answer = _answer(profile, options, result)
    response = jsonify(profile.shape(answer))
    response.status_code = 200 if answer.accepted else profile.rejected
    return response


def _options(profile: Profile, file_name: str | None) -> UploadOptions:
    return upload_options(file_name, default_models=(profile.model,))


def _result(body: Body, options: UploadOptions, decode: Decoder) -> dict[str, Any] | Response:
    """Return the result of an upload, or the answer that it is still to come."""
    intake = UploadIntake(services())
    recording = intake.receive(body, options, decode)
    return intake.wait_for_result(recording, wait_s()) or pending(recording)


def _answer(profile: Profile, options: UploadOptions, result: dict[str, Any]) -> Answer:
    return Answer.of(result, options.models[0], profile.threshold, options.file_name)


def _history_item(prediction: PredictionEntry) -> dict[str, Any]:
    item = history_item(prediction)
    captured_at = datetime.fromisoformat(prediction.captured_at)
    return {
        "timestamp": f"{captured_at:%Y-%m-%d %H:%M:%S}",
        "filename": item["filename"],
        "predicted_emotion": prediction.label,
        "confidence": item["confidence"],
        "top_3_probabilities": strict_json.write(dict(islice(item["top_3_probabilities"].items(), 3))),
        "accepted": prediction.accepted,
    }


def _card(profile: Profile) -> dict[str, Any]:
    cards = models.cards(services().settings)
    if profile.model not in cards:
        raise ProblemError(404, f"the model {profile.model} is not installed here")
    return cards[profile.model]


def _is_browser() -> bool:
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _varied(response: Response) -> Response:
    response.vary.add("Accept")
    return response
