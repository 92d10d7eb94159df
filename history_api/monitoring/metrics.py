"""`GET /metrics`: requests, workers, data and broker for Prometheus; what the models reached for people.

Each application has a registry of its own. Only requests are counted as they come; the rest is read when it
is asked for (`site_metrics`).
"""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from edge_worker import __version__
from edge_worker.telemetry import metrics as worker_metrics
from history_api.monitoring.site_metrics import SiteMetrics
from history_api.mqtt.mqtt_session import BROKER
from history_api.openapi.operation import Paths, get
from history_api.openapi.schemas import ref
from history_api.services import Services

_EXTENSION: Final = "stetho_metrics"
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOT_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]+")
_WAITS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
blueprint = Blueprint("metrics", __name__)
PATHS: Final[Paths] = {
    "/metrics": get(
        "metrics for Prometheus; with `Accept: application/json`, what each model reached",
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
    """Answer metrics as text, or the figures of the models to who asks for JSON by name."""
    found = of(current_app)
    if _is_json_wanted():
        response = jsonify(found.site.figures())
    else:
        response = Response(generate_latest(found.registry), content_type=_TEXT)
    response.vary.add("Accept")
    return response


def register(app: Flask) -> None:
    """Give `app`, whose services are there, its metrics, and count its requests from now on."""
    app.extensions[_EXTENSION] = Metrics(app.extensions["stetho"])
    app.after_request(_count)


def of(app: Flask) -> "Metrics":
    """Return the metrics of `app`; needs no request, so threads beside the server may use it."""
    found: Metrics = app.extensions[_EXTENSION]
    return found


class Metrics:
    """The metrics of one application. Safe from any thread."""

    def __init__(self, services: Services) -> None:
        self.registry = worker_metrics.new_registry()
        self.site = SiteMetrics(services)
        self._broker: dict[str, float] = {}
        self._requests = Counter(
            "stetho_http_requests", "Requests", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "stetho_http_request_seconds",
            "From a request to the beginning of its answer",
            ["route"],
            registry=self.registry,
            buckets=_WAITS_S,
        )
        self.registry.register(worker_metrics.CallbackCollector(self._collect))

    def count(self, route: str, method: str, status: int, took_s: float) -> None:
        """Note a request that was answered."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(took_s)

    def on_message(self, topic: str, payload: bytes) -> None:
        """Take what the bus tells; no topic: the broker is not heard any more."""
        if not topic:
            self.forget_broker()
        elif topic.startswith(BROKER):
            with contextlib.suppress(ValueError):
                self.broker_gauge(topic, float(payload))

    def broker_gauge(self, topic: str, value: float) -> None:
        """Show a number that the broker says: `$SYS/broker/a/b c` is `stetho_broker_a_b_c` from now on."""
        name = _NOT_A_NAME.sub("_", topic.removeprefix("$SYS/broker/")).strip("_")
        self._broker = {**self._broker, name: value}

    def forget_broker(self) -> None:
        """Show nothing of the broker until it says something again: nobody knows, which is not zero."""
        self._broker = {}

    def _collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("stetho_api_info", "Version of the history API", labels=("version",))
        info.add_metric((__version__,), 1)
        yield info
        yield from self.site.collect()
        for name, value in self._broker.items():
            yield GaugeMetricFamily(f"stetho_broker_{name}", "As the broker says in $SYS", value)


def _count(response: Response) -> Response:
    # The rule, not the path: what clients make up must not become names without end.
    route = "none" if request.url_rule is None else request.url_rule.rule
    of(current_app).count(route, request.method, response.status_code, time.perf_counter() - g.began)
    return response


def _is_json_wanted() -> bool:
    """Return whether JSON is named and text is not liked better; Prometheus, curl and browsers name none."""
    accepted = request.accept_mimetypes
    is_named = "application/json" in accepted.values()
    return is_named and accepted["text/plain"] <= accepted["application/json"] > 0
