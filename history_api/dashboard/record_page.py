"""HTML page that records in a browser: the microphone of a phone or laptop as a device."""

from typing import Final, NamedTuple

from flask import Blueprint, Response, g

from edge_worker.protocol.meta import MAX_MODELS
from history_api.access.security_headers import permissions
from history_api.dashboard.page_rendering import PAGE_ANSWER, classifier_cards, render_page
from history_api.dashboard.record_words import record_words
from history_api.models import label_words
from history_api.openapi.operation import Paths, get
from history_api.services import services

_KINDS: Final = {"digits": "voice", "emotion": "voice", "esc50": "room", "us8k": "room"}
"""What models hear that hear no heart; a model that is not here hears other sounds."""
_LENGTHS_S: Final = (3, 5, 10, 15, 30, 60)
_USUAL_S: Final = 10
blueprint = Blueprint("record_page", __name__, url_prefix="/ui/record")
PATHS: Final[Paths] = {
    "/ui/record": get("the microphone of the browser as a device", "record_page", PAGE_ANSWER, role="owner"),
}


class Choice(NamedTuple):
    """Something to listen for."""

    kind: str
    models: str
    """Names with commas between, as uploads take them."""
    name: str


@blueprint.get("")
def record() -> Response:
    """Answer the page; it alone may use the microphone."""
    words = label_words.of_request()
    longest = int(services().settings.max_recording_s)
    lengths = [each for each in _LENGTHS_S if each <= longest] or [longest]
    response = render_page(
        "record.html",
        say=record_words(words.language),
        choices=_choices(words),
        device=g.principal.device_id,
        lengths=lengths,
        usual=_USUAL_S if _USUAL_S in lengths else lengths[-1],
    )
    response.headers["Permissions-Policy"] = permissions(microphone="(self)")
    return response


def _choices(words: label_words.LabelWords) -> list[Choice]:
    """Return what there are models for: all for hearts together, the others one by one."""
    cards = classifier_cards()
    hearts = [name for name, card in cards.items() if card.get("hears", "heart") == "heart"]
    usual = [name for name in services().settings.models if name in hearts]
    all_hearts = ",".join([*usual, *(name for name in hearts if name not in usual)][:MAX_MODELS])
    heart = Choice("heart", all_hearts, record_words(words.language)["heart"])
    others = [
        Choice(_KINDS.get(name, "other"), name, words.model(name)) for name in cards if name not in hearts
    ]
    return ([heart] if hearts else []) + sorted(
        others, key=lambda each: ("voice", "room", "other").index(each.kind)
    )
