"""What waitress does before the application is asked: bounds bodies, and refuses what is no request."""

import copy
import json
import logging
import secrets
from http import HTTPStatus
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from werkzeug import Request

from edge_worker.errors import StoreError
from edge_worker.telemetry.logfmt import line
from history_api.access import security_headers
from history_api.access.principal import Authenticator
from history_api.openapi.problem import MEDIA_TYPE

KEYLESS_BODY_BYTES: Final = 65_536
"""Largest body without a key: nobody else may fill the disk on which waitress keeps bodies."""
_LOG: Final = logging.getLogger(__name__)
_DETAILS: Final[dict[int, str]] = {
    413: "the body is larger than this server takes: STETHO_UPLOAD_MB MiB with a key, 64 KiB without one",
    431: "the headers are too large; send fewer or shorter ones",
    500: "the server failed; its log has the reason",
}


def channel_class(authenticator: Authenticator) -> type[Any]:
    """Return the class of waitress's channels for an application with this authenticator."""

    class Parser(_Parser):
        def is_known(self) -> bool:
            environ = {f"HTTP_{name}": value for name, value in self.headers.items()}
            try:
                return authenticator.is_open or authenticator.holder(Request(environ)) is not None
            except StoreError:
                return False  # the application says it better

    class Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
        parser_class = Parser
        error_task_class = _Refusal

    return Channel


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Reads a request; a large body only when it comes with a key."""

    adj: Any

    def is_known(self) -> bool:
        """Return whether the headers hold a key or a session."""
        raise NotImplementedError

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the first line and the headers, after which waitress looks at the limit in `adj`."""
        super().parse_header(header_plus)
        if (self.chunked or self.content_length > KEYLESS_BODY_BYTES) and not self.is_known():
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = KEYLESS_BODY_BYTES + 1  # the first size that is refused


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress ships no types
    """What could not be read as a request, or is too large to be taken."""

    def execute(self) -> None:
        """Write the problem document and close: what follows on this connection cannot be trusted."""
        status, request_id = self.request.error.code, secrets.token_hex(8)
        body = _problem(status, request_id).encode()
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers.extend(security_headers.STRICT.items())
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
        "detail": _DETAILS.get(status, "this is not a request that can be read; send HTTP/1.1"),
        "request_id": request_id,
    }
    return json.dumps(document)
