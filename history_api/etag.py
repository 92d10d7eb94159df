"""Answers that a client has already: an `ETag` of what they say, and 304 for who shows it again."""

from typing import Final

from flask import Response, request

from history_api.schemas import TEXT, Schema

ETAG: Final[Schema] = {"ETag": {"description": "changes with what is answered", "schema": TEXT}}
UNCHANGED: Final[Schema] = {"304": {"description": "Unchanged: the client's ETag is the current one."}}


def conditional(response: Response) -> Response:
    """Return `response` with an ETag of its body; 304 without a body where `If-None-Match` names it."""
    response.add_etag()
    response.make_conditional(request)
    return response
