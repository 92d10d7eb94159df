"""HTML page of the notifications: rules, receivers, the last messages, and a button that sends a test."""

from functools import partial
from typing import Final

from flask import Blueprint, Response

from history_api.dashboard.notification_words import say
from history_api.dashboard.page_rendering import PAGE_ANSWER, render_page
from history_api.models import label_words
from history_api.monitoring import notifications
from history_api.openapi.operation import UNAVAILABLE, Paths, get

blueprint = Blueprint("notification_page", __name__, url_prefix="/ui/notifications")
PATHS: Final[Paths] = {
    "/ui/notifications": get(
        "rules of the notifications, receivers, the last messages",
        "notification_page",
        PAGE_ANSWER | UNAVAILABLE,
        role="operator",
    ),
}


@blueprint.get("")
def notification_page() -> Response:
    """Answer the page of the notifications."""
    words = partial(say, language=label_words.of_request().language)
    return render_page("notifications.html", say=words, **notifications.document())
