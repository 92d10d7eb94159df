"""What Prometheus sees of a worker: its heartbeat document as metrics, and the port that serves them.

The worker shows the document of this moment, the history API that of the last heartbeat: the same names in
both, so that either is enough.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_worker.errors import SettingsError
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_STATES: Final = ("ready", "degraded", "offline")
_REJECTED: Final = "rejected_"

Document = Mapping[str, Any]
Sample = tuple[tuple[str, ...], Any]
"""Values of the labels, and a number; anything else is left out."""


class CallbackCollector(Collector):
    """Metrics that `read` yields anew at every scrape."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        return self._read()


def new_registry() -> CollectorRegistry:
    """Return a registry that knows this process: memory, CPU time, open files."""
    # Of the whole process: a second series for each counter, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def serve(settings: Settings, registry: CollectorRegistry) -> None:
    """Serve `registry` from now on, on threads of its own, unless the settings say that nobody asks.

    Raises:
        SettingsError: the port cannot be had.
    """
    host, port = settings.worker_metrics_host, settings.worker_metrics_port
    if not port:
        return
    try:
        start_http_server(port, host, registry)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error}); set STETHO_WORKER_METRICS_HOST and "
            "STETHO_WORKER_METRICS_PORT"
        ) from error
    _LOG.info(line("metrics", host=host, port=port))


def worker_families(documents: Mapping[str, Document]) -> Iterator[Metric]:
    """Yield the metrics of workers from their heartbeat documents, by worker id.

    What a document does not say, such as one of an older worker, is left out.
    """
    for family in _FAMILIES:
        metric = family.kind(
            f"stetho_worker_{family.name}", family.meaning, labels=("worker", *family.labels)
        )
        for worker, document in documents.items():
            for values, number in family.read(document):
                if isinstance(number, (int, float)):
                    metric.add_metric((worker, *values), number)
        yield metric


def _info(document: Document) -> Iterator[Sample]:
    yield (str(document.get("version")), str(document.get("runtime"))), 1


def _models(document: Document) -> Iterator[Sample]:
    for (model,), version in _each(document.get("versions")):
        yield (model, str(version)), 1


def _states(document: Document) -> Iterator[Sample]:
    for state in _STATES:
        yield (state,), int(state == document.get("state"))


def _connected(document: Document) -> Iterator[Sample]:
    yield (), int(document.get("state") in ("ready", "degraded"))


def _chunks(document: Document) -> Iterator[Sample]:
    counters = _counters(document)
    yield ("accepted", ""), counters.get("chunks", 0)
    yield ("duplicate", ""), counters.get("duplicates", 0)
    for name, count in sorted(counters.items()):
        if name.startswith(_REJECTED):
            yield ("rejected", name.removeprefix(_REJECTED)), count


def _recordings(document: Document) -> Iterator[Sample]:
    counters = _counters(document)
    yield ("complete",), counters.get("closed_complete", 0)
    yield ("partial",), counters.get("closed_partial", 0)
    yield ("abandoned",), counters.get("abandoned", 0)


def _asked(document: Document) -> Iterator[Sample]:
    yield (), _counters(document).get("asked", 0)


def _labels(document: Document) -> Iterator[Sample]:
    for (model,), said in _each(document.get("labels")):
        for (label,), count in _each(said):
            yield (model, label), count


def _value(key: str) -> Callable[[Document], Iterable[Sample]]:
    return lambda document: [((), document.get(key))]


def _live(key: str) -> Callable[[Document], Iterable[Sample]]:
    return lambda document: [((), dict(_each(document.get("live"))).get((key,)))]


def _counters(document: Document) -> dict[str, Any]:
    return {name: count for (name,), count in _each(document.get("counters"))}


def _each(value: object) -> list[Sample]:
    return [((str(key),), each) for key, each in value.items()] if isinstance(value, dict) else []


class _Family(NamedTuple):
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily]
    name: str
    meaning: str
    read: Callable[[Document], Iterable[Sample]]
    labels: tuple[str, ...] = ()


_GAUGE, _COUNTER = GaugeMetricFamily, CounterMetricFamily
_FAMILIES: Final = (
    _Family(_GAUGE, "info", "Version of the worker", _info, ("version", "runtime")),
    _Family(_GAUGE, "model_info", "Version in use of each model", _models, ("model", "version")),
    _Family(_GAUGE, "state", "1 for the state that the worker says it is in", _states, ("state",)),
    _Family(_GAUGE, "broker_connected", "Whether the broker has accepted the worker", _connected),
    _Family(_GAUGE, "heartbeat_age_seconds", "Since the last heartbeat", _value("heartbeat_age_s")),
    _Family(_GAUGE, "open_recordings", "Recordings being received", _value("open_recordings")),
    _Family(_GAUGE, "spool_bytes", "Bytes of open recordings in the spool", _value("spool_bytes")),
    _Family(_GAUGE, "backlog", "Closed recordings that wait to be stored or judged", _value("backlog")),
    _Family(_GAUGE, "outbox_messages", "Messages the broker has not acknowledged", _value("outbox")),
    _Family(_COUNTER, "chunks", "Messages: accepted, duplicate or rejected", _chunks, ("outcome", "reason")),
    _Family(_COUNTER, "recordings", "Complete, partial or abandoned", _recordings, ("outcome",)),
    _Family(_COUNTER, "missing_requests", "Requests for missing sound", _asked),
    _Family(_COUNTER, "missing_samples", "Samples that never came", _value("missing_samples")),
    _Family(_COUNTER, "results", "By status", lambda document: _each(document.get("results")), ("status",)),
    _Family(_GAUGE, "streams", "Streams being listened to", _live("streams")),
    _Family(_GAUGE, "live_stretch", "Live values come so many times less often", _live("stretch")),
    _Family(
        _GAUGE,
        "live_window_stretch",
        "Windows of streams come so many times less often",
        _live("window_stretch"),
    ),
    _Family(_COUNTER, "live_values", "Live values that were sent", _live("values")),
    _Family(_COUNTER, "live_windows", "Windows of streams that were judged", _live("windows")),
    _Family(_COUNTER, "live_skipped_windows", "Windows left out for want of time", _live("skipped_windows")),
    _Family(_COUNTER, "live_skipped_glances", "Looks at open recordings left out", _live("skipped_glances")),
    _Family(_COUNTER, "labels", "Accepted labels, which are no diagnosis", _labels, ("model", "label")),
)
