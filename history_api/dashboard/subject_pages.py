"""HTML page of a subject: what is stored of it, its export and its deletion."""

from typing import Final

from flask import Blueprint, Response

from history_api.dashboard.page_rendering import PAGE_ANSWER, render_page
from history_api.models import label_words
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, get
from history_api.results import subjects
from history_api.results.subject_words import say
from history_api.services import services

blueprint = Blueprint("subject_page", __name__, url_prefix="/ui/subjects")
blueprint.add_app_template_global(lambda name: say(name, label_words.of_request().language), "say_subject")
blueprint.add_app_template_global(lambda: services().settings.subject_required == "on", "subject_required")
PATHS: Final[Paths] = {
    "/ui/subjects/{subject}": get(
        "what is stored of a subject, its export and its deletion",
        "subject_page",
        PAGE_ANSWER | {"404": PROBLEM} | UNAVAILABLE,
        subjects.SUBJECT_PARAMETERS,
        role="operator",
    ),
}


@blueprint.get("/<subject>")
def subject(subject: str) -> Response:
    """Answer the page of a subject."""
    return render_page("subject.html", subject=subjects.document(subjects.require(subject)))
