"""Status of a worker: the state message on its own topic, and the common part of its heartbeat."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal

from edge_worker import __version__
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.errors import ModelError
from edge_worker.inference.interpreter import runtime_name
from edge_worker.protocol import strict_json
from edge_worker.protocol.timestamp import rfc3339

_MAX_REASON: Final = 500
"""Characters of the reason of `degraded`."""
State = Literal["ready", "degraded", "offline"]


class WorkerStatus:
    """Facts of this process, and the storage faults that degrade it.

    Faults are set on the network thread; `document` may be called on any thread.
    """

    def __init__(self, models: Iterable[str], refused: dict[str, ModelError]) -> None:
        """`refused`: why models, or versions of them, are not in use; it may change meanwhile."""
        self._refused = refused
        self.facts = {"models": list(models), "runtime": runtime_name(), "version": __version__}
        self._started_at = rfc3339(datetime.now(UTC))
        self._faults: dict[str, str] = {}
        self.is_stopping = False
        """Set when the process ends in order: it is offline from then on."""

    @property
    def is_degraded(self) -> bool:
        """Whether disk or database refuse something."""
        return bool(self._faults)

    def set_fault(self, source: str, text: str) -> bool:
        """Set the fault of `source`, or clear it with an empty text; return whether anything changed."""
        if text == self._faults.get(source, ""):
            return False
        # Replaced as a whole: other threads read it.
        others = {key: value for key, value in self._faults.items() if key != source}
        self._faults = others | ({source: text} if text else {})
        return True

    def message(self, state: State) -> str:
        """Return the JSON that is published on the worker's topic."""
        faults = "; ".join(dict.fromkeys(self._faults.values()))[:_MAX_REASON]  # several meet the same
        reason = {"reason": faults} if state == "degraded" else {}
        return strict_json.write({"state": state, **self.facts, **reason})

    def state(self, *, is_connected: bool) -> State:
        """Return the state of this moment; a worker without a broker is offline."""
        if not is_connected or self.is_stopping:
            return "offline"
        return "degraded" if self._faults else "ready"

    def document(self, *, is_connected: bool) -> dict[str, Any]:
        """Return state, facts and process of this worker, as its heartbeat holds them."""
        clock = ClockReading.now().to_document()
        process = {"pid": os.getpid(), "started_at": self._started_at, "clock": clock}
        faults = {"faults": list(self._faults.values())} if self._faults else {}
        refused = {model: str(error) for model, error in self._refused.copy().items()}
        return {
            "state": self.state(is_connected=is_connected),
            **faults,
            **self.facts,
            "refused_models": refused,
            **process,
        }
