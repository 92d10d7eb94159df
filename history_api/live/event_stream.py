"""What happens, as it happens: server-sent events (WHATWG HTML, § 9.2).

Results come from the history, in the order in which they were made, so that `Last-Event-ID` misses none; a
message at the broker only says when to look. Everything else is of the moment and is not repeated.
"""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, Response, g, request

from edge_worker.database.history import ResultPosition
from edge_worker.errors import StoreError
from edge_worker.protocol import topics
from history_api.live import waveform
from history_api.openapi.operation import UNAVAILABLE, Paths, get, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, TEXT, Schema
from history_api.services import Services, services

_HEARTBEAT_S: Final = 10.0
_LOOK_EVERY_S: Final = 1.0
"""How often the history is looked at where no broker says that something came."""
_BATCH: Final = 100
_KEPT: Final = 500
"""Events that wait for a slow reader; what is older is left out."""
_MOST_STREAMS: Final = 20
"""Each holds a thread of the server."""
_UP: Final = ("state", "info", "telemetry")
_open: Final = threading.BoundedSemaphore(_MOST_STREAMS)
blueprint = Blueprint("stream", __name__)
_LAST: Final[Schema] = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": TEXT,
    "description": "the id of the last result that was seen; those after it come first",
}
PATHS: Final[Paths] = {
    "/api/v1/stream": get(
        "results, exams, live values and states as they come (server-sent events)",
        "stream",
        {
            "200": {
                "description": "Events `result`, `exam`, `device`, `worker`, `live`, `sound`, `heartbeat`.",
                "content": {"text/event-stream": {"schema": TEXT}},
            }
        }
        | UNAVAILABLE,
        (
            query("device", DEVICE, "only of this device, 1 to 32 of a-z, 0-9 and -"),
            query("last", TEXT, "as Last-Event-ID, for clients that cannot set it"),
            query(
                "seconds",
                {"type": "integer", "minimum": 1, "maximum": 86400},
                "how long the stream lasts; default: until somebody ends it",
            ),
            _LAST,
        ),
    )
}


@blueprint.get("/api/v1/stream")
def stream() -> Response:
    """Answer events until the reader goes."""
    last = request.headers.get("Last-Event-ID") or g.query["last"]
    moment = services().history.last_position() if last is None else _moment(last)
    if not _open.acquire(blocking=False):
        raise ProblemError(503, f"{_MOST_STREAMS} streams are open; close one", {"Retry-After": "10"})
    reader = _Reader(services(), moment, g.query["device"], g.query["seconds"])
    response = Response(reader.events(), mimetype="text/event-stream")
    response.call_on_close(reader.close)
    response.headers["X-Accel-Buffering"] = "no"
    return response


class _Reader:
    """One stream: the bus's thread puts in, the server's thread takes out."""

    def __init__(
        self, services: Services, moment: ResultPosition, device: str | None, seconds: int | None
    ) -> None:
        self._history, self._mqtt = services.history, services.mqtt_session
        self._moment, self._device = moment, device
        self._ends_at = float("inf") if seconds is None else time.monotonic() + seconds
        self._waiting: queue.Queue[tuple[str, Any]] = queue.Queue(_KEPT)
        self._is_open = True
        if self._mqtt is not None:
            self._mqtt.add_listener(self._hear, to_sound=True)

    def close(self) -> None:
        """Hear no more; whoever reads next ends."""
        if self._is_open:
            self._is_open = False
            if self._mqtt is not None:
                self._mqtt.remove_listener(self._hear)
            _open.release()

    def events(self) -> Iterator[str]:
        """Yield events as text."""
        try:
            yield "retry: 3000\n\n"
            yield from self._known()
            yield from self._results()
            looked_at = beaten_at = time.monotonic()
            while self._is_open and time.monotonic() < self._ends_at:
                kind, document = self._next()
                now = time.monotonic()
                if kind == "result" or now - looked_at >= _LOOK_EVERY_S:
                    looked_at = now
                    yield from self._results()
                if kind not in ("result", ""):
                    yield _event(kind, document)
                if now - beaten_at >= _HEARTBEAT_S:
                    beaten_at = now
                    yield _event(
                        "heartbeat",
                        {"connected": self._mqtt is not None and self._mqtt.is_connected},
                    )
        finally:
            self.close()

    def _next(self) -> tuple[str, Any]:
        try:
            return self._waiting.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            return "", None

    def _known(self) -> Iterator[str]:
        """Yield what is known of workers and devices: the stream begins with a whole picture."""
        if self._mqtt is None:
            return
        for name, document in sorted(self._mqtt.workers.items()):
            yield _event("worker", {"worker_id": name, **document})
        for name, document in sorted(self._mqtt.devices.items()):
            if self._device in (None, name):
                yield _event("device", {"device_id": name, **document})

    def _results(self) -> Iterator[str]:
        while True:
            try:
                found = self._history.results_after(self._moment, _BATCH, self._device)
            except StoreError:
                return  # it is looked for again in a second
            for moment, document in found:
                self._moment = moment
                yield f"id: {moment.analysed_at}/{moment.row}\nevent: result\ndata: {document}\n\n"
            if len(found) < _BATCH:
                return

    def _hear(self, topic: str, payload: bytes) -> None:
        event = _heard(topic, payload)
        if event is None or (
            self._device is not None and event[1].get("device_id") not in (None, self._device)
        ):
            return
        if self._waiting.full():  # only this thread puts in, so then there is room
            with contextlib.suppress(queue.Empty):
                self._waiting.get_nowait()
        self._waiting.put_nowait(event)


def _heard(topic: str, payload: bytes) -> tuple[str, dict[str, Any]] | None:
    """Return the event that a message is, if it is one."""
    event: tuple[str, dict[str, Any]] | None = None
    match topic.removeprefix(topics.PREFIX).split("/")[1:]:
        case ["result", device]:
            event = "result", {"device_id": device}
        case ["exam", device, _]:
            event = "exam", {"device_id": device, **_object(payload)}
        case ["worker", worker]:
            event = "worker", {"worker_id": worker, **_object(payload)}
        case ["device", device, "down", "live"]:
            event = "live", {"device_id": device, **_object(payload)}
        case ["device", device, "up", "pcm"]:
            sound = waveform.peaks(payload)
            event = None if sound is None else ("sound", {"device_id": device, **sound})
        case ["device", device, "up", kind] if kind in _UP:
            said = _object(payload)
            event = "device", {"device_id": device, **(said if kind == "state" else {kind: said})}
    return event


def _object(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _event(kind: str, document: Any) -> str:  # noqa: ANN401 - JSON
    return f"event: {kind}\ndata: {json.dumps(document)}\n\n"


def _moment(text: str) -> ResultPosition:
    analysed_at, _, row = text.rpartition("/")
    if not (row.isascii() and row.isdigit() and len(row) < 19):  # noqa: PLR2004 - digits of a 63-bit number
        raise ProblemError(
            400,
            f"{text!r} is no id of an event; read /api/v1/results and begin without one",
            parameter="last",
        )
    return ResultPosition(analysed_at, int(row))
