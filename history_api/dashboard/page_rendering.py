"""Rendering of dashboard pages: the answer type, the navigation and the template filters."""

from typing import Any, Final, NamedTuple

from flask import Response, g, render_template
from markupsafe import Markup

from edge_worker.database.access.api_key import Role
from history_api.models import models
from history_api.openapi.operation import query
from history_api.openapi.schemas import TEXT, Schema
from history_api.results.time_format import utc
from history_api.services import services

PAGE_ANSWER: Final[Schema] = {"200": {"description": "A page.", "content": {"text/html": {"schema": TEXT}}}}
# An HTML form also sends its empty fields: an empty value is valid here and filters nothing.
DEVICE_FILTER: Final = query(
    "device", {"type": "string", "pattern": "^([a-z0-9-]{1,32})?$"}, "a device, 1 to 32 of a-z, 0-9 and -"
)


class NavigationLink(NamedTuple):
    """A link of the navigation, shown to clients that may act as `role`."""

    address: str
    name: str
    role: Role
    below: tuple[str, ...] = ()
    """Addresses of pages to which it leads, and that have no link of their own, begin so."""

    def is_current(self, path: str) -> bool:
        """Return whether the page at `path` belongs to this link."""
        return path == self.address or path.startswith(self.below)


_NAVIGATION: Final = (
    NavigationLink("/", "Overview", "owner"),
    NavigationLink("/ui/history", "History", "owner", ("/ui/recordings/", "/ui/subjects")),
    NavigationLink("/ui/exams", "Exams", "owner", ("/ui/exams/",)),
    NavigationLink("/ui/devices", "Devices", "owner", ("/ui/devices/",)),
    NavigationLink("/ui/record", "Record", "owner"),
    NavigationLink("/ui/upload", "Upload", "owner"),
    NavigationLink("/ui/models", "Models", "owner", ("/ui/agreement",)),
    NavigationLink("/ui/training", "Training", "admin"),
    NavigationLink("/ui/system", "System", "operator", ("/ui/upkeep", "/ui/notifications")),
)


def render_page(template: str, **context: Any) -> Response:  # noqa: ANN401 - any value that a template shows
    """Return the page that `template` makes of `context`, with the navigation that the client may follow."""
    links = [link for link in _NAVIGATION if g.principal.may_act_as(link.role)]
    text = render_template(template, navigation=links, principal=g.principal, **context)
    return Response(text, mimetype="text/html", headers={"Vary": "Accept"})


def classifier_cards() -> dict[str, dict[str, Any]]:
    """Return the cards of the classifiers by model; segmenters and quality models give no label."""
    cards = models.cards(services().settings)
    return {name: card for name, card in cards.items() if card.get("kind", "classifier") == "classifier"}


def percent(share: float) -> str:
    """Return a share of 0 to 1 as whole percent."""
    return f"{round(100 * share)} %"


def when(time: str) -> Markup:
    """Return a time as an element that `time.js` shows in local time; without scripts it is UTC."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(time, utc(time), utc(time))


def known_devices(chosen: str | None) -> list[str]:
    """Return the devices by name that have recordings, for a filter; a chosen one that has none, too."""
    stored = {each.device_id for each in services().history.devices()}
    return sorted(stored | ({chosen} if chosen else set()))
