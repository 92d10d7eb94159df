"""Prometheus metrics of a site: database, workers, disk space, evaluation figures of the models.

Read at every scrape; values that are slow to read are cached for half a minute.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_worker.database.site_state.site_state import SiteWarnings
from edge_worker.database.worker_heartbeat import MISSED_AFTER_S, WorkerHeartbeat
from edge_worker.errors import StoreError
from edge_worker.notify import status as notify_status
from edge_worker.notify.status import NotifyStatus
from edge_worker.telemetry.heartbeat_metrics import worker_families
from history_api.models import evaluation_figures, models
from history_api.services import Services

T = TypeVar("T")
_CACHED_S: Final = 30.0
_STATES: Final = ("ready", "degraded", "offline", "stale")


class CachedValue(Generic[T]):
    """Value of a function, computed again when it is older than `_CACHED_S`."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._cached: tuple[float, T] | None = None

    def __call__(self) -> T:
        """Return the value; an exception of the function is raised, not cached."""
        cached = self._cached
        if cached is None or time.monotonic() - cached[0] >= _CACHED_S:
            cached = self._cached = (time.monotonic(), self._compute())
        return cached[1]


class SiteMetrics:
    """Collector of the metrics of one site; thread-safe."""

    def __init__(self, services: Services) -> None:
        self._history = services.history
        self._data_dir = services.settings.data_dir
        self._recordings = CachedValue(services.history.count)
        self.figures = CachedValue(lambda: evaluation_figures.document(models.cards(services.settings)))
        """Evaluation figures of the models, as a JSON document."""

    def collect(self) -> Iterator[Metric]:
        """Yield the current metrics."""
        try:
            self._history.require_ready()
            database = [
                _gauge("database_up", "Whether the database can be read", 1),
                _gauge("database_recordings", "Recordings in the database", self._recordings()),
                *_workers(self._history.heartbeats(), datetime.now(UTC)),
                *_warnings(self._history.site_warnings()),
            ]
        except StoreError:
            database = [_gauge("database_up", "Whether the database can be read", 0)]
        yield from database
        yield from self._notifications()
        yield from self._disk_space()
        yield self._model_figures()

    def _notifications(self) -> Iterator[Metric]:
        """Yield what `stetho notify` counted, where it ever ran."""
        try:
            found = notify_status.read(self._data_dir)
        except StoreError:
            found = NotifyStatus(was_set_up=True)
        if not found.was_set_up:
            return
        yield _gauge("notify_up", "Whether notifications run", found.is_running)
        yield _gauge("notify_waiting", "Messages that wait for their receivers", sum(found.waiting.values()))
        messages = CounterMetricFamily(
            "stetho_notify_messages", "Messages and what came of them", labels=("outcome",)
        )
        for outcome, count in found.counters.items():
            messages.add_metric((outcome,), count)
        yield messages

    def _disk_space(self) -> Iterator[Metric]:
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError:  # no worker has created the directory yet
            return
        yield _gauge("data_free_bytes", "Free bytes where the data directory lies", usage.free)
        yield _gauge("data_size_bytes", "Bytes in all where the data directory lies", usage.total)

    def _model_figures(self) -> Metric:
        labels = ("model", "version", "figure")
        family = GaugeMetricFamily(
            "stetho_model_figure", "On recordings that training did not use", labels=labels
        )
        for model, values in self.figures()["models"].items():
            for name in evaluation_figures.NAMES:
                if values[name] is not None:
                    family.add_metric((model, values["version"] or "", name), values[name])
        return family


def _workers(heartbeats: Sequence[WorkerHeartbeat], now: datetime) -> Iterator[Metric]:
    documents: dict[str, dict[str, Any]] = {}
    states = Counter(dict.fromkeys(_STATES, 0))
    for heartbeat in heartbeats:
        document = heartbeat.document | {"heartbeat_age_s": heartbeat.age_s(now)}
        state = str(document.get("state")) if heartbeat.is_fresh(now) else "stale"
        if state in ("offline", "stale"):
            document.pop("shards", None)  # others have them by now
        documents[heartbeat.worker_id] = document
        states[state] += 1
    stale = f"Workers by state; stale: none for {MISSED_AFTER_S:g} s"
    workers = GaugeMetricFamily("stetho_workers", stale, labels=("state",))
    for state, count in states.items():
        workers.add_metric((state,), count)
    yield workers
    yield from worker_families(documents)


def _warnings(warnings: SiteWarnings) -> Iterator[Metric]:
    yield _gauge("clock_believed", "Whether the clock of the site is believed", not warnings.clock)
    is_waiting = bool(warnings.retention or warnings.room)
    yield _gauge("retention_waiting", "Whether old recordings wait for a person to be deleted", is_waiting)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"stetho_{name}", documentation, value)
