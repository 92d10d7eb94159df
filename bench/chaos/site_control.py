"""Site under attack: broker, worker and API, restarted when they end, as systemd or Docker would."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.machine import peak_rss_mb
from edge_worker.errors import StethoError
from simulator.site.process import Process
from simulator.site.site import Site

SETTINGS: Final = {"STETHO_GIVE_UP_S": "60"}
_LOOK_EVERY_S: Final = 0.2
_RESTART_AFTER_S: Final = 0.5


class SiteControl:
    """A site with a worker that is watched. A context manager."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.site = Site(directory, {**SETTINGS, **(settings or {})})
        self.data_dir = self.site.data_dir
        self.ends = 0
        """How often the worker ended by itself."""
        self.peak_mb = 0.0
        """Largest memory of the worker, MiB."""
        self._lock = threading.RLock()
        self._is_watched, self._is_over = True, threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher")
        self.worker: Process | None = None

    def __enter__(self) -> Self:
        self.site.__enter__()
        self.worker = self.site.start_worker()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._watcher.join()
        self.site.__exit__(kind, error, trace)

    def kill_worker(self) -> None:
        """End the worker with SIGKILL and start it again."""
        with self._lock:
            self.stop_worker()
            self.start_worker()

    def stop_worker(self) -> None:
        """End the worker with SIGKILL; it stays away until `start_worker`."""
        with self._lock:
            self._is_watched = False
            if self.worker is not None:
                self.worker.kill()

    def start_worker(self) -> None:
        """Start the worker and watch it."""
        with self._lock:
            self.worker = self.site.start_worker(wait=False)
            self._is_watched = True

    def kill_broker(self, away_s: float = 0.0) -> None:
        """End the broker with SIGKILL and start it again."""
        self.site.broker.kill()
        time.sleep(away_s)
        self.site.broker.start()

    def is_ready(self, within_s: float = 30.0) -> bool:
        """Return whether the worker that runs now says that it is ready."""
        with self._lock:
            worker = self.worker
        try:
            return worker is not None and bool(worker.wait_for("event=ready", within_s))
        except StethoError:
            return False

    def _watch(self) -> None:
        while not self._is_over.wait(_LOOK_EVERY_S):
            with self._lock:
                if not self._is_watched or self.worker is None:
                    continue
                has_ended = self.worker.has_ended
                if not has_ended:
                    self._measure(self.worker)
                    continue
                self.ends += 1
                time.sleep(_RESTART_AFTER_S)
                self.worker = self.site.start_worker(wait=False)

    def _measure(self, worker: Process) -> None:
        try:
            self.peak_mb = max(self.peak_mb, peak_rss_mb(worker.pid))
        except (OSError, RuntimeError):
            return  # it ended meanwhile
