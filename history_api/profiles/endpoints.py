"""Endpoints of the older systems by address: method, view and description of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from flask import Response

from history_api.monitoring import health
from history_api.openapi.operation import (
    NOT_FOUND,
    PROBLEM,
    UNAVAILABLE,
    Method,
    file_answer,
    json_answer,
    limit,
    operation,
    query,
)
from history_api.openapi.schemas import (
    COUNT,
    DEVICE,
    NUMBER,
    SHARE,
    TEXT,
    Schema,
    list_of,
    map_of,
    open_object,
    ref,
    strict_object,
)
from history_api.pictures.recording_pictures import PNG
from history_api.profiles import views
from history_api.profiles.profile import Profile
from history_api.reports import reports
from history_api.training import retraining, training_data
from history_api.uploads.raw_sound import RATE
from history_api.uploads.sent_text import DATA_URI
from history_api.uploads.upload_request import BYTES, DAMAGED, KEY, PARAMETERS, PENDING, REFUSALS, form

Verb = Literal["get", "post"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of an older system."""

    verb: Verb
    view: Callable[..., Response]
    """Takes the profile, and what is in the address."""
    describe: Callable[[Profile], Method]
    rule: str = ""
    """Below the base address, where it is not the endpoint's key."""


SCHEMAS: Final[dict[str, Schema]] = {
    "OldAnswer": {
        "description": "The likeliest label, whatever the sound is; `accepted` says whether it counts."
    }
    | open_object(
        {
            "accepted": {"type": "boolean"},
            "note": TEXT,
            "error": TEXT,
            "class": TEXT,
            "predicted_class": TEXT,
            "emotion": TEXT,
            "confidence": SHARE,
            "probabilities": map_of(SHARE),
            "all_predictions": map_of(SHARE),
            "audio_file": TEXT,
            "visualization": TEXT,
        },
        optional=(
            *("note", "error", "class", "predicted_class", "emotion", "confidence", "probabilities"),
            *("all_predictions", "audio_file", "visualization"),
        ),
    ),
    "OldHistoryItem": strict_object(
        {
            "timestamp": TEXT,
            "filename": TEXT,
            "predicted_emotion": TEXT,
            "confidence": SHARE,
            "top_3_probabilities": {"type": "string", "description": "JSON"},
            "accepted": {"type": "boolean"},
        }
    ),
    "FlatModel": strict_object(
        {
            "model_type": TEXT,
            "classes": list_of(TEXT),
            "n_features": COUNT,
            "trained_on": TEXT,
            "feature_type": TEXT,
            "scaler": TEXT,
        }
    ),
}
_DEVICE: Final = query("device", DEVICE, "only of this device, 1 to 32 of a-z, 0-9 and -")
_FILE_NAME: Final[Schema] = {"name": "filename", "in": "path", "required": True, "schema": TEXT}
_ANSWER: Final[Schema] = json_answer(ref("OldAnswer"))


def _page_or(schema: Schema) -> Schema:
    content = {"application/json": {"schema": schema}, "text/html": {"schema": TEXT}}
    return {"200": {"description": "JSON, or the dashboard for a browser.", "content": content}}


def _welcome(profile: Profile) -> Method:
    answers = _page_or(strict_object({"message": TEXT, "usage": list_of(TEXT)}))
    return operation(f"{profile.title}: welcome and usage", "welcome", answers | UNAVAILABLE, role="owner")


def _last(_profile: Profile) -> Method:
    members = {"class": TEXT, "confidence": NUMBER | {"description": "percent"}, "note": TEXT}
    schema = strict_object(members | {"accepted": {"type": "boolean"}}, optional=("note",))
    return operation(
        "the last prediction", "last_prediction", _page_or(schema) | UNAVAILABLE, (_DEVICE,), role="owner"
    )


def _parameters(profile: Profile) -> tuple[Schema, ...]:
    """Return the parameters of uploads, with the amplification of the profile where none is asked for."""
    return tuple(
        spec | {"schema": spec["schema"] | {"default": profile.amplification}}
        if spec["name"] == "amplification"
        else spec
        for spec in PARAMETERS
    )


def _upload_audio(profile: Profile) -> Method:
    answer: Schema = {"200": {"description": "As text.", "content": {"text/plain": {"schema": TEXT}}}}
    body = {"content": {"application/octet-stream": {"schema": BYTES}}}
    return operation(
        "raw 16-bit mono PCM; label and confidence as text",
        "upload_audio",
        answer | PENDING | REFUSALS | DAMAGED,
        (*_parameters(profile), KEY, RATE),
        body,
        role="owner",
    )


