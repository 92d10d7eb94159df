"""HTML pages of subjects: the list, and of each what is stored, its export and its deletion."""

from typing import Final

from flask import Blueprint, Response, g

from history_api.dashboard.page_rendering import PAGE_ANSWER, render_page
from history_api.models import label_words
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, get, query
from history_api.openapi.schemas import SUBJECT
from history_api.services import services
from history_api.subjects import subject_list, subjects
from history_api.subjects.subject_words import say

blueprint = Blueprint("subject_page", __name__, url_prefix="/ui/subjects")
blueprint.add_app_template_global(lambda name: say(name, label_words.of_request().language), "say_subject")
blueprint.add_app_template_global(lambda: services().settings.subject_required == "on", "subject_required")
_ROWS_PER_PAGE: Final = 50
PATHS: Final[Paths] = {
    "/ui/subjects": get(
        "the subjects that recordings name",
        "subjects_page",
        PAGE_ANSWER | UNAVAILABLE,
        (query("cursor", SUBJECT, "the next page, as the link on the page before has it"),),
        role="operator",
    ),
    "/ui/subjects/{subject}": get(
        "what is stored of a subject, its export and its deletion",
        "subject_page",
        PAGE_ANSWER | {"404": PROBLEM} | UNAVAILABLE,
        subjects.SUBJECT_PARAMETERS,
        role="operator",
    ),
}


@blueprint.get("")
def list_of_subjects() -> Response:
    """Answer a page of subjects."""
    items, following = subject_list.page(_ROWS_PER_PAGE, g.query["cursor"])
    return render_page("subjects.html", subjects=items, following=following)


@blueprint.get("/<subject>")
def subject(subject: str) -> Response:
    """Answer the page of a subject."""
    return render_page("subject.html", subject=subjects.document(subjects.require(subject)))
