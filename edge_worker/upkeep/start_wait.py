"""Start of a worker whose data directory cannot be written: it waits, and says so at the broker meanwhile."""

import logging
import threading
from typing import Final

from edge_worker.directory_lock import is_locked
from edge_worker.errors import SettingsError, StethoError
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep import broker_probe
from edge_worker.upkeep.data_directory import LOCK, write_problem

_LOG = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 1.0
_SAY_EVERY: Final = 5
"""Looks between two announcements: the history API may have written meanwhile that it misses this worker."""
_MOST_LOOKS: Final = 45
"""Then the start fails, for whoever made it by hand; a supervisor makes the next one."""


def wait_until_writable(settings: Settings, stopping: threading.Event) -> None:
    """Return as soon as the data directory can be written, or the worker is to stop.

    A directory that is not there, or in which another worker works, is not waited for.

    Raises:
        SettingsError: it could not be written for three quarters of a minute.
    """
    looks = 0
    while not stopping.is_set() and (problem := _problem(settings)):
        if looks % _SAY_EVERY == 0:
            _LOG.error(line("start_waits", reason=problem))
            announce(settings, "degraded", problem)
        looks += 1
        if looks > _MOST_LOOKS:
            raise SettingsError(problem)
        stopping.wait(_LOOK_EVERY_S)


def announce(settings: Settings, state: str, reason: str) -> None:
    """Publish the state of this worker, with its reason; as far as that is possible now."""
    try:
        broker_probe.publish_state(settings, {"state": state, "reason": reason})
    except StethoError as error:
        _LOG.info(line("not_announced", reason=error))


def _problem(settings: Settings) -> str:
    path = settings.data_dir
    return write_problem(path) if path.is_dir() and not is_locked(path / LOCK) else ""
