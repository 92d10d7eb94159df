"""Waitress channel that limits the size of bodies and answers malformed requests with a problem document."""

import copy
import logging
import secrets
from http import HTTPStatus
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from werkzeug import Request

from edge_worker.errors import StoreError
from edge_worker.protocol import strict_json
from edge_worker.telemetry.logfmt import line
from history_api.access import security_headers
from history_api.access.authentication import Authenticator
from history_api.openapi.problem import MEDIA_TYPE

KEYLESS_BODY_BYTES: Final = 65_536
"""Largest body without a key: a client without one must not fill the disk, where waitress buffers bodies."""
_LOG: Final = logging.getLogger(__name__)
_DETAILS: Final[dict[int, str]] = {
    413: "the body is larger than this server accepts: STETHO_UPLOAD_MB MiB with a key, 64 KiB without one",
    431: "the headers are too large; send fewer or shorter ones",
    500: "the server failed; its log has the reason",
}


def channel_class(authenticator: Authenticator) -> type[Any]:
    """Return the channel class of a server whose application uses `authenticator`."""

    class Parser(_Parser):
        def has_valid_key(self) -> bool:
            environ = {f"HTTP_{name}": value for name, value in self.headers.items()}
            try:
                return authenticator.is_known(Request(environ))
            except StoreError:
                return False  # the application answers with the reason

    class Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
        parser_class = Parser
        error_task_class = _Refusal

    return Channel


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Parser of requests that takes a large body only with a valid key."""

    adj: Any

    def has_valid_key(self) -> bool:
        """Return whether the headers carry a valid key or session."""
        raise NotImplementedError

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the first line and the headers, and set the limit in `adj`, which waitress checks next."""
        super().parse_header(header_plus)
        if (self.chunked or self.content_length > KEYLESS_BODY_BYTES) and not self.has_valid_key():
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = KEYLESS_BODY_BYTES + 1  # the first size that is refused


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress ships no types
    """Answer to a request that is malformed or too large."""

    def execute(self) -> None:
        """Write the problem document and close: where the next request begins is unknown."""
        status, request_id = self.request.error.code, secrets.token_hex(8)
        body = _problem(status, request_id).encode()
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers.extend(security_headers.HEADERS.items())
        self.response_headers.extend([("Content-Type", MEDIA_TYPE), ("X-Request-ID", request_id)])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
        _LOG.info(line("refused", id=request_id, status=status, reason=self.request.error.body))


def _problem(status: int, request_id: str) -> str:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _DETAILS.get(status, "this is no valid request; send HTTP/1.1"),
        "request_id": request_id,
    }
    return strict_json.write(document)
