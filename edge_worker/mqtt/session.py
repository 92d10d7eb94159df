"""Session of one account at the broker: an MQTT client whose socket the caller reads and writes.

paho's network thread is not used: an exception in a callback would end that thread while `is_connected()`
stays true. Here it ends the process, and the broker delivers again what was not acknowledged.
"""

import logging
import random
import ssl
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from edge_worker.errors import BrokerError, PayloadError, SettingsError
from edge_worker.mqtt.batched_client import BatchedClient
from edge_worker.mqtt.broker_order import BrokerOrder
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.shared_account import ShortConnections
from edge_worker.mqtt.subscriptions import Subscriptions
from edge_worker.own_command import stetho
from edge_worker.protocol import topics
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_CONNECT_WITHIN_S: Final = 2.0
"""With several brokers: then the next one is tried."""
_MIN_RECONNECT_DELAY_S: Final = 0.25
_MAX_RECONNECT_DELAY_S: Final = 15.0
MAX_PAYLOAD_BYTES: Final = 65_568
"""Of a published message: a chunk of the largest size. The broker's `max_packet_size` has room for a
topic, too; it throws the sender of a larger packet out, at each attempt."""
MESSAGES_PER_READ: Final = 64
"""Messages that are read before anything else is done: in a flood, that costs as much as reading one."""
_MATTERS_OF_TIME: Final = {9, 10}
"""Codes of OpenSSL for a certificate that is not yet valid, and for one that has expired."""
_TIME_ADVICE: Final = f"if this clock is wrong, set it; if not, renew it: `{stetho('certificate server')}`"
_AUTHENTICATION_FAILURES: Final = {4, 5, 134, 135}
"""CONNACK codes of MQTT 3.1.1 and 5 for a wrong password and a missing permission."""
_SILENT: Final = 141
"""Code of a connection that ended because the broker said nothing: one that hangs still accepts the next."""
_REFUSED_FOR_S: Final = {"mosquitto": 0.0, "nats": 20.0}
"""After so long a refusal is final: NATS refuses everybody for as long as it cannot ask who is let in."""


class Listener(Protocol):
    """Callbacks of a session, always called on the thread that drives it."""

    def on_connected(self) -> None:
        """Called each time the broker has accepted the connection."""

    def on_disconnected(self) -> None:
        """Called when the connection is lost; the next one delivers unacknowledged messages again."""

    def on_message(self, message: Inbound) -> None:
        """Called with each message; `ack` it when the broker may forget it."""

    def on_published(self, number: int) -> None:
        """Called when the broker has acknowledged the message for which `publish` returned `number`."""


