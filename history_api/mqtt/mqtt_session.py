"""MQTT session of the history API: publishes uploads and commands, and receives live messages.

One thread drives the connection, as in the worker. Without an account (`STETHO_API_MQTT_PASSWORD_FILE`) there
is no session: history is served, uploads are refused with what to do.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from edge_worker.errors import BrokerError
from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import topics
from edge_worker.protocol.strict_json import JsonError
from edge_worker.telemetry.logfmt import line
from history_api.mqtt import bus_message
from history_api.mqtt.bus_message import BROKER, BusMessage
from history_api.mqtt.command_exchange import CommandExchange, SentCommand
from history_api.mqtt.upload_publisher import UploadPublisher
from history_api.mqtt.upload_queue import UploadQueue
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_RETRY_REFUSED_S: Final = 15.0
_RETRY_FAILED_S: Final = 1.0
_STOP_WITHIN_S: Final = 2.0
_FIRST_WITHIN_S: Final = 5.0
"""Time after the start in which uploads wait for the broker; later they are refused without it."""
_RETAINED_WITHIN_S: Final = 1.0
"""Time after a connection in which retained messages may still arrive."""
_POLL_S: Final = 0.02
_LOG_EVERY_S: Final = 10.0
"""Between two lines about refused messages of one kind; all are counted."""
_STATISTICS: Final = (
    "publish/messages/dropped",
    "clients/connected",
    "messages/stored",
    "store/messages/bytes",
)
"""Topics below `BROKER` on which Mosquitto publishes its own statistics every ten seconds."""
_TOPICS: Final = (
    topics.ALL_STATES,
    topics.ALL_INFOS,
    topics.ALL_TELEMETRY,
    topics.ALL_ANSWERS,
    topics.ALL_CONTROLS,
    topics.ALL_LIVE,
    topics.ALL_RESULTS,
    topics.ALL_EXAMS,
    topics.ALL_WORKERS,
)
Listener = Callable[[BusMessage], None]
"""Called with each message that is as the protocol has it; with `LOST` when the connection is lost."""
Document = dict[str, Any]


class MqttSession:
    """The API's client at the broker, and what it knows of workers and devices from their messages.

    All methods but the `on_` ones, which the connection calls, may be called from any thread.
    """

    def __init__(self, settings: ApiSettings) -> None:
        account = replace(
            settings,
            mqtt_username=settings.api_mqtt_username,
            mqtt_password=settings.api_password,
            mqtt_password_file=None,
        )
        self.workers: dict[str, Document] = {}
        """The last state of each worker, by its id; empty while there is no connection."""
        self.devices: dict[str, Document] = {}
        """The last state of each device, by its id, with its last `info` and `telemetry`."""
        self.connection_error = ""
        """Why the broker refuses the connection; empty where it does not, or that is not known."""
        self.refused: Counter[str] = Counter()
        """Messages that are not as the protocol has them, by the last level of their topic."""
        self._refusal_logged_at: dict[str, float] = {}
        self.uploads = UploadQueue()
        self.commands = CommandExchange()
        self._spool = settings.data_dir / "uploads"
        self._listeners: dict[Listener, bool] = {}
        """True for those that receive sound, too."""
        self._retained: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        """To be published by our thread: two that write at once would tear each other's packets."""
        self._wait_until = 0.0
        """Until then a ready worker may still be reported by the broker."""
        self._is_stopping = False
        self._receives_sound = False
        self._sound = topics.ALL_SHARD_PCM if settings.broker == "nats" else topics.ALL_PCM
        # NATS has no such topics, and each subscription costs its nodes something.
        statistics = [] if settings.broker == "nats" else [f"{BROKER}/{name}" for name in _STATISTICS]
        self._connection = Connection(account, [*_TOPICS, *statistics], None, self, is_persistent=False)
        self._connection.is_prompt = True  # somebody may look on
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Resume the uploads that an earlier process left, and connect."""
        for publisher in UploadPublisher.recover(self._spool):
            self.send(publisher)
        self._wait_until = time.monotonic() + _FIRST_WITHIN_S
        self._thread.start()

    def stop(self) -> None:
        """End the connection; the next process resumes uploads that were not stored."""
        self._is_stopping = True
        self._connection.wake()
        if self._thread.is_alive():
            self._thread.join(_STOP_WITHIN_S)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._connection.is_connected

    @property
    def account_fault(self) -> str:
        """What is wrong when another program uses the API's account, too; empty where none does."""
        return self._connection.account_fault

    @property
    def has_ready_worker(self) -> bool:
        """Whether a worker reports that it is ready."""
        return self.is_connected and any(each.get("state") == "ready" for each in self.workers.values())

    def wait_for_worker(self) -> bool:
        """Return whether a worker is ready; just after a start or a connection, wait until that is known."""
        while not self.has_ready_worker and time.monotonic() < self._wait_until:
            time.sleep(_POLL_S)
        return self.has_ready_worker

    def send(self, publisher: UploadPublisher) -> None:
        """Publish an upload, until the worker has stored it."""
        self.uploads.add(publisher)
        self._connection.wake()

    def command(self, sent: SentCommand, within_s: float, *, with_expiry: bool) -> None:
        """Send a command to a device, and wait for its answer."""
        self.commands.ask(sent, self._connection.wake, within_s, with_expiry=with_expiry)

    def publish_retained(self, topic: str, payload: bytes) -> None:
        """Publish `payload` as the retained message of `topic`; an empty one removes it.

        Raises:
            PayloadError: MQTT has no such topic.
        """
        topics.require_publishable(topic)
        self._retained.put((topic, payload))
        self._connection.wake()

    def clear_retained(self, device_id: str) -> None:
        """Remove all retained messages about a device, its discovery by Home Assistant included."""
        for topic_of in (topics.home_assistant, topics.device_result, topics.sounds):
            self.publish_retained(topic_of(device_id), b"")

    def add_listener(self, listener: Listener, *, to_sound: bool = False) -> None:
        """Call `listener`, which must be quick, with each message on our thread; sound only `to_sound`."""
        self._listeners[listener] = to_sound
        self._connection.wake()

    def remove_listener(self, listener: Listener) -> None:
        """Call `listener` no more."""
        self._listeners.pop(listener, None)
        self._connection.wake()

    # --- called by the connection, on our thread ----------------------------------------------------

    def on_connected(self) -> None:
        """Begin a new connection; uploads go on."""
        self.connection_error = ""
        self._wait_until = time.monotonic() + _RETAINED_WITHIN_S
        self.uploads.on_connected()

    def on_disconnected(self) -> None:
        """Forget the workers, whose state is unknown now, and call the listeners with `LOST`."""
        self.workers.clear()
        self.commands.on_disconnected()
        self._notify(bus_message.LOST)

    def on_message(self, message: Inbound) -> None:
        """Take one message; one that is not as the protocol has it is counted and changes nothing."""
        self._connection.ack(message)
        kind = _kind(message.topic)
        try:
            known = bus_message.read(message.topic, message.payload)
            if known is not None:
                self._take(known)
                self._notify(known)
        except JsonError as error:
            if self._count_refused(kind):
                _LOG.info(line("message_refused", topic=message.topic, reason=error))
        except Exception:  # one message that meets a fault of ours does not end the session
            if self._count_refused(kind):
                _LOG.exception(line("message_failed", topic=message.topic))

    def on_published(self, number: int) -> None:
        """Make room for another chunk: the broker has the message of this number."""
        self.uploads.on_published(number)

    def _take(self, message: BusMessage) -> None:
        match message.kind:
            case "worker":
                self.workers[message.name] = message.document
            case "result":
                self.uploads.on_result(message.name, message.document)
            case "control":
                self.uploads.on_control(message.name, message.document)
            case "answer":
                self.commands.on_answer(message.name, message.document)
            case "state" | "info" | "telemetry":
                # A new document: requests may be reading the old one.
                self.devices[message.name] = self.devices.get(message.name, {}) | message.document

    def _count_refused(self, kind: str) -> bool:
        """Count a message; return whether to log it: whoever sends nothing else must not fill the log."""
        self.refused[kind] += 1
        now = time.monotonic()
        if now - self._refusal_logged_at.get(kind, -_LOG_EVERY_S) < _LOG_EVERY_S:
            return False
        self._refusal_logged_at[kind] = now
        return True

    def _notify(self, message: BusMessage) -> None:
        for listener in list(self._listeners):
            listener(message)

    # --- the loop of our thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                if self.is_connected:
                    self._publish_waiting()
                    self._subscribe_to_sound()
                self._connection.gathers = not (self.uploads or self.commands)  # somebody waits for those
                self._connection.loop()
            except BrokerError as error:
                self.connection_error = str(error)
                self._wait_until = 0.0
                _LOG.error(line("bus_refused", reason=self.connection_error))
                self._pause(_RETRY_REFUSED_S)
            except Exception:  # whatever it is: without this thread there is neither upload nor live data
                _LOG.exception(line("bus_failed"))
                self._pause(_RETRY_FAILED_S)
        self._connection.close(_STOP_WITHIN_S)

    def _publish_waiting(self) -> None:
        while self.is_connected and not self._retained.empty():
            topic, payload = self._retained.get()
            self._connection.publish(topic, payload, retain=True)
        self.commands.publish_due(self._connection.publish_at_most_once)
        self.uploads.publish_due(self._connection.publish, time.monotonic())

    def _subscribe_to_sound(self) -> None:
        """Subscribe to sound only while a listener wants it: it is by far the most of the traffic."""
        is_wanted = any(self._listeners.values())
        if is_wanted != self._receives_sound:
            self._receives_sound = is_wanted
            (self._connection.subscribe if is_wanted else self._connection.unsubscribe)(self._sound)

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_stopping and time.monotonic() < deadline:
            time.sleep(0.1)


def _kind(topic: str) -> str:
    """Return what messages on a topic are about: the last level of those of a device, else the third."""
    levels = topic.split("/")
    return levels[-1] if "device" in levels[:3] else "/".join(levels[2:3])
