"""Problem documents, `application/problem+json` (RFC 9457): what is wrong, and what to do about it.

A browser that opens a page of the dashboard gets the same as a page.
"""

import errno
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from edge_worker.database.page_cursor import CursorError
from edge_worker.errors import StoreError
from edge_worker.protocol import strict_json
from edge_worker.telemetry.logfmt import line

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = 5
_FULL_RETRY_AFTER_S: Final = 60
_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_LOG: Final = logging.getLogger(__name__)
NUL: Final = "the character 0 in it, which no text here may have (PostgreSQL stores none); send it without"
"""Why a text is refused, after its name and `has`."""
DETAILS: Final[dict[int, str]] = {
    404: "there is nothing at this address; GET / lists the endpoints",
    405: "this address does not support this method; the header Allow names those it does",
    408: "the body comes too slowly; send it again over a better connection, or in smaller pieces",
    413: "the body is too large: STETHO_UPLOAD_MB MiB are accepted where sounds are sent, 64 KiB elsewhere",
    416: "the recording has no bytes in this range; Content-Range has its size",
    507: "the disk of the server is full; free some room there, and send it again",
    500: "the server failed; its log has the reason under this request_id",
}


class ProblemError(Exception):
    """A request cannot be answered; `members` are added to the problem document."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


def register(app: Flask) -> None:
    """Answer every error of `app` with a problem document."""
    app.register_error_handler(ProblemError, _answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(CursorError, _answer_cursor)
    app.register_error_handler(StoreError, _answer_store)
    app.register_error_handler(OSError, _answer_full_disk)


def _answer(problem: ProblemError) -> Response:
    if _wants_page():
        text = render_template("problem.html", problem=problem, title=HTTPStatus(problem.status).phrase)
        return Response(text, status=problem.status, headers=problem.headers, mimetype="text/html")
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
        "request_id": g.request_id,
        **problem.members,
    }
    return Response(
        strict_json.write(document), status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE
    )


def _wants_page() -> bool:
    """Return whether a browser asks for a page of the dashboard, or for an address that does not exist."""
    kinds = (MEDIA_TYPE, "application/json", "text/html")
    is_page = request.url_rule is None or request.path.startswith("/ui/")
    return is_page and request.accept_mimetypes.best_match(kinds) == "text/html"


def _answer_http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return _answer(ProblemError(status, DETAILS.get(status) or str(error.description), headers))


def _answer_cursor(error: CursorError) -> Response:
    return _answer(ProblemError(400, str(error), parameter="cursor"))


def _answer_store(error: StoreError) -> Response:
    return _answer(ProblemError(503, str(error), {"Retry-After": str(_RETRY_AFTER_S)}))


def _answer_full_disk(error: OSError) -> Response:
    if error.errno not in _DISK_FULL:
        raise error  # a bug, answered with 500
    _LOG.error(line("disk_full", id=g.request_id, reason=error))
    return _answer(ProblemError(507, DETAILS[507], {"Retry-After": str(_FULL_RETRY_AFTER_S)}))
