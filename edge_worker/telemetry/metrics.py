"""Prometheus: registries, a collector that calls back, and the port that serves the worker's metrics."""

import errno
import logging
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from edge_worker.errors import SettingsError
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)


class CallbackCollector(Collector):
    """Collector that calls `read` at every scrape."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return the current metrics."""
        return self._read()


def new_registry() -> CollectorRegistry:
    """Return a registry with the metrics of this process: memory, CPU time, open files."""
    # Of the whole process: a `_created` series for each counter, which nothing reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def serve(settings: Settings, registry: CollectorRegistry) -> None:
    """Serve `registry` over HTTP on threads of its own; without a port in the settings, do nothing.

    Raises:
        SettingsError: the server cannot listen on the host and port of the settings.
    """
    host, port = settings.worker_metrics_host, settings.worker_metrics_port
    if not port:
        return
    try:
        start_http_server(port, host, registry)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"port {port} of {host} is in use by another program; stop that, or set "
                "STETHO_WORKER_METRICS_PORT to another one"
            ) from error
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error}); set STETHO_WORKER_METRICS_HOST and "
            "STETHO_WORKER_METRICS_PORT"
        ) from error
    _LOG.info(line("metrics", host=host, port=port))
