"""The connection to the broker; the only door to paho.

The loop is our own, on the main thread: an exception in a callback would end paho's network thread while
`is_connected()` stays true. Here it ends the process, and the broker delivers again what was not
acknowledged.
"""

import contextlib
import logging
import random
import select
import socket
import ssl
import time
from typing import Final, NamedTuple, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge_worker.errors import BrokerError, SettingsError
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_TICK_S: Final = 0.1
_KEEPALIVE_S: Final = 30
_SHORTEST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 15.0
_MAX_IN_FLIGHT: Final = 1000
_AT_ONCE: Final = 16
"""Messages that are read before we look at anything else: in a flood that costs as much as reading one."""
_REFUSALS: Final = {4, 5, 134, 135}
"""CONNACK codes of MQTT 3.1.1 and 5 for a wrong password and a missing permission."""


class Inbound(NamedTuple):
    """A received message."""

    topic: str
    payload: bytes
    retain: bool
    mid: int


class Listener(Protocol):
    """What a connection tells its owner, always on the thread that calls `loop`."""

    def on_connected(self) -> None:
        """Every time the broker has accepted us."""

    def on_disconnected(self) -> None:
        """The connection is gone; what was not acknowledged comes again with the next one."""

    def on_message(self, message: Inbound) -> None:
        """A message came; `ack` it when it may be forgotten by the broker."""

    def on_published(self, mid: int) -> None:
        """The broker has what `publish` returned `mid` for."""


