"""Data of the charts of the absorbed heart system: the last predictions, and the distribution of labels."""

from typing import Final

from flask import Blueprint, Response, g, jsonify

from history_api.openapi.operation import UNAVAILABLE, Paths, get, json_answer, limit
from history_api.openapi.schemas import list_of, map_of, ref, strict_object
from history_api.results.results import history_item
from history_api.services import services

blueprint = Blueprint("visualizations", __name__, url_prefix="/visualizations")
_LABEL_COUNTS: Final = map_of({"type": "integer", "minimum": 0})
_MODEL_COUNTS: Final = map_of(_LABEL_COUNTS)
_NO_HEART_LABELS: Final = {"normal": 0, "abnormal": 0}
PATHS: Final[Paths] = {
    "/visualizations/prediction-history": get(
        "the last 100 predictions, newest first",
        "prediction_history",
        {"200": json_answer(strict_object({"history": list_of(ref("HistoryItem"))}))} | UNAVAILABLE,
        (limit(100),),
    ),
    "/visualizations/class-distribution": get(
        "how often each model gave each label",
        "class_distribution",
        {"200": json_answer(strict_object({"distribution": _LABEL_COUNTS, "models": _MODEL_COUNTS}))}
        | UNAVAILABLE,
    ),
}


@blueprint.get("/prediction-history")
def prediction_history() -> Response:
    """Answer the last predictions, each as `/history` has it."""
    predictions = services().history.predictions(g.query["limit"])
    return jsonify({"history": [history_item(each) for each in predictions]})


@blueprint.get("/class-distribution")
def class_distribution() -> Response:
    """Answer counts by model and label, accepted or not; `distribution` is that of `heart2` alone."""
    models: dict[str, dict[str, int]] = {}
    for each in services().history.label_counts():
        models.setdefault(each.model, {})[each.label] = each.total
    return jsonify({"distribution": _NO_HEART_LABELS | models.get("heart2", {}), "models": models})
