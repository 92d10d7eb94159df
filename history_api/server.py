"""The server in front of the application; what it refuses by itself is a problem document too."""

import json
import secrets
import signal
import socket
import sys
from http import HTTPStatus
from types import FrameType
from typing import Final

from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from edge_worker.errors import SettingsError
from edge_worker.settings import Settings
from history_api import headers
from history_api.application import create_app
from history_api.problem import MEDIA_TYPE

_THREADS: Final = 32
"""A stream of events holds one for as long as somebody listens."""
_MIB: Final = 1 << 20
_DETAILS: Final[dict[int, str]] = {
    413: "the body is larger than this server takes (STETHO_UPLOAD_MB); send less at once",
    431: "the headers are too large; send fewer or shorter ones",
    500: "the server failed; its log has the reason",
}


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress ships no types
    """What could not be read as a request, or is too large to be taken."""

    def execute(self) -> None:
        """Write the problem document and close: what follows on this connection cannot be trusted."""
        status, request_id = self.request.error.code, secrets.token_hex(8)
        body = _problem(status, request_id).encode()
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers.extend(headers.STRICT.items())
        self.response_headers.extend([("Content-Type", MEDIA_TYPE), ("X-Request-ID", request_id)])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    error_task_class = _Refusal


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: the address cannot be listened on, or settings contradict each other.
        StoreError: the database is not ours.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    app = create_app(settings)
    listener = _listen(settings.api_host, settings.api_port)
    server = create_server(
        app,
        sockets=[listener],
        threads=_THREADS,
        ident=None,
        max_request_body_size=settings.upload_mb * _MIB + 1,  # the first size that is refused
        clear_untrusted_proxy_headers=False,  # the application believes STETHO_API_PROXY proxies, no more
    )
    server.channel_class = _Channel
    host, port = listener.getsockname()[:2]
    print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    if settings.api_auth == "none":
        print("STETHO_API_AUTH is none: everybody on this machine may do everything", flush=True)
    bus = app.extensions["stetho"].bus
    if bus is not None:
        bus.start()
    server.run()
    server.close()
    if bus is not None:
        bus.stop()


def _problem(status: int, request_id: str) -> str:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _DETAILS.get(status, "this is not a request that can be read; send HTTP/1.1"),
        "request_id": request_id,
    }
    return json.dumps(document)


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; we make it so that `0` has its number before anybody is served."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error}); set STETHO_API_HOST and STETHO_API_PORT"
        ) from error


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # waitress takes this as the end of `run`