class Connection:
    """A session at the broker, driven by calls of `loop` from one thread."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: list[str],
        will: tuple[str, str] | None,
        listener: Listener,
        *,
        is_persistent: bool = True,
    ) -> None:
        """Prepare a connection that subscribes to `subscriptions` at QoS 1 and leaves `will`.

        `will` is a topic and a payload. Not persistent: what comes while we are away is not kept for us.
        """
        self._settings = settings
        self._subscriptions = [(topic, 1) for topic in subscriptions]
        self._listener = listener
        self._pause_s = _SHORTEST_PAUSE_S
        self._try_at = 0.0
        self._received = 0
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._client = self._make_client(will, is_persistent=is_persistent)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us and nothing said otherwise since."""
        return self._client.is_connected()

    def loop(self) -> bool:
        """Wait at most a tick for something to do, and do it; when disconnected, try to connect once.

        Returns True when we are connected and nothing had come: whoever is silent now is silent.

        Raises:
            BrokerError: the broker refuses our name or password, or we do not trust its certificate.
        """
        if self._client.socket() is None and not self._try_to_connect():
            self._rest()
            return False
        return not self._wait(_TICK_S) and self.is_connected

    def wake(self) -> None:
        """Make a `loop` that waits return at once; safe from any thread and from signal handlers."""
        with contextlib.suppress(BlockingIOError):  # it has reasons enough to wake up already
            self._wake_in.send(b"\0")

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> int:
        """Queue a message at QoS 1; return the id that `on_published` will name."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def publish_at_most_once(self, topic: str, payload: bytes) -> None:
        """Send a message at QoS 0: of the moment, and worth nothing to who is not there now."""
        if self.is_connected:
            self._client.publish(topic, payload, qos=0)

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits to be read now: what was sent to us a while ago has been taken."""
        connection = self._client.socket()
        if connection is None or not self.is_connected:
            return False
        pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        return not pending and not select.select([connection], [], [], 0)[0]

    def subscribe(self, topic: str) -> None:
        """Hear `topic` from now on, also after the connection was lost."""
        self._subscriptions.append((topic, 1))
        self._client.subscribe(topic, 1)

    def unsubscribe(self, topic: str) -> None:
        """Hear `topic` no longer."""
        self._subscriptions.remove((topic, 1))
        self._client.unsubscribe(topic)

    def ack(self, message: Inbound) -> None:
        """Tell the broker that it may forget `message`."""
        if message.mid:  # of QoS 0 it has forgotten it already, and who acknowledges that is thrown out
            self._client.ack(message.mid, 1)

    def close(self, within_s: float) -> None:
        """Send what is queued, as far as that works within `within_s` seconds, and disconnect."""
        deadline = time.monotonic() + within_s
        while self.is_connected and self._client.want_write() and time.monotonic() < deadline:
            self._wait(_TICK_S)
        self._client.disconnect()

    def _try_to_connect(self) -> bool:
        """Connect unless it is too early to try again; return whether there is a socket now."""
        now = time.monotonic()
        if now < self._try_at:
            return False
        self._try_at = now + self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s)
        try:
            self._client.connect(self._settings.mqtt_host, self._settings.mqtt_port, _KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            problem = f"the broker's certificate is not trusted ({error.verify_message})"
            raise BrokerError(f"{problem}; check STETHO_MQTT_CA_FILE") from error
        except OSError as error:
            _LOG.warning(line("broker_unreachable", error=error))
            return False
        return True

    def _rest(self) -> None:
        if select.select([self._wake_out], [], [], _TICK_S)[0]:
            self._wake_out.recv(4096)

    def _wait(self, timeout_s: float) -> bool:
        """Serve the socket once; return whether something had come."""
        connection = self._client.socket()
        if connection is None:
            return False
        # TLS may hold decrypted bytes that select does not see.
        pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        writers = [connection] if self._client.want_write() else []
        readers = [connection, self._wake_out]
        readable, writable, _ = select.select(readers, writers, [], 0 if pending else timeout_s)
        if self._wake_out in readable:
            self._wake_out.recv(4096)
        has_come = pending or connection in readable
        if has_come:
            self._read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()
        return has_come

    def _read(self) -> None:
        """Take what has come; paho takes one packet at a time."""
        for _ in range(_AT_ONCE):
            received = self._received
            self._client.loop_read()
            if self._received == received or self._client.socket() is None:
                return  # what is left of it comes later, or was no message

    def _make_client(self, will: tuple[str, str] | None, *, is_persistent: bool) -> mqtt.Client:
        name = self._settings.mqtt_username
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=not is_persistent, manual_ack=True
        )
        client.username_pw_set(name, self._settings.password)
        self._use_tls(client)
        client.max_inflight_messages_set(_MAX_IN_FLIGHT)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = lambda _client, _data, mid, *_rest: self._listener.on_published(mid)
        return client

    def _use_tls(self, client: mqtt.Client) -> None:
        ca_file = self._settings.mqtt_ca_file
        if ca_file is None:
            return
        try:
            client.tls_set(str(ca_file))
        except OSError as error:  # ssl.SSLError is one, too
            raise SettingsError(f"STETHO_MQTT_CA_FILE {ca_file} is not usable: {error}") from error

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self._received += 1
        inbound = Inbound(message.topic, bytes(message.payload), message.retain, message.mid)
        self._listener.on_message(inbound)

    def _on_connect(
        self, client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, code: ReasonCode, _rest: object
    ) -> None:
        if code.is_failure:
            self._refuse(code)
            return
        self._pause_s = _SHORTEST_PAUSE_S
        client.subscribe(self._subscriptions)
        _LOG.info(line("connected", session_present=flags.session_present))
        self._listener.on_connected()

    def _refuse(self, code: ReasonCode) -> None:
        _LOG.error(line("refused", reason=code))
        if code.value in _REFUSALS:
            user = self._settings.mqtt_username
            raise BrokerError(
                f"the broker refuses user {user!r} ({code}); check STETHO_MQTT_USERNAME and "
                "STETHO_MQTT_PASSWORD (`python -m broker.provision worker` makes such a user)"
            )

    def _on_disconnect(
        self, _client: object, _data: object, _flags: object, code: ReasonCode, _rest: object
    ) -> None:
        _LOG.warning(line("disconnected", reason=code))
        self._listener.on_disconnected()
