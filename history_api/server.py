"""Server process of the API: waitress with a pool of threads, until a signal ends it."""

import signal
import socket
import sys
from types import FrameType
from typing import Final

from waitress.server import create_server

from edge_worker.errors import SettingsError
from edge_worker.private_files import keep_private
from history_api.application import create_app
from history_api.monitoring.retention import Retention
from history_api.monitoring.worker_watch import WorkerWatch
from history_api.services import Services
from history_api.settings import ApiSettings
from history_api.waitress_channel import channel_class

_THREADS: Final = 32
"""An event stream occupies one for as long as its client reads."""
_MIB: Final = 1 << 20


def serve(settings: ApiSettings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: the address cannot be bound, or settings contradict each other.
        StoreError: what the database URL names is not a database of this program.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    keep_private(settings.data_dir)
    app = create_app(settings)
    listener = _listen(settings.api_host, settings.api_port)
    server = create_server(
        app,
        sockets=[listener],
        threads=_THREADS,
        ident=None,
        outbuf_high_watermark=_MIB,  # of an answer in memory: an export waits for a slow client
        max_request_body_size=settings.upload_mb * _MIB + 1,  # the first size that is refused
        clear_untrusted_proxy_headers=False,  # the application trusts STETHO_API_PROXY proxies, no more
    )
    server.channel_class = channel_class(app.extensions["stetho_authenticator"])
    host, port = listener.getsockname()[:2]
    print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    if settings.api_auth == "none":
        print("STETHO_API_AUTH is none: everybody on this machine may do everything", flush=True)
    services: Services = app.extensions["stetho"]
    if services.mqtt_session is not None:
        services.mqtt_session.start()
        WorkerWatch(services.history, services.mqtt_session).start()
    retention = Retention(settings, services.deletion)
    retention.start()
    server.run()
    server.close()
    retention.stop()
    if services.mqtt_session is not None:
        services.mqtt_session.stop()


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, made here so that port 0 has its number before the first request."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error}); set STETHO_API_HOST and STETHO_API_PORT"
        ) from error


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # ends waitress's `run`
