"""Retry of actions that disk or database refuse."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from edge_worker.database.postgresql.reason import said
from edge_worker.database.store import StoreFault
from edge_worker.errors import AudioStoreError
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.turns import Turns

_LOG = logging.getLogger(__name__)
_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StorageFault:
    """Disk or database refuse; an empty text: they work again."""

    text: str
    source: str = "analysis"
    """What is refused; each has a fault of its own."""


class StorageRetry:
    """Repeats an action, with growing pauses, until disk and database accept it."""

    def __init__(
        self,
        report: Callable[[StorageFault], None],
        stopping: threading.Event,
        mend: Callable[[Exception], None] = lambda _error: None,
        *,
        source: str = "analysis",
    ) -> None:
        """Report each refusal, and the first success after one; give up once `stopping` is set.

        `mend` is called with each error, to repair what another try would find as it is. `source` names the
        caller: each has a fault of its own.
        """
        self.report = report
        self.turns = Turns(f"recording-{source}")
        """Each try is one: a thread that disk or database refuse does not hang."""
        self._source = source
        self._stopping = stopping
        self._mend = mend
        self.while_waiting: Callable[[], None] = lambda: None
        """Called between two tries of a store of sounds: the database works meanwhile."""

    def call(
        self, action: Callable[[], T], passing: tuple[type[Exception], ...] = (OSError, *StoreFault)
    ) -> T | None:
        """Return what `action` returns; None when stopped before it worked. `passing` errors are retried."""
        attempt = 0
        while True:
            self.turns.take()
            try:
                outcome = action()
            except passing as error:
                problem = said(error)
                _LOG.error(line("storage_refuses", error=problem, attempt=attempt))
                self.report(StorageFault(problem, self._source))
                self._try_to_mend(error)
                if isinstance(error, AudioStoreError):
                    self.while_waiting()
                if self._stopping.wait(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)]):
                    return None
                attempt += 1
            else:
                if attempt:
                    self.report(StorageFault("", self._source))
                return outcome

    def _try_to_mend(self, error: Exception) -> None:
        self.turns.pause()  # a large database is repaired for long
        try:
            self._mend(error)
        except (OSError, *StoreFault) as refused:
            _LOG.error(line("not_repaired", error=said(refused)))
