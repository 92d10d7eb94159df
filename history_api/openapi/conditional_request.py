"""Conditional requests: `ETag` of an answer, and 304 for a client that has it already."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Response, request

from history_api.openapi.schemas import TEXT, Schema

ETAG: Final[Schema] = {"ETag": {"description": "changes with the answer", "schema": TEXT}}
UNCHANGED: Final[Schema] = {"304": {"description": "Unchanged: the client's ETag is the current one."}}


def with_etag(response: Response) -> Response:
    """Return `response` with an ETag of its body; 304 without the body where `If-None-Match` has it."""
    response.add_etag()
    response.make_conditional(request)
    return response


def render_with_etag(etag: str, media_type: str, render: Callable[[], bytes]) -> Response:
    """Return 304 where `If-None-Match` has `etag`, else what `render` returns, which is called only then."""
    response = Response(mimetype=media_type)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    if response.status_code == HTTPStatus.OK:
        response.set_data(render())
    return response
