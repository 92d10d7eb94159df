"""The API at the broker: uploads leave here as a device's would, and what happens comes in live.

One thread drives the connection, as in the worker. Without an account (`STETHO_API_MQTT_PASSWORD_FILE`) there
is no session: history is served, uploads are refused with what to do.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from edge_worker.connection import Connection, Inbound
from edge_worker.errors import BrokerError, StethoError
from edge_worker.protocol import topics
from edge_worker.telemetry.logfmt import line
from history_api.mqtt.upload_publisher import UploadPublisher
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_IN_FLIGHT: Final = 16
"""Chunks that the broker has not acknowledged: so much of an upload is in memory, at most 1 MiB."""
_REFUSED_PAUSE_S: Final = 15.0
_REFUSED_KEPT: Final = 1000
"""Uploads whose refusal can still be asked for."""
_STOP_WITHIN_S: Final = 2.0
_FIRST_WITHIN_S: Final = 5.0
"""So long after our start the broker may take to answer before an upload is refused for it."""
_RETAINED_WITHIN_S: Final = 1.0
"""So long after a connection what is retained may take to come."""
_LOOK_S: Final = 0.02
BROKER: Final = "$SYS/broker"
NUMBERS: Final = ("publish/messages/dropped", "clients/connected", "messages/stored", "store/messages/bytes")
"""What Mosquitto says of itself, every ten seconds."""
_TOPICS: Final = (
    topics.ALL_STATES,
    topics.ALL_INFOS,
    topics.ALL_TELEMETRY,
    topics.ALL_CONTROLS,
    topics.ALL_LIVE,
    topics.ALL_RESULTS,
    topics.ALL_EXAMS,
    topics.ALL_WORKERS,
    *(f"{BROKER}/{number}" for number in NUMBERS),
)
Listener = Callable[[str, bytes], None]
Document = dict[str, Any]


class MqttSession:
    """What is heard and said at the broker. Its methods may be called from any thread."""

    def __init__(self, settings: ApiSettings) -> None:
        own = replace(
            settings,
            mqtt_username=settings.api_mqtt_username,
            mqtt_password=settings.api_password,
            mqtt_password_file=None,
        )
        self.workers: dict[str, Document] = {}
        """What each worker last said of itself."""
        self.devices: dict[str, Document] = {}
        """What each device last said: its state, `info` and `telemetry`."""
        self.connection_error = ""
        """Why there is no connection, in words; empty where that is not known."""
        self._spool = settings.data_dir / "uploads"
        self._publishers: dict[tuple[str, str], UploadPublisher] = {}
        self._refused: dict[tuple[str, str], UploadPublisher] = {}
        self._listeners: dict[Listener, bool] = {}
        self._unacknowledged: set[int] = set()
        self._to_retain: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        """Published by the bus's thread: two that write at once would tear each other's packets."""
        self._patient_until = 0.0
        self._is_stopping = False
        self._hears_sound = False
        self._connection = Connection(own, list(_TOPICS), None, self, is_persistent=False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Take up the uploads that an earlier process left, and connect."""
        for publisher in UploadPublisher.found(self._spool):
            self.send(publisher)
        self._patient_until = time.monotonic() + _FIRST_WITHIN_S
        self._thread.start()

    def stop(self) -> None:
        """End the connection; uploads that were not stored are taken up by the next process."""
        self._is_stopping = True
        self._connection.wake()
        if self._thread.is_alive():
            self._thread.join(_STOP_WITHIN_S)

    @property
    def is_connected(self) -> bool:
        """Whether the broker hears us."""
        return self._connection.is_connected

    @property
    def has_ready_worker(self) -> bool:
        """Whether some worker says that it is ready."""
        return self.is_connected and any(each.get("state") == "ready" for each in self.workers.values())

    def wait_for_worker(self) -> bool:
        """Return whether some worker is ready; just started or connected, wait until that can be known."""
        while not self.has_ready_worker and time.monotonic() < self._patient_until:
            time.sleep(_LOOK_S)
        return self.has_ready_worker

    def send(self, publisher: UploadPublisher) -> None:
        """Send an upload, until the worker has stored it."""
        self._publishers[publisher.sound.device_id, publisher.sound.name] = publisher
        self._connection.wake()

    def find_upload(self, device_id: str, recording_id: str) -> UploadPublisher | None:
        """Return an upload that is under way, or was refused lately."""
        key = (device_id, recording_id)
        return self._publishers.get(key) or self._refused.get(key)

    def find_uploads(self, recording_id: str) -> list[UploadPublisher]:
        """Return the uploads of that recording id that are under way, or were refused lately."""
        known = [*self._publishers.items(), *self._refused.items()]
        return [each for key, each in known if key[1] == recording_id]

    def publish_retained(self, topic: str, payload: bytes) -> None:
        """Have the broker keep `payload` on `topic`; an empty one takes back what it keeps."""
        self._to_retain.put((topic, payload))
        self._connection.wake()

    def clear_retained(self, device_id: str) -> None:
        """Take back all that is retained of a device, its description for Home Assistant included."""
        for topic_of in (topics.home_assistant, topics.device_result, topics.sounds):
            self.publish_retained(topic_of(device_id), b"")

    def add_listener(self, listener: Listener, *, to_sound: bool = False) -> None:
        """Let `listener(topic, payload)` hear what comes; it is called on the bus's thread, and is quick."""
        self._listeners[listener] = to_sound
        self._connection.wake()

    def remove_listener(self, listener: Listener) -> None:
        """Hear no more."""
        self._listeners.pop(listener, None)
        self._connection.wake()

    # --- on the bus's thread ------------------------------------------------------------------------

    def on_connected(self) -> None:
        """Send again what may be lost."""
        self.connection_error = ""
        self._patient_until = time.monotonic() + _RETAINED_WITHIN_S
        self._unacknowledged.clear()
        # The result of what was stored may have come while nobody listened; it is in the history.
        self._publishers = {key: each for key, each in self._publishers.items() if not each.is_stored}

    def on_disconnected(self) -> None:
        """Nobody is known to be there any more; listeners hear of it as a message without a topic."""
        self.workers.clear()
        self._tell("", b"")

    def on_message(self, message: Inbound) -> None:
        """Take one message; what is not understood harms nothing."""
        self._connection.ack(message)
        if not message.topic.endswith("/up/pcm"):
            try:
                document = json.loads(message.payload or b"null")
            except (ValueError, RecursionError):
                return
            if not isinstance(document, dict):
                document = {}
            self._take(message.topic, document)
        self._tell(message.topic, message.payload)

    def _tell(self, topic: str, payload: bytes) -> None:
        for listener in list(self._listeners):
            listener(topic, payload)

    def on_published(self, mid: int) -> None:
        """Make room for another chunk."""
        self._unacknowledged.discard(mid)

    def _take(self, topic: str, document: Document) -> None:
        levels = topic.removeprefix(topics.PREFIX).split("/")[1:]
        match levels:
            case ["worker", worker]:
                self.workers[worker] = document
            case ["result", device]:
                key = (device, str(document.get("recording_id")))
                if (publisher := self._publishers.pop(key, None)) is not None:
                    publisher.finish(document)
            case ["device", device, "down", "control"]:
                self._follow(device, document)
            case ["device", device, "up", "state"]:
                self.devices.setdefault(device, {}).update(document)
            case ["device", device, "up", kind]:
                self.devices.setdefault(device, {})[kind] = document

    def _follow(self, device: str, document: Document) -> None:
        publisher = self._publishers.get((device, str(document.get("recording_id"))))
        if publisher is not None:
            publisher.take(document)
            if publisher.problem:
                key = (device, publisher.sound.name)
                self._refused[key] = self._publishers.pop(key)
                while len(self._refused) > _REFUSED_KEPT:
                    del self._refused[next(iter(self._refused))]

    def _retain(self) -> None:
        while self.is_connected and not self._to_retain.empty():
            topic, payload = self._to_retain.get()
            self._connection.publish(topic, payload, retain=True)

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                self._retain()
                self._ship()
                self._hear_sound()
                self._connection.loop()
            except BrokerError as error:
                self.connection_error = str(error)
                self._patient_until = 0.0
                _LOG.error(line("bus_refused", reason=self.connection_error))
                self._rest()
            except (StethoError, OSError, ValueError):
                _LOG.exception(line("bus_failed"))
                time.sleep(1)
        self._connection.close(_STOP_WITHIN_S)

    def _rest(self) -> None:
        deadline = time.monotonic() + _REFUSED_PAUSE_S
        while not self._is_stopping and time.monotonic() < deadline:
            time.sleep(0.1)

    def _ship(self) -> None:
        if not self.is_connected:
            return
        now = time.monotonic()
        for publisher in list(self._publishers.values()):
            while len(self._unacknowledged) < _IN_FLIGHT:
                payload = publisher.next_payload(now)
                if payload is None:
                    break
                mid = self._connection.publish(topics.pcm(publisher.sound.device_id), payload)
                self._unacknowledged.add(mid)

    def _hear_sound(self) -> None:
        """Sound is much: it is heard only while somebody listens."""
        wants = any(self._listeners.values())
        if wants != self._hears_sound and self.is_connected:
            self._hears_sound = wants
            (self._connection.subscribe if wants else self._connection.unsubscribe)(topics.ALL_PCM)