def _upload(summary: str, name: str, content: Mapping[str, Schema]) -> Callable[[Profile], Method]:
    """Return what describes an upload whose answer is JSON."""
    both = {
        "application/json": {"schema": ref("OldAnswer")},
        "application/problem+json": {"schema": ref("Problem")},
    }
    unsure: Schema = {"422": {"description": "Rejected, or damaged.", "content": both}}

    def describe(profile: Profile) -> Method:
        answers = {"200": _ANSWER} | unsure | PENDING | REFUSALS
        parameters = (*_parameters(profile), KEY)
        return operation(summary, name, answers, parameters, {"content": dict(content)}, role="owner")

    return describe


def _batch(profile: Profile) -> Method:
    answers = {"200": json_answer(ref("BatchAnswer")), "413": PROBLEM} | UNAVAILABLE
    files = {"content": form("files", {"type": "array", "items": BYTES})}
    return operation("many files", "batch_predict", answers, _parameters(profile), files, role="owner")


def _json(
    summary: str, name: str, schema: Schema, parameters: tuple[Schema, ...] = (), role: str | None = None
) -> Callable[[Profile], Method]:
    """Return what describes an address that answers JSON."""
    answers = {"200": json_answer(schema), "404": PROBLEM} | UNAVAILABLE
    return lambda _profile: operation(summary, name, answers, parameters, role=role)


def _as(method: Method) -> Callable[[Profile], Method]:
    """Return what describes an endpoint as this API has it."""
    return lambda _profile: method


def _of_ours(view: Callable[[], Response]) -> Callable[[Profile], Response]:
    return lambda _profile: view()


_REPORT: Final = reports.PATHS["/download-report/{filename}"]["get"]
_PICTURE: Final = operation(
    "the spectrogram of the last sound of this name",
    "visualization",
    {"200": file_answer(PNG, "The picture."), "410": PROBLEM} | NOT_FOUND,
    (_FILE_NAME, _DEVICE),
)
_COUNTS: Final = strict_object({"distribution": map_of(COUNT)})
ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/": Endpoint("get", views.welcome, _welcome),
    "/ of the last": Endpoint("get", views.last_prediction, _last, "/"),
    "/upload_audio": Endpoint("post", views.upload_audio, _upload_audio),
    "/predict": Endpoint("post", views.predict, _upload("a sound file", "predict", form("file", BYTES))),
    "/record": Endpoint("post", views.record, _upload("a sound as a base64 data URI", "record", DATA_URI)),
    "/batch-predict": Endpoint("post", views.batch_predict, _batch),
    "/history": Endpoint(
        "get",
        views.history,
        _json(
            "the last predictions, newest first",
            "history",
            strict_object({"history": list_of(ref("OldHistoryItem"))}),
            (_DEVICE, limit(50)),
        ),
    ),
    "/download-report/<filename>": Endpoint("get", views.download_report, _as(_REPORT)),
    "/visualizations/<filename>_analysis.png": Endpoint("get", views.visualization, _as(_PICTURE)),
    "/visualizations/prediction-history": Endpoint(
        "get",
        views.prediction_history,
        _json(
            "the last 100 predictions",
            "prediction_history",
            strict_object({"history": list_of(ref("HistoryItem"))}),
            (_DEVICE,),
        ),
    ),
    "/visualizations/class-distribution": Endpoint(
        "get",
        views.class_distribution,
        _json("the classes of the training data", "class_distribution", _COUNTS),
    ),
    "/models/info": Endpoint(
        "get", views.models_info, _json("the model, flat", "models_info", ref("FlatModel"), role="owner")
    ),
    "/health is ok": Endpoint(
        "get",
        views.health_is_ok,
        _json("health", "health", strict_object({"status": TEXT}), role="public"),
        "/health",
    ),
    "/health": Endpoint("get", _of_ours(health.health), _as(health.PATHS["/health"]["get"])),
    "/uptime": Endpoint("get", _of_ours(health.uptime), _as(health.PATHS["/uptime"]["get"])),
    "/metrics": Endpoint(
        "get", views.figures, _json("the evaluation figures of the model", "figures", ref("Figures"))
    ),
    "/training-status": Endpoint(
        "get", _of_ours(retraining.training_status), _as(retraining.PATHS["/training-status"]["get"])
    ),
    "/retrain": Endpoint("post", _of_ours(retraining.retrain), _as(retraining.PATHS["/retrain"]["post"])),
    "/upload-training-data": Endpoint(
        "post",
        _of_ours(training_data.upload_training_data),
        _as(training_data.PATHS["/upload-training-data"]["post"]),
    ),
}
"""By rule below the base address of a profile; two systems answer `/` and `/health` in ways of their own."""
