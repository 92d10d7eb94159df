"""Prometheus metrics of workers, read from their heartbeat documents.

The worker exposes its document of this moment, the history API that of the last heartbeat: the names are the
same in both, so that either is enough.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_STATES: Final = ("ready", "degraded", "offline")
_REJECTED: Final = "rejected_"

Document = Mapping[str, Any]
Sample = tuple[tuple[str, ...], Any]
"""Label values, and a number; a sample whose value is no number is left out."""


def worker_families(documents: Mapping[str, Document]) -> Iterator[Metric]:
    """Yield the metric families of workers from their heartbeat documents, by worker id.

    Keys that a document lacks, such as that of an older worker, are left out.
    """
    for family in _FAMILIES:
        metric = family.kind(
            f"stetho_worker_{family.name}", family.documentation, labels=("worker", *family.labels)
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


def _missing_requests(document: Document) -> Iterator[Sample]:
    yield (), _counters(document).get("asked", 0)


def _ignored_meta(document: Document) -> Iterator[Sample]:
    yield (), _counters(document).get("ignored_meta", 0)


def _quarantined(document: Document) -> Iterable[Sample]:
    return _each(dict(_each(document.get("quarantine"))).get(("counts",)))


def _labels(document: Document) -> Iterator[Sample]:
    for (model,), counts in _each(document.get("labels")):
        for (label,), count in _each(counts):
            yield (model, label), count


def _shards(document: Document) -> Iterator[Sample]:
    shards = dict(_each(document.get("shards")))
    if shards:
        yield ("held",), len(shards["held",])
        yield ("connected",), shards["connected",]


def _value(key: str) -> Callable[[Document], Iterable[Sample]]:
    return lambda document: [((), document.get(key))]


def _live(key: str) -> Callable[[Document], Iterable[Sample]]:
    return lambda document: [((), dict(_each(document.get("live"))).get((key,)))]


def _quarantine(key: str) -> Callable[[Document], Iterable[Sample]]:
    return lambda document: [((), dict(_each(document.get("quarantine"))).get((key,)))]


def _counters(document: Document) -> dict[str, Any]:
    return {name: count for (name,), count in _each(document.get("counters"))}


def _each(value: object) -> list[Sample]:
    return [((str(key),), each) for key, each in value.items()] if isinstance(value, dict) else []


class _Family(NamedTuple):
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily]
    name: str
    documentation: str
    read: Callable[[Document], Iterable[Sample]]
    labels: tuple[str, ...] = ()


_GAUGE, _COUNTER = GaugeMetricFamily, CounterMetricFamily
_FAMILIES: Final = (
    _Family(_GAUGE, "info", "Version of the worker", _info, ("version", "runtime")),
    _Family(_GAUGE, "model_info", "Version in use of each model", _models, ("model", "version")),
    _Family(_GAUGE, "state", "1 for the state that the worker reports", _states, ("state",)),
    _Family(_GAUGE, "broker_connected", "Whether the broker has accepted the worker", _connected),
    _Family(_GAUGE, "heartbeat_age_seconds", "Since the last heartbeat", _value("heartbeat_age_s")),
    _Family(_GAUGE, "open_recordings", "Recordings being received", _value("open_recordings")),
    _Family(_GAUGE, "spool_bytes", "Bytes of open recordings in the spool", _value("spool_bytes")),
    _Family(_GAUGE, "backlog", "Closed recordings that wait to be stored or analysed", _value("backlog")),
    _Family(_GAUGE, "outbox_messages", "Messages the broker has not acknowledged", _value("outbox")),
    _Family(_GAUGE, "shards", "Parts of the devices in a cluster, of 32", _shards, ("state",)),
    _Family(_COUNTER, "chunks", "Messages: accepted, duplicate or rejected", _chunks, ("outcome", "reason")),
    _Family(_COUNTER, "recordings", "Complete, partial or abandoned", _recordings, ("outcome",)),
    _Family(_COUNTER, "ignored_meta", "META of which fields were left out", _ignored_meta),
    _Family(_COUNTER, "quarantined", "Input that could not be processed", _quarantined, ("kind",)),
    _Family(_GAUGE, "quarantine_entries", "Entries in the quarantine", _quarantine("entries")),
    _Family(_GAUGE, "quarantine_bytes", "Bytes in the quarantine", _quarantine("bytes")),
    _Family(_COUNTER, "missing_requests", "Requests for missing sound", _missing_requests),
    _Family(_COUNTER, "missing_samples", "Samples that did not arrive", _value("missing_samples")),
    _Family(_COUNTER, "results", "By status", lambda document: _each(document.get("results")), ("status",)),
    _Family(
        _COUNTER, "verdicts", "By severity", lambda document: _each(document.get("verdicts")), ("severity",)
    ),
    _Family(_COUNTER, "disagreements", "Results on which models disagree", _value("disagreements")),
    _Family(_GAUGE, "streams", "Open streams", _live("streams")),
    _Family(_GAUGE, "live_stretch", "Live values come so many times less often", _live("stretch")),
    _Family(
        _GAUGE,
        "live_window_stretch",
        "Windows of streams come so many times less often",
        _live("window_stretch"),
    ),
    _Family(_COUNTER, "live_values", "Live values that were sent", _live("values")),
    _Family(_COUNTER, "live_windows", "Windows of streams that were classified", _live("windows")),
    _Family(_COUNTER, "live_skipped_windows", "Windows left out for lack of time", _live("skipped_windows")),
    _Family(
        _COUNTER, "live_skipped_glances", "Previews of open recordings left out", _live("skipped_glances")
    ),
    _Family(_COUNTER, "labels", "Accepted labels, which are no diagnosis", _labels, ("model", "label")),
)
