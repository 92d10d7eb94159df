"""`GET /metrics`: Prometheus metrics of requests, workers, data and broker; as JSON the model figures.

Each application has its own registry. Only requests are counted as they are answered; everything else is read
at each scrape (`site_metrics`).
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_worker import __version__
from edge_worker.telemetry import metrics as worker_metrics
from history_api.access import long_requests
from history_api.access.long_requests import Shares
from history_api.monitoring.site_metrics import SiteMetrics
from history_api.mqtt.bus_message import BusMessage
from history_api.openapi.operation import Paths, get
from history_api.openapi.schemas import ref
from history_api.services import Services
from history_api.serving.connections import REASONS, Connections

_PERCENT: Final = 100
_EXTENSION: Final = "stetho_metrics"
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_]+")
_LATENCY_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
blueprint = Blueprint("metrics", __name__)
PATHS: Final[Paths] = {
    "/metrics": get(
        "metrics for Prometheus; with `Accept: application/json`, the evaluation figures of each model",
        "metrics",
        {
            "200": {
                "description": "Prometheus' text format, or the figures of the models.",
                "content": {
                    "text/plain": {"schema": {"type": "string"}},
                    "application/json": {"schema": ref("Figures")},
                },
            }
        },
    ),
}


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answer metrics as text, or the figures of the models to a client that names JSON in `Accept`."""
    app_metrics = of(current_app)
    if _is_json_wanted():
        response = jsonify(app_metrics.site.figures())
    else:
        response = Response(generate_latest(app_metrics.registry), content_type=_TEXT)
    response.vary.add("Accept")
    return response


def register(app: Flask) -> None:
    """Create the metrics of `app`, whose services must exist, and count its requests from now on."""
    app.extensions[_EXTENSION] = Metrics(app.extensions["stetho"], partial(long_requests.of, app))
    app.after_request(_count)


def of(app: Flask) -> "Metrics":
    """Return the metrics of `app`. Needs no request context, so any thread may call it."""
    app_metrics: Metrics = app.extensions[_EXTENSION]
    return app_metrics


class Metrics:
    """Prometheus metrics of one application; thread-safe."""

    def __init__(self, services: Services, shares: Callable[[], Shares]) -> None:
        """`shares` returns the long requests under way, which the application registers later."""
        self.registry = worker_metrics.new_registry()
        self.site = SiteMetrics(services)
        self._session = services.mqtt_session
        self._broker: dict[str, float] = {}
        self._shares = shares
        self._connections: Connections | None = None
        self._requests = Counter(
            "stetho_http_requests", "Requests", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "stetho_http_request_seconds",
            "From a request to the beginning of its answer",
            ["route"],
            registry=self.registry,
            buckets=_LATENCY_BUCKETS_S,
        )
        self.registry.register(worker_metrics.CallbackCollector(self._collect))

    def watch(self, connections: Connections) -> None:
        """Export the connections of the server that this application has."""
        self._connections = connections

    def count(self, route: str, method: str, status: int, took_s: float) -> None:
        """Count a request that was answered after `took_s` seconds."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(took_s)

    def on_message(self, message: BusMessage) -> None:
        """Take an MQTT message."""
        if message.kind == "lost":
            self.clear_broker_gauges()
        elif message.kind == "broker":
            with contextlib.suppress(ValueError):
                self.set_broker_gauge(message.name, float(message.payload))

    def set_broker_gauge(self, topic: str, value: float) -> None:
        """Export a number of a `$SYS` topic: `$SYS/broker/a/b c` becomes `stetho_broker_a_b_c`."""
        name = _NOT_IN_NAMES.sub("_", topic.removeprefix("$SYS/broker/")).strip("_")
        self._broker = {**self._broker, name: value}

    def clear_broker_gauges(self) -> None:
        """Stop exporting broker gauges until new values arrive: unknown is not zero."""
        self._broker = {}

    def _collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("stetho_api_info", "Version of the history API", labels=("version",))
        info.add_metric((__version__,), 1)
        yield info
        yield from self.site.collect()
        yield from self._refused()
        yield from self._commands()
        yield from self._devices()
        yield from self._collect_server()
        for name, value in self._broker.items():
            yield GaugeMetricFamily(f"stetho_broker_{name}", "Value of the broker's $SYS topic", value)

    def _refused(self) -> Iterator[Metric]:
        refused = CounterMetricFamily(
            "stetho_mqtt_refused_messages",
            "Messages that were not as the protocol has them",
            labels=("topic",),
        )
        for kind, count in ({} if self._session is None else dict(self._session.refused)).items():
            refused.add_metric((kind,), count)
        yield refused

    def _commands(self) -> Iterator[Metric]:
        commands = CounterMetricFamily(
            "stetho_device_commands", "Commands sent to devices", labels=("command", "answer")
        )
        counts = {} if self._session is None else dict(self._session.commands.counts)
        for (name, answer), count in counts.items():
            commands.add_metric((name, answer), count)
        yield commands

    def _devices(self) -> Iterator[Metric]:
        battery = GaugeMetricFamily(
            "stetho_device_battery_percent", "Level of the battery of a device", labels=("device",)
        )
        stack = GaugeMetricFamily(
            "stetho_device_stack_left_bytes",
            "Least that a task of a device ever had left of its stack",
            labels=("device",),
        )
        for device_id, reports in ({} if self._session is None else dict(self._session.devices)).items():
            telemetry = reports.get("telemetry", {})  # whatever a device says
            level = telemetry.get("battery_percent")
            if type(level) is int and 0 <= level <= _PERCENT:
                battery.add_metric((device_id,), level)
            tasks = telemetry.get("stack_left")
            left = [size for size in tasks.values() if type(size) is int] if isinstance(tasks, dict) else []
            if left:
                stack.add_metric((device_id,), min(left))
        yield battery
        yield stack

    def _collect_server(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("stetho_http_long_requests", "Long requests under way", len(self._shares()))
        connections, ended = self._connections, dict[str, int]()
        if connections is not None:
            ended = dict(connections.dropped)
        yield GaugeMetricFamily("stetho_http_connections", "Open connections", len(connections or ()))
        dropped = CounterMetricFamily(
            "stetho_http_dropped_connections", "Connections that the server ended", labels=("reason",)
        )
        for reason in REASONS:
            dropped.add_metric((reason,), ended.get(reason, 0))
        yield dropped


def _count(response: Response) -> Response:
    # The URL rule, not the path: clients can invent paths, and each would become a new time series.
    route = "none" if request.url_rule is None else request.url_rule.rule
    of(current_app).count(route, request.method, response.status_code, time.perf_counter() - g.began)
    return response


def _is_json_wanted() -> bool:
    """Return whether the client names JSON and does not prefer text; Prometheus, curl and browsers do not."""
    accepted = request.accept_mimetypes
    is_named = "application/json" in accepted.values()
    return is_named and accepted["text/plain"] <= accepted["application/json"] > 0
