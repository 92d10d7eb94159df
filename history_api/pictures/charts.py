"""Charts of the models over HTTP: the distribution of their labels, and their reliability diagrams."""

import hashlib
from typing import Final

from flask import Blueprint, Response

from history_api.models import label_words, models
from history_api.openapi.conditional_request import UNCHANGED, render_with_etag
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, file_answer, get
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT
from history_api.pictures import class_distribution_chart, reliability_diagram
from history_api.pictures.recording_pictures import SVG
from history_api.services import services

blueprint = Blueprint("charts", __name__)
PATHS: Final[Paths] = {
    "/visualizations/class-distribution.svg": get(
        "how often each model gave each label, as bars",
        "class_distribution_svg",
        {"200": file_answer(SVG, "The picture.")} | UNCHANGED | UNAVAILABLE,
    ),
    "/api/v1/models/{model}/reliability.svg": get(
        "reliability diagram of a model: accuracy by confidence, from its card",
        "reliability",
        {"200": file_answer(SVG, "The picture."), "404": PROBLEM} | UNCHANGED,
        ({"name": "model", "in": "path", "required": True, "schema": TEXT},),
        role="owner",
    ),
}


@blueprint.get("/visualizations/class-distribution.svg")
def class_distribution_svg() -> Response:
    """Answer how often each model gave each label, accepted or not, as a bar chart."""
    return _svg(class_distribution_chart.svg(services().history.label_counts(), label_words.of_request()))


@blueprint.get("/api/v1/models/<model>/reliability.svg")
def reliability_svg(model: str) -> Response:
    """Answer the reliability diagram of the version of a model that is in use."""
    known = models.cards(services().settings)
    card = known.get(model)
    if card is None:
        raise ProblemError(404, f"no model has this name; there are: {', '.join(known) or 'none'}")
    figures = (card.get("figures") or {}).get("cross_validation") or {}
    if not figures.get("reliability"):
        raise ProblemError(404, f"the card of {model} says nothing about its reliability")
    title = f"{label_words.of_request().model(model)} {card.get('version', '')}"
    return _svg(reliability_diagram.svg(title, figures, card.get("threshold")))


def _svg(text: str) -> Response:
    content = text.encode()
    return render_with_etag(hashlib.sha256(content).hexdigest(), SVG, lambda: content)
