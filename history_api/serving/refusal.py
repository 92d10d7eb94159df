"""Answers that the server gives before the application sees a request, as problem documents."""

import logging
import secrets
from http import HTTPStatus
from typing import Final

from edge_worker.protocol import strict_json
from edge_worker.telemetry.logfmt import line
from history_api.access import security_headers
from history_api.openapi.problem import DETAILS, MEDIA_TYPE

_LOG: Final = logging.getLogger(__name__)
_DETAILS: Final = DETAILS | {
    400: "this is no valid request; send HTTP/1.1, and a body in large chunks, where it is chunked",
    431: "the headers are too large; send fewer or shorter ones",
    501: "this transfer encoding is not supported; send the body as it is, or chunked",
}
Headers = list[tuple[bytes, bytes]]


def refusal(status: int, reason: str) -> tuple[Headers, bytes]:
    """Return headers and body of an answer after which the connection ends; log why."""
    request_id = secrets.token_hex(8)
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _DETAILS.get(status, _DETAILS[400]),
        "request_id": request_id,
    }
    body = strict_json.write(document).encode()
    headers = security_headers.HEADERS | {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "X-Request-ID": request_id,
    }
    _LOG.info(line("refused", id=request_id, status=status, reason=reason))
    return [(name.encode(), value.encode()) for name, value in headers.items()], body
