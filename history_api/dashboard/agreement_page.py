"""HTML page of the agreement of people and models, from reviews."""

from typing import Final

from flask import Blueprint, Response, g

from history_api.dashboard.page_rendering import PAGE_ANSWER, render_page
from history_api.models import label_words
from history_api.openapi.operation import UNAVAILABLE, Paths, get
from history_api.results.agreement import BY, models_reviewed
from history_api.results.translation import Say

blueprint = Blueprint("agreement_page", __name__, url_prefix="/ui/agreement")
PATHS: Final[Paths] = {
    "/ui/agreement": get(
        "how often people agree with each model", "agreement_page", PAGE_ANSWER | UNAVAILABLE, BY
    ),
}


@blueprint.get("")
def agreement() -> Response:
    """Answer chart and tables of what reviewers say of the models."""
    by = g.query["by"]
    say = Say(label_words.of_request().language)
    return render_page("agreement.html", models=models_reviewed(), by=by, period=by.capitalize(), say=say)
