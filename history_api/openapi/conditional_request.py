"""Answers that a client has already: an `ETag` of what they say, and 304 for who shows it again."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Response, request

from history_api.openapi.schemas import TEXT, Schema

ETAG: Final[Schema] = {"ETag": {"description": "changes with what is answered", "schema": TEXT}}
UNCHANGED: Final[Schema] = {"304": {"description": "Unchanged: the client's ETag is the current one."}}


def with_etag(response: Response) -> Response:
    """Return `response` with an ETag of its body; 304 without a body where `If-None-Match` names it."""
    response.add_etag()
    response.make_conditional(request)
    return response


def render_with_etag(tag: str, media_type: str, make: Callable[[], bytes]) -> Response:
    """Answer 304 to who has the answer of this tag, or else what `make` returns: nothing is made in vain."""
    response = Response(mimetype=media_type)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    if response.status_code == HTTPStatus.OK:
        response.set_data(make())
    return response
