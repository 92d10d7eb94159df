"""What Prometheus sees of a site through its history API: database, workers, room, what the models reached.

Read at every scrape; what would cost more than a moment is remembered for half a minute.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric

from edge_worker.database.history import WorkerHeartbeat
from edge_worker.errors import StoreError
from edge_worker.telemetry import metrics
from history_api.models import evaluation_figures, models
from history_api.monitoring.health import STALE
from history_api.services import Services

T = TypeVar("T")
_REMEMBERED_S: Final = 30.0
_STATES: Final = ("ready", "degraded", "offline", "stale")


class Remembered(Generic[T]):
    """What `make` returned, at most `_REMEMBERED_S` ago."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[float, T] | None = None

    def __call__(self) -> T:
        """Return it; whatever `make` raises is raised, and not remembered."""
        made = self._made
        if made is None or time.monotonic() - made[0] >= _REMEMBERED_S:
            made = self._made = (time.monotonic(), self._make())
        return made[1]


class SiteMetrics:
    """The metrics of one site. Safe from any thread."""

    def __init__(self, services: Services) -> None:
        self._history = services.history
        self._data_dir = services.settings.data_dir
        self._recordings = Remembered(services.history.count)
        self.figures = Remembered(lambda: evaluation_figures.document(models.cards(services.settings)))
        """What each model reached, as a JSON document."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this moment."""
        try:
            self._history.require_ready()
            found = [
                _gauge("database_up", "Whether the database can be read", 1),
                _gauge("database_recordings", "Recordings in the database", self._recordings()),
                *_workers(self._history.heartbeats(), datetime.now(UTC)),
            ]
        except StoreError:
            found = [_gauge("database_up", "Whether the database can be read", 0)]
        yield from found
        yield from self._room()
        yield self._reached()

    def _room(self) -> Iterator[Metric]:
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError:  # no worker made it yet
            return
        yield _gauge("data_free_bytes", "Free bytes where the data directory lies", usage.free)
        yield _gauge("data_size_bytes", "Bytes in all where the data directory lies", usage.total)

    def _reached(self) -> Metric:
        labels = ("model", "version", "figure")
        reached = GaugeMetricFamily("stetho_model_figure", "On recordings never heard", labels=labels)
        for model, said in self.figures()["models"].items():
            for name in evaluation_figures.NAMES:
                if said[name] is not None:
                    reached.add_metric((model, said["version"] or "", name), said[name])
        return reached


def _workers(beats: Sequence[WorkerHeartbeat], now: datetime) -> Iterator[Metric]:
    documents: dict[str, dict[str, Any]] = {}
    states = Counter(dict.fromkeys(_STATES, 0))
    for beat in beats:
        age = now - datetime.fromisoformat(beat.seen_at)
        documents[beat.worker_id] = beat.document | {"heartbeat_age_s": age.total_seconds()}
        states["stale" if age >= STALE else str(beat.document.get("state"))] += 1
    workers = GaugeMetricFamily("stetho_workers", "Workers by state; stale: none for 30 s", labels=("state",))
    for state, count in states.items():
        workers.add_metric((state,), count)
    yield workers
    yield from metrics.worker_families(documents)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"stetho_{name}", meaning, value)