class Session:
    """One MQTT client. It waits for nothing: who drives it waits for its `socket`, for several at once."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: list[str],
        will: tuple[str, str] | None,
        listener: Listener,
        *,
        is_persistent: bool,
        log_level: int = logging.INFO,
    ) -> None:
        """Prepare a session that subscribes to `subscriptions` and leaves `will`: topic, payload."""
        self._settings = settings
        # NATS would keep it on three nodes, and elect leaders of that, where nothing outlives the connection.
        qos = 1 if is_persistent or settings.broker != "nats" else 0
        self._subscriptions = Subscriptions(settings.mqtt_username, subscriptions, qos=qos)
        self._listener = listener
        self._log_level = log_level
        self._brokers = BrokerOrder(settings.brokers)
        self._has_answered = False
        self._untried = len(self._brokers)
        self._refused_since: float | None = None
        self._reconnect_delay_s = _MIN_RECONNECT_DELAY_S
        self._reconnect_at = 0.0
        self._short_connections = ShortConnections(settings.mqtt_username)
        self.may_connect = True
        """False: it stays disconnected for now."""
        self._new_client = partial(self._make_client, will, is_persistent=is_persistent)
        self._client = self._new_client()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection, and no error was seen since."""
        return self._client.is_connected()

    @property
    def account_fault(self) -> str:
        """What is wrong when another program uses this account, too; empty where none does."""
        return self._short_connections.fault(time.monotonic())

    # --- driving ------------------------------------------------------------------------------------

    @property
    def socket(self) -> Any:  # noqa: ANN401 - paho's own type, of three kinds
        """What to wait for; None where there is no connection."""
        return self._client.socket()

    @property
    def has_more(self) -> bool:
        """Whether something is to be read that no wait for the socket sees."""
        return self._client.has_more

    @property
    def is_within_packet(self) -> bool:
        """Whether the rest of a packet is on its way."""
        return self._client.is_within_packet

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return self._client.want_write()

    @property
    def is_due(self) -> bool:
        """Whether it may try to connect now."""
        return self.may_connect and time.monotonic() >= self._reconnect_at

    def try_to_connect(self) -> bool:
        """Connect unless it is too early to try again; return whether there is a socket now.

        Raises:
            BrokerError: the broker's certificate is not trusted.
        """
        now = time.monotonic()
        if now < self._reconnect_at:
            return False
        self._untried -= 1
        if self._untried <= 0:  # else the next broker is tried at once
            self._untried = len(self._brokers)
            self._reconnect_at = now + self._reconnect_delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
            self._reconnect_delay_s = min(_MAX_RECONNECT_DELAY_S, 2 * self._reconnect_delay_s)
        broker = self._brokers.next(now)
        try:
            self._client.connect(*broker, self._brokers.keepalive_s)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _MATTERS_OF_TIME:
                # Time passes, a clock is set, a certificate is renewed: ending would help nobody.
                reason = f"the broker's certificate is not valid now ({error.verify_message})"
                clock = rfc3339(datetime.now(UTC))
                _LOG.warning(line("certificate_waits", clock=clock, reason=f"{reason}; {_TIME_ADVICE}"))
                return False
            problem = f"the broker's certificate is not trusted ({error.verify_message})"
            raise BrokerError(f"{problem}; check STETHO_MQTT_CA_FILE") from error
        except OSError as error:
            self._brokers.failed(broker, time.monotonic())
            _LOG.warning(line("broker_unreachable", broker=broker, error=error))
            return False
        return True

    def read(self) -> int:
        """Receive what has arrived, up to a number of messages; return how many.

        Raises:
            BrokerError: the broker refuses user name or password.
        """
        before = self._client.received
        self._client.loop_read(MESSAGES_PER_READ)
        return self._client.received - before

    @property
    def received_bytes(self) -> int:
        """Count of all bytes that were read."""
        return self._client.received_bytes

    def write(self) -> None:
        """Write what the socket takes."""
        self._client.flush()

    def keep_alive(self) -> None:
        """Do what is to be done from time to time."""
        self._client.loop_misc()
        self._subscriptions.turn(self._client)

    def disconnect(self) -> None:
        """End the connection; what is not sent yet is lost."""
        self._client.disconnect()

    # --- messages -----------------------------------------------------------------------------------

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> int:
        """Queue a message at QoS 1; return the number that `on_published` will be called with.

        Raises:
            PayloadError: no broker would take it, and all that are queued behind it would wait for ever.
        """
        content = payload.encode() if isinstance(payload, str) else payload
        if len(content) > MAX_PAYLOAD_BYTES:
            raise PayloadError(f"a message of {len(content)} bytes is over {MAX_PAYLOAD_BYTES}")
        topics.require_publishable(topic)
        return self._client.send(topic, content, retain=retain)

    def forget_published(self) -> None:
        """Forget all messages that the broker has not acknowledged; while disconnected."""
        self._client = self._new_client()

    def publish_at_most_once(self, topic: str, payload: bytes) -> None:
        """Send a message at QoS 0, for values of the moment; without a connection it is dropped."""
        self._client.send_at_most_once(topic, payload)

    def subscribe(self, topic: str) -> None:
        """Subscribe to `topic`, now and after each reconnect."""
        self._subscriptions.add(self._client, topic)

    def unsubscribe(self, topic: str) -> None:
        """Unsubscribe from `topic`."""
        self._subscriptions.remove(self._client, topic)

    def ack(self, message: Inbound) -> None:
        """Acknowledge `message`: the broker may forget it."""
        if message.mid:  # QoS 0 has no acknowledgement: a client that sends one is disconnected
            self._client.ack(message.mid, 1)

    # --- paho ---------------------------------------------------------------------------------------

    def _make_client(self, will: tuple[str, str] | None, *, is_persistent: bool) -> BatchedClient:
        name = self._settings.mqtt_username
        listener = self._listener
        client = BatchedClient(
            name, listener.on_message, published=listener.on_published, clean_session=not is_persistent
        )
        client.username_pw_set(name, self._settings.password)
        self._use_tls(client)
        if len(self._brokers) > 1:
            client.connect_timeout = _CONNECT_WITHIN_S
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = lambda *given: self._subscriptions.answered(given[2], given[3])
        return client

    def _use_tls(self, client: mqtt.Client) -> None:
        ca_file = self._settings.mqtt_ca_file
        if ca_file is None:
            return
        try:
            client.tls_set(str(ca_file))
        except OSError as error:  # ssl.SSLError is one, too
            raise SettingsError(f"STETHO_MQTT_CA_FILE {ca_file} is not usable: {error}") from error

    def _on_connect(
        self, client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, code: ReasonCode, _rest: object
    ) -> None:
        if code.is_failure:
            self._handle_refusal(code)
            return
        self._refused_since = None
        self._has_answered = True
        self._short_connections.began(time.monotonic())
        self._subscriptions.renew(client)
        self._client.send_again()
        facts = {"session_present": flags.session_present, "user": self._settings.mqtt_username}
        _LOG.log(self._log_level, line("connected", **facts))
        self._listener.on_connected()

    def _handle_refusal(self, code: ReasonCode) -> None:
        _LOG.error(line("refused", user=self._settings.mqtt_username, reason=code))
        now = time.monotonic()
        if self._refused_since is None:
            self._refused_since = now
        is_final = now - self._refused_since >= _REFUSED_FOR_S[self._settings.broker]
        if code.value in _AUTHENTICATION_FAILURES and is_final:
            user = self._settings.mqtt_username
            raise BrokerError(
                f"the broker refuses user {user!r} ({code}); check STETHO_MQTT_USERNAME and "
                f"STETHO_MQTT_PASSWORD (`{stetho(self._settings.provision_command)}` makes such a user)"
            )

    def _on_disconnect(
        self, _client: object, _data: object, _flags: object, code: ReasonCode, _rest: object
    ) -> None:
        level = logging.WARNING if code.is_failure else self._log_level
        _LOG.log(level, line("disconnected", reason=code, user=self._settings.mqtt_username))
        if code.value == _SILENT and self._has_answered:
            self._brokers.failed(self._brokers.tried, time.monotonic())
        self._has_answered = False
        # Two that share an account and return at once would throw each other out many times a second.
        if not self._short_connections.ended(time.monotonic()) and self._refused_since is None:
            self._reconnect_delay_s = _MIN_RECONNECT_DELAY_S
            self._untried = len(self._brokers)
        self._listener.on_disconnected()
