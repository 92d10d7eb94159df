"""Server process of the API: the application, its HTTP server and its threads, until a signal ends them."""

import errno
import socket
import sys
from dataclasses import replace
from typing import Final

from edge_worker.database.access.api_key import ApiKeys
from edge_worker.errors import SettingsError, StoreError
from edge_worker.own_command import stetho
from edge_worker.private_files import keep_private
from history_api.access.long_requests import most_long_requests
from history_api.application import create_app
from history_api.monitoring import metrics
from history_api.monitoring.retention import Retention
from history_api.monitoring.worker_watch import WorkerWatch
from history_api.services import Services
from history_api.serving.http_server import HttpServer
from history_api.serving.limits import Limits
from history_api.settings import ApiSettings

_SHORT_THREADS: Final = 32
"""For requests that are answered at once, beside those that take long."""

_SWITCH_S: Final = 0.001
"""A thread that computes, as for a report, makes room for others this soon: five times sooner than usual."""


def serve(settings: ApiSettings, limits: Limits | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; `limits` replace those that follow from the settings.

    Raises:
        SettingsError: the address cannot be bound, or settings contradict each other.
        StoreError: what the database URL names is not a database of this program.
    """
    keep_private(settings.data_dir)
    sys.setswitchinterval(_SWITCH_S)
    app = create_app(settings)
    http_server = HttpServer(app, limits or _limits(settings))
    metrics.of(app).watch(http_server.connections)
    listener = _listen(settings.api_host, settings.api_port)
    host, port = listener.getsockname()[:2]
    print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    _say_who_may_enter(settings)
    services: Services = app.extensions["stetho"]
    if services.mqtt_session is not None:
        services.mqtt_session.start()
        WorkerWatch(services.history, services.mqtt_session).start()
    retention = Retention(settings, services.deletion, services.audio)
    retention.start()
    http_server.run(listener)
    retention.stop()
    if services.mqtt_session is not None:
        services.mqtt_session.stop()


def _say_who_may_enter(settings: ApiSettings) -> None:
    if settings.api_auth == "none":
        print("STETHO_API_AUTH is none: everybody on this machine may do everything", flush=True)
        return
    try:
        has_keys = bool(ApiKeys(settings.database).all())
    except StoreError:  # there is no database yet
        has_keys = False
    if not has_keys:
        print(f"nobody has a key yet: `{stetho('key add NAME --role admin')}` makes one", flush=True)


def _limits(settings: ApiSettings) -> Limits:
    limits = Limits(
        threads=most_long_requests(settings) + _SHORT_THREADS, body_bytes=settings.upload_mb << 20
    )
    # All clients of a proxy come from its address.
    return replace(limits, per_address=limits.connections) if settings.api_proxy else limits


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, made here so that port 0 has its number before the first request."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"port {port} of {host} is in use by another program; stop that, or set "
                "STETHO_API_PORT to another one (0: any that is free)"
            ) from error
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error}); set STETHO_API_HOST and STETHO_API_PORT"
        ) from error
