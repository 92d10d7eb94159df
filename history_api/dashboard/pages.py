"""The dashboard: pages for a browser, made of the same facts that the API answers to programs."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Response, g, render_template

from edge_worker.database.api_keys import Role
from edge_worker.database.result_query import ResultFilter
from edge_worker.protocol.exam import LABEL_RULE
from history_api import lookup
from history_api.models import card_summary, models
from history_api.monitoring import health
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
from history_api.openapi.schemas import STATUS, TEXT, Schema
from history_api.results.exams import CURSOR
from history_api.services import services
from history_api.uploads.upload_intake import VIRTUAL_DEVICE

_ROWS: Final = 50
PAGE: Final[Schema] = {"200": {"description": "A page.", "content": {"text/html": {"schema": TEXT}}}}
_DAY: Final[Schema] = {"type": "string", "pattern": r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"}
_ANYTHING: Final[Schema] = {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]*$"}
# A form sends its empty fields too: nothing is a value here, and lets everything through.
DEVICE_FILTER: Final = query(
    "device", {"type": "string", "pattern": "^([a-z0-9-]{1,32})?$"}, "a device, 1 to 32 of a-z, 0-9 and -"
)
_FILTERS: Final = (
    DEVICE_FILTER,
    query("label", _ANYTHING, "a label that a model gave"),
    query("model", _ANYTHING, "a model that judged the recording"),
    query("status", STATUS | {"enum": [*STATUS["enum"], ""]}, "what came of the analysis"),
    query("from", _DAY, "a day such as 2026-11-20 (UTC): captured on it or later"),
    query("to", _DAY, "a day such as 2026-11-20 (UTC): captured on it or earlier"),
    query("cursor", TEXT, "the page after, as the link on the page before has it"),
)
blueprint = Blueprint("dashboard", __name__, url_prefix="/ui")
PATHS: Final[Paths] = {
    "/ui/history": get("results with filters", "history_page", PAGE | UNAVAILABLE, _FILTERS),
    "/ui/recordings/{recording_id}": get(
        "one recording: result, sound, pictures, review",
        "recording_page",
        PAGE | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
    "/ui/exams": get(
        "exams, the one begun last first",
        "exams_page",
        PAGE | UNAVAILABLE,
        (
            DEVICE_FILTER,
            query("cursor", CURSOR, "the page after, as the link on the page before has it"),
        ),
    ),
    "/ui/exams/{exam_id}": get(
        "one exam: the four positions, and what is missing", "exam_page", PAGE | NOT_FOUND, EXAM_PARAMETERS
    ),
    "/ui/upload": get("a form for sound files", "upload_page", PAGE, role="owner"),
    "/ui/models": get("the models and what they are worth", "models_page", PAGE, role="owner"),
    "/ui/training": get("a form for labelled sounds, and the trainer", "training_page", PAGE, role="admin"),
    "/ui/system": get("how the parts are", "system_page", PAGE | UNAVAILABLE, role="operator"),
}


class Place(NamedTuple):
    """A page that the navigation leads to."""

    address: str
    name: str
    role: Role


_PLACES: Final = (
    Place("/", "Overview", "owner"),
    Place("/ui/history", "History", "owner"),
    Place("/ui/exams", "Exams", "owner"),
    Place("/ui/devices", "Devices", "owner"),
    Place("/ui/upload", "Upload", "owner"),
    Place("/ui/models", "Models", "owner"),
    Place("/ui/training", "Training", "admin"),
    Place("/ui/system", "System", "operator"),
)


def overview() -> Response:
    """Answer the first page, which follows what happens."""
    return show("overview.html")


@blueprint.get("/history")
def history() -> Response:
    """Answer a page of results, newest first."""
    asked = {name: value for name, value in g.query.items() if value}
    wanted = ResultFilter(
        device=asked.get("device"),
        label=asked.get("label"),
        model=asked.get("model"),
        status=asked.get("status"),
        since=_day(asked, "from", 0),
        until=_day(asked, "to", 1),
    )
    page = services().history.results(wanted, _ROWS, asked.get("cursor"))
    following = f"/ui/history?{urlencode(asked | {'cursor': page.next})}" if page.next else None
    results = [json.loads(document) for document in page.documents]
    return show("history.html", results=results, asked=asked, following=following, models=judging_models())


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> Response:
    """Answer what is known of one recording."""
    entry = lookup.recording(recording_id)
    review = services().history.review(entry.device_id, entry.recording_id)
    is_stream = services().history.timeline(entry.device_id, entry.recording_id) is not None
    facts = {"result": lookup.result(entry), "review": review, "gaps": entry.gaps_s, "is_stream": is_stream}
    return show("recording.html", entry=entry, **facts)


@blueprint.get("/exams")
def exams() -> Response:
    """Answer a page of exams."""
    asked = {name: value for name, value in g.query.items() if value}
    after = int(asked["cursor"]) if "cursor" in asked else None
    page = services().history.exams(_ROWS, asked.get("device"), after)
    following = f"/ui/exams?{urlencode(asked | {'cursor': page.next})}" if page.next else None
    documents = [each.document() for each in page.exams]
    return show("exams.html", exams=documents, asked=asked, following=following)


@blueprint.get("/exams/<exam_id>")
def exam(exam_id: str) -> Response:
    """Answer one exam."""
    return show("exam.html", exam=lookup.exam(exam_id).document(), rule=LABEL_RULE)


@blueprint.get("/upload")
def upload() -> Response:
    """Answer the form that takes sounds."""
    return show("upload.html", models=judging_models(), device=g.principal.device_id or VIRTUAL_DEVICE)


@blueprint.get("/models")
def cards() -> Response:
    """Answer the model cards."""
    found_cards = models.cards(services().settings).values()
    return show("models.html", models=[card_summary.of(card) for card in found_cards])


@blueprint.get("/training")
def training() -> Response:
    """Answer the forms of retraining."""
    return show("training.html", models=judging_models())


@blueprint.get("/system")
def system() -> Response:
    """Answer how the parts are."""
    now, mqtt_session = datetime.now(UTC), services().mqtt_session
    up = timedelta(seconds=round((now - services().started_at).total_seconds()))
    return show(
        "system.html", components=health.components(services().history, now), up=up, mqtt_session=mqtt_session
    )


def judging_models() -> dict[str, dict[str, Any]]:
    """Return the cards of the models that judge a sound; others only help to."""
    cards = models.cards(services().settings)
    return {name: card for name, card in cards.items() if card.get("kind", "classifier") == "classifier"}


def show(template: str, **facts: Any) -> Response:  # noqa: ANN401 - what a template shows
    """Return the page that a template makes of `facts`."""
    places = [place for place in _PLACES if g.principal.may_act_as(place.role)]
    text = render_template(template, places=places, principal=g.principal, **facts)
    return Response(text, mimetype="text/html", headers={"Vary": "Accept"})


def _day(asked: dict[str, str], name: str, later: int) -> str | None:
    """Return the midnight that begins a day, or `later` days after it, in the database's form."""
    if name not in asked:
        return None
    try:
        midnight = date.fromisoformat(asked[name]) + timedelta(days=later)
    except (ValueError, OverflowError):
        raise ProblemError(
            400, f"{name} is {asked[name]!r}; it takes a day, such as 2026-11-20", parameter=name
        ) from None
    return f"{midnight}T00:00:00.000Z"


@blueprint.app_template_filter("percent")
def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


@blueprint.app_template_filter("when")
def _when(time: str) -> str:
    return f"{time[:10]} {time[11:19]} UTC"
