"""MQTT connections of simulated devices, driven by one event loop; the only module here that imports paho."""

import contextlib
import selectors
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge_worker import broker_address
from edge_worker.broker_address import BrokerAddress
from edge_worker.errors import BrokerError, SettingsError
from edge_worker.own_command import stetho
from simulator.device.event_loop import EventLoop
from simulator.device.message import Message

_KEEPALIVE_S: Final = 30
_KEEPALIVE_OF_SEVERAL_S: Final = 3
"""With several brokers: one that hangs is noticed after twice this time."""
_MAINTENANCE_S: Final = 1.0
_ANSWER_WITHIN_S: Final = 20.0
"""A broker that takes longer to accept a connection and its subscriptions is called again."""
_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE


@dataclass(frozen=True, slots=True)
class Address:
    """Address of the broker."""

    host: str
    """Of a cluster several, separated by commas, each with or without `:port`."""
    port: int
    ca_file: Path | None = None
    """Certificate of the CA; TLS is used when it is set."""

    def __str__(self) -> str:
        return self.host if "," in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials of a client. The broker replaces the client id by the user name."""

    username: str
    password: str
    role: Literal["device", "operator"] = "device"

    @property
    def provision_command(self) -> str:
        """Command that creates the account."""
        name = self.username if self.role == "device" else self.username.removeprefix(self.role).lstrip("-")
        return stetho(f"provision {self.role} {name}".rstrip())


class Connection:
    """MQTT connection of one account, which reconnects when it is lost."""

    def __init__(
        self,
        event_loop: EventLoop,
        address: Address,
        account: Account,
        subscriptions: Sequence[str],
        on_message: Callable[[Message], None],
        *,
        qos: int = 1,
    ) -> None:
        """Prepare a connection that subscribes to `subscriptions` at `qos`."""
        self.on_ready: Callable[[], None] = lambda: None
        """Called after each SUBACK: the broker has accepted the account and the subscriptions."""
        self.on_activity: Callable[[], None] = lambda: None
        """Called after data was received."""
        self.on_turn: Callable[[float], None] = lambda _now: None
        """Called about once a second."""
        self.is_ready = False
        self._was_ready = False
        self.unacknowledged = 0
        """Messages without PUBACK."""
        self._event_loop = event_loop
        self._address = address
        self._brokers = _brokers(address)
        self._keepalive_s = _KEEPALIVE_S if len(self._brokers) == 1 else _KEEPALIVE_OF_SEVERAL_S
        self._account = account
        self._subscriptions = subscriptions
        self._qos = qos
        self._ready_by = 0.0
        self._asked: dict[int, Sequence[str]] = {}
        """By number of the packet: what was not answered yet."""
        self._on_message = on_message
        self._client = self._create_client()
        self._socket: Any = None
        self._is_closing = False

    @property
    def is_closed(self) -> bool:
        """Whether it is closed, and the broker has everything that was published."""
        return self._is_closing and self._socket is None

    def set_will(self, message: Message) -> None:
        """Set the last will; must precede `open`."""
        self._client.will_set(message.topic, message.payload, qos=1, retain=message.retain)

    def open(self) -> None:
        """Start to connect; `on_ready` is called later.

        Raises:
            BrokerError: there is no broker at the address, or TLS fails.
        """
        try:
            self._connect()
        except ssl.SSLError as error:
            raise BrokerError(
                f"no TLS with the broker at {self._address} ({error.reason}); check --ca-file"
            ) from error
        except (OSError, ValueError) as error:  # ValueError: no host name at all
            advice = f"start it with `{stetho('broker')}`, or give --host and --port"
            raise BrokerError(f"no broker at {self._address} ({error}); {advice}") from error
        self._event_loop.call_at(time.monotonic() + _MAINTENANCE_S, self._keep_alive)

    def publish(self, message: Message) -> None:
        """Queue a message at QoS 1."""
        self.unacknowledged += 1
        self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        self._watch()

    def close(self) -> None:
        """Send DISCONNECT, so that the broker publishes no will; `EventLoop.close` waits for it."""
        self._is_closing = True
        self.is_ready = False
        self._client.disconnect()
        self._watch()

    def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe, if there is a connection; retained messages come, those of old subscriptions again."""
        if self._socket is not None and not self._is_closing:
            _, number = self._client.subscribe([(topic, self._qos) for topic in topics])
            self._asked[number or 0] = topics
            self._watch()

    def _connect(self) -> None:
        """Connect to the first broker that answers, beginning with the one after the last that was tried."""
        self._ready_by = time.monotonic() + _ANSWER_WITHIN_S
        for left in reversed(range(len(self._brokers))):
            broker = self._brokers[0]
            self._brokers.rotate(-1)
            try:
                self._client.connect(*broker, self._keepalive_s)
            except OSError:
                if not left:
                    raise
            else:
                return

    def _create_client(self) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self._account.username)
        client.username_pw_set(self._account.username, self._account.password)
        if self._address.ca_file is not None:
            try:
                client.tls_set(str(self._address.ca_file))
            except OSError as error:
                raise BrokerError(
                    f"the CA certificate {self._address.ca_file} cannot be read: {error}"
                ) from error
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = lambda _client, _data, message: self._on_message(
            Message(message.topic, bytes(message.payload), message.retain)
        )
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        return client

    def _handle(self, events: int) -> None:
        if events & _WRITE:
            self._client.loop_write()
        if events & _READ:
            self._client.loop_read()
            # TLS may hold decrypted bytes that no selector sees.
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                self._client.loop_read()
            if not self._is_closing:
                self.on_activity()
        self._watch()

    def _keep_alive(self) -> None:
        """Send PINGREQ when it is due, or reconnect; called once a second."""
        if self._is_closing:
            return
        now = time.monotonic()
        if self._socket is None:
            with contextlib.suppress(OSError):  # the next try is in a second
                self._connect()
        elif not self.is_ready and now > self._ready_by:
            self._client.disconnect()  # it would hear nothing
            self._watch()
        else:
            self._client.loop_misc()
            self._watch()
            self.on_turn(now)
        self._event_loop.call_at(time.monotonic() + _MAINTENANCE_S, self._keep_alive)

    def _watch(self) -> None:
        """Watch the socket for reading, and for writing while paho has data that the socket did not take."""
        if self._socket is not None:
            self._event_loop.watch_socket(
                self._socket, _READ | _WRITE * self._client.want_write(), self._handle
            )

    def _on_socket_open(self, _client: object, _data: object, connection: Any) -> None:  # noqa: ANN401 - a socket of paho
        self._socket = connection
        self._watch()

    def _on_socket_close(self, _client: object, _data: object, connection: Any) -> None:  # noqa: ANN401 - a socket of paho
        if connection is not None and connection is self._socket:
            self._event_loop.watch_socket(connection, 0, self._handle)
            self._socket = None

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _rest: object
    ) -> None:
        if code.is_failure and self._was_ready:
            return  # a cluster that has just lost a node may know nobody for a moment; the next try follows
        if code.is_failure:
            problem = f"the broker at {self._address} refuses {self._account.username!r} ({code})"
            command = self._account.provision_command
            raise BrokerError(
                f"{problem}; make the account with `{command}` and give the password that it prints"
            )
        self._asked.clear()
        self.subscribe(self._subscriptions)

    def _on_subscribe(
        self, _client: object, _data: object, number: int, codes: Sequence[ReasonCode], _rest: object
    ) -> None:
        """Begin to work; what is refused is asked again: a cluster that lost a node takes a moment."""
        pairs = zip(self._asked.pop(number, ()), codes, strict=False)
        if refused := [each for each, code in pairs if code.is_failure]:
            self._event_loop.call_at(time.monotonic() + _MAINTENANCE_S, lambda: self.subscribe(refused))
        if not self.is_ready:
            self.is_ready = self._was_ready = True
            self.on_ready()

    def _on_disconnect(self, *_: object) -> None:
        self.is_ready = False

    def _on_publish(self, *_: object) -> None:
        self.unacknowledged -= 1


def _brokers(address: Address) -> deque[BrokerAddress]:
    try:
        return deque(broker_address.parse(address.host, address.port))
    except ValueError as error:
        raise SettingsError(f"{address.host!r} names no broker ({error}); use HOST, or HOST,HOST") from error
