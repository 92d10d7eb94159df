"""HTML pages of results, exams, models, uploads, training and the system, from the data of the JSON API."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, g

from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.site_state.clock_reading import uptime_s
from edge_worker.own_command import stetho
from edge_worker.protocol.exam import LABEL_RULE
from history_api import lookup
from history_api.dashboard.page_rendering import (
    DEVICE_FILTER,
    PAGE_ANSWER,
    classifier_cards,
    known_devices,
    percent,
    render_page,
    when,
)
from history_api.models import card_summary, label_words, models
from history_api.monitoring import health, upkeep
from history_api.openapi.operation import (
    EXAM_PARAMETERS,
    NOT_FOUND,
    RECORDING_PARAMETERS,
    UNAVAILABLE,
    Paths,
    get,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import SEVERITY, STATUS, TEXT, Schema
from history_api.pictures import chest
from history_api.results import exam_words
from history_api.results.exams import CURSOR
from history_api.results.kept_words import kept_words
from history_api.results.results import REVIEWED
from history_api.results.time_format import utc
from history_api.results.time_words import time_words
from history_api.services import services
from history_api.settings import VIRTUAL_DEVICE

_ROWS_PER_PAGE: Final = 50
_DAY: Final[Schema] = {"type": "string", "pattern": r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"}
_PRINTABLE_OR_EMPTY: Final[Schema] = {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]*$"}
_FILTERS: Final = (
    DEVICE_FILTER,
    query("label", _PRINTABLE_OR_EMPTY, "a label that a model gave"),
    query("model", _PRINTABLE_OR_EMPTY, "a model that classified the recording"),
    query("severity", SEVERITY | {"enum": [*SEVERITY["enum"], ""]}, "how serious the answer is"),
    query("reviewed", REVIEWED | {"enum": [*REVIEWED["enum"], ""]}, "review of the result by a person"),
    query("verdict", _PRINTABLE_OR_EMPTY, "a label that is the answer"),
    query("status", STATUS | {"enum": [*STATUS["enum"], ""]}, "outcome of the analysis"),
    query("file", _PRINTABLE_OR_EMPTY, "part of the name of the file that was uploaded"),
    query("subject", _PRINTABLE_OR_EMPTY, "whose sound it is: a pseudonym"),
    query("no_subject", {"type": "string", "enum": ["true", ""]}, "only what does not say whose it is"),
    query("from", _DAY, "a day such as 2026-11-20 (UTC): captured on it or later"),
    query("to", _DAY, "a day such as 2026-11-20 (UTC): captured on it or earlier"),
    query("cursor", TEXT, "the next page, as the link on the page before has it"),
)
blueprint = Blueprint("dashboard", __name__, url_prefix="/ui")
blueprint.add_app_template_global(label_words.of_request, "words")
blueprint.add_app_template_global(stetho, "stetho")
blueprint.add_app_template_filter(percent, "percent")
blueprint.add_app_template_filter(utc, "utc")
blueprint.add_app_template_filter(when, "when")
blueprint.add_app_template_filter(exam_words.share_words, "share_words")
PATHS: Final[Paths] = {
    "/ui/history": get("results with filters", "history_page", PAGE_ANSWER | UNAVAILABLE, _FILTERS),
    "/ui/recordings/{recording_id}": get(
        "one recording: result, sound, pictures, review",
        "recording_page",
        PAGE_ANSWER | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
    "/ui/exams": get(
        "exams, the one begun last first",
        "exams_page",
        PAGE_ANSWER | UNAVAILABLE,
        (
            DEVICE_FILTER,
            query("cursor", CURSOR, "the next page, as the link on the page before has it"),
        ),
    ),
    "/ui/exams/{exam_id}": get(
        "one exam: the four positions, and what is missing",
        "exam_page",
        PAGE_ANSWER | NOT_FOUND,
        EXAM_PARAMETERS,
    ),
    "/ui/upload": get("a form for sound files", "upload_page", PAGE_ANSWER, role="owner"),
    "/ui/models": get("the models with their evaluation figures", "models_page", PAGE_ANSWER, role="owner"),
    "/ui/training": get(
        "a form for labelled sounds, and the trainer", "training_page", PAGE_ANSWER, role="admin"
    ),
    "/ui/system": get(
        "health of the parts of the system", "system_page", PAGE_ANSWER | UNAVAILABLE, role="operator"
    ),
    "/ui/upkeep": get(
        "what needs somebody's care", "upkeep_page", PAGE_ANSWER | UNAVAILABLE, role="operator"
    ),
}


def overview() -> Response:
    """Answer the first page, which shows devices, sound and results live."""
    return render_page("overview.html")


@blueprint.get("/history")
def history() -> Response:
    """Answer a page of results, newest first."""
    filters = {name: value for name, value in g.query.items() if value}
    result_filter = ResultFilter(
        device=filters.get("device"),
        label=filters.get("label"),
        model=filters.get("model"),
        status=filters.get("status"),
        reviewed=filters.get("reviewed"),
        verdict=filters.get("verdict"),
        severity=filters.get("severity"),
        file_name=filters.get("file"),
        subject=filters.get("subject"),
        no_subject="no_subject" in filters,
        since=_day(filters, "from", 0),
        until=_day(filters, "to", 1),
    )
    page = services().history.results(result_filter, _ROWS_PER_PAGE, filters.get("cursor"))
    next_address = f"/ui/history?{urlencode(filters | {'cursor': page.next})}" if page.next else None
    results = [json.loads(document) for document in page.documents]
    return render_page(
        "history.html",
        results=results,
        reviews=services().history.reviews([(each["device_id"], each["recording_id"]) for each in results]),
        filters=filters,
        next_address=next_address,
        models=classifier_cards(),
        devices=known_devices(filters.get("device")),
        labels=label_words.of_request().labels(),
    )


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> Response:
    """Answer one recording: result, sound, pictures, review."""
    entry = lookup.recording(recording_id)
    review = services().history.review(entry.device_id, entry.recording_id)
    is_stream = services().history.timeline(entry.device_id, entry.recording_id) is not None
    return render_page(
        "recording.html",
        entry=entry,
        time_words=time_words(entry),
        kept_words=kept_words(entry),
        result=lookup.result(entry),
        review=review,
        changes=services().history.review_changes(entry.device_id, entry.recording_id),
        models=classifier_cards(),
        gaps=entry.gaps_s,
        is_stream=is_stream,
    )


@blueprint.get("/exams")
def exams() -> Response:
    """Answer a page of exams."""
    filters = {name: value for name, value in g.query.items() if value}
    after = int(filters["cursor"]) if "cursor" in filters else None
    page = services().history.exams(_ROWS_PER_PAGE, filters.get("device"), after)
    next_address = f"/ui/exams?{urlencode(filters | {'cursor': page.next})}" if page.next else None
    documents = [each.document() for each in page.exams]
    return render_page(
        "exams.html",
        exams=documents,
        filters=filters,
        next_address=next_address,
        devices=known_devices(filters.get("device")),
    )


@blueprint.get("/exams/<exam_id>")
def exam(exam_id: str) -> Response:
    """Answer one exam."""
    document = lookup.exam(exam_id).document()
    return render_page("exam.html", exam=document, rule=LABEL_RULE, say=exam_words, chest=chest)


@blueprint.get("/upload")
def upload() -> Response:
    """Answer the form that uploads sound files."""
    return render_page(
        "upload.html", models=classifier_cards(), device=g.principal.device_id or VIRTUAL_DEVICE
    )


@blueprint.get("/models")
def model_cards() -> Response:
    """Answer the models: their cards with evaluation figures."""
    cards = models.cards(services().settings).values()
    return render_page("models.html", models=[card_summary.summarize(card) for card in cards])


@blueprint.get("/training")
def training() -> Response:
    """Answer the forms for labelled sounds and for retraining, and the state of the trainer."""
    return render_page("training.html", models=classifier_cards())


@blueprint.get("/system")
def system() -> Response:
    """Answer the health of database, workers, models and broker."""
    now = datetime.now(UTC)
    uptime = timedelta(seconds=round(uptime_s() - services().started_uptime_s))
    return render_page(
        "system.html",
        components=health.components(services().history, now),
        uptime=uptime,
        mqtt_session=services().mqtt_session,
    )


@blueprint.get("/upkeep")
def upkeep_page() -> Response:
    """Answer the quarantine, audio that belongs nowhere, and what waits for the broker."""
    return render_page("upkeep.html", **upkeep.document())


def _day(filters: dict[str, str], name: str, days_later: int) -> str | None:
    """Return the midnight (RFC 3339, UTC) that begins the day of a filter, or `days_later` after it."""
    if name not in filters:
        return None
    try:
        midnight = date.fromisoformat(filters[name]) + timedelta(days=days_later)
    except (ValueError, OverflowError):
        raise ProblemError(
            400, f"{name} is {filters[name]!r}; it takes a day, such as 2026-11-20", parameter=name
        ) from None
    return f"{midnight}T00:00:00.000Z"
