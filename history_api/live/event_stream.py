"""Event stream: server-sent events of everything that happens at a site, as it happens.

Results come from the history, by the numbers that they get when they are made, so that `Last-Event-ID` misses
none, whatever the clock does; an MQTT message only triggers a query. All other events are of the moment and
are not repeated.
"""

import time
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, g, request

from edge_worker.database.history import History
from edge_worker.errors import StoreError
from history_api.live.event import Event, event_of
from history_api.live.event_backlog import EventBacklog
from history_api.mqtt.bus_message import BusMessage
from history_api.openapi.operation import UNAVAILABLE, Paths, get, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, TEXT, Schema
from history_api.services import Services, services

_HEARTBEAT_S: Final = 10.0
_POLL_S: Final = 1.0
"""How often the history is queried even if no MQTT message announces a result."""
_BATCH: Final = 100
blueprint = Blueprint("stream", __name__)
_LAST_EVENT_ID: Final[Schema] = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": TEXT,
    "description": "the id of the last result that was received; those after it come first",
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
                "how long the stream lasts; default: until the client ends it",
            ),
            _LAST_EVENT_ID,
        ),
    )
}


@blueprint.get("/api/v1/stream")
def stream() -> Response:
    """Answer events until the client ends the stream."""
    last = request.headers.get("Last-Event-ID") or g.query["last"]
    number = _last_number(services().history, last)
    events = _EventStream(services(), number, g.query["device"], g.query["seconds"])
    response = Response(events.encoded(), mimetype="text/event-stream")
    response.call_on_close(events.close)
    response.headers["X-Accel-Buffering"] = "no"
    return response


class _EventStream:
    """One open stream: the thread of the MQTT session adds events, a thread of the server sends them."""

    def __init__(self, services: Services, number: int, device: str | None, seconds: int | None) -> None:
        self._history, self._session = services.history, services.mqtt_session
        self._number, self._device = number, device
        self._ends_at = float("inf") if seconds is None else time.monotonic() + seconds
        self._waiting = EventBacklog()
        self._is_open = True
        if self._session is not None:
            self._session.add_listener(self._on_message, to_sound=True)

    def close(self) -> None:
        """End the stream; closing twice does no harm."""
        if self._is_open:
            self._is_open = False
            if self._session is not None:
                self._session.remove_listener(self._on_message)

    def encoded(self) -> Iterator[str]:
        """Yield the events as text."""
        try:
            yield "retry: 3000\n\n"
            yield from self._current_states()
            yield from self._new_results()
            queried_at = beaten_at = time.monotonic()
            while self._is_open and time.monotonic() < self._ends_at:
                event = self._waiting.get(_POLL_S)
                if event is None:
                    yield ""  # the server looks whether the client is still there
                is_result = event is not None and event.kind == "result"
                now = time.monotonic()
                if is_result or now - queried_at >= _POLL_S:
                    queried_at = now
                    yield from self._new_results()
                if event is not None and not is_result:
                    yield event.text
                if now - beaten_at >= _HEARTBEAT_S:
                    beaten_at = now
                    is_connected = self._session is not None and self._session.is_connected
                    yield Event("heartbeat", {"connected": is_connected}).encode()
        finally:
            self.close()

    def _current_states(self) -> Iterator[str]:
        """Yield the last states of workers and devices: a stream begins with the whole picture."""
        if self._session is None:
            return
        for _, document in sorted(self._session.workers.items()):
            yield Event("worker", document).encode()
        for device, document in sorted(self._session.devices.items()):
            if self._device in (None, device):
                yield Event("device", document).encode()

    def _new_results(self) -> Iterator[str]:
        while True:
            try:
                results = self._history.results_after(self._number, _BATCH, self._device)
            except StoreError:
                return  # the next query is a second away
            for number, document in results:
                self._number = number
                yield f"id: {number}\nevent: result\ndata: {document}\n\n"
            if len(results) < _BATCH:
                return

    def _on_message(self, message: BusMessage) -> None:
        if self._device is not None and message.document.get("device_id") not in (None, self._device):
            return
        event = event_of(message)
        if event is not None:
            self._waiting.put(event)


def _last_number(history: History, event_id: str | None) -> int:
    """Return the number of the last result that a client knows; without an id it knows all.

    A number above all others is of another database: its client knows none of this one's, and gets what is
    new from now on. Ids of earlier versions end with the row of the recording.
    """
    newest = history.last_result_number()
    if event_id is None:
        return newest
    number = _digits(event_id.rpartition("/")[2], event_id)
    if "/" in event_id:
        of_row = history.result_number_of_row(number)
        return newest if of_row is None else of_row
    return min(number, newest)


def _digits(text: str, event_id: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - digits of a 63-bit number
        raise ProblemError(
            400,
            f"{event_id!r} is no id of an event; read /api/v1/results and begin without one",
            parameter="last",
        )
    return int(text)
