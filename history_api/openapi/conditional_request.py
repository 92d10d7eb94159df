"""Conditional requests: `ETag` of an answer, and 304 for a client that has it already."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Response, request

from history_api.openapi.schemas import TEXT, Schema

ETAG: Final[Schema] = {"ETag": {"description": "changes with the answer", "schema": TEXT}}
UNCHANGED: Final[Schema] = {"304": {"description": "Unchanged: the client's ETag is the current one."}}

_drawing: Final = threading.BoundedSemaphore(2)
"""Drawing keeps a processor busy: more at a time would only delay requests that are answered at once."""


def with_etag(response: Response) -> Response:
    """Return `response` with an ETag of its body; 304 without the body where `If-None-Match` has it."""
    response.add_etag()
    response.make_conditional(request)
    return response


def render_with_etag(
    etag: str, media_type: str, render: Callable[[], bytes], *, in_turn: bool = True
) -> Response:
    """Return 304 where `If-None-Match` has `etag`, else what `render` returns, which is called only then.

    `in_turn` calls wait for each other; set it to False where another process does the work.
    """
    response = Response(mimetype=media_type)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    if response.status_code == HTTPStatus.OK:
        response.set_data(drawn(render) if in_turn else render())
    return response


def drawn(render: Callable[[], bytes]) -> bytes:
    """Return what `render` returns, when its turn has come."""
    with _drawing:
        return render()
