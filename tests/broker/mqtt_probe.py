"""MQTT client for tests of the broker: TLS, WebSocket, foreign client ids, refusals."""

import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from conftest import wait_until
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from broker.account import Credentials

DEADLINE_S = 10.0


class Probe:
    """One connection to the broker; a context manager."""

    def __init__(
        self,
        port: int | None,
        credentials: Credentials | None,
        *,
        client_id: str | None = None,
        clean_session: bool = True,
        transport: Literal["tcp", "websockets"] = "tcp",
        ca: Path | None = None,
        reconnects: bool = False,
        acknowledges: bool = True,
    ) -> None:
        assert port
        self.received: list[tuple[str, bytes]] = []
        self.connack: ReasonCode | None = None
        self.disconnected = threading.Event()
        self._subscribed = threading.Event()
        self._granted = False
        name = client_id or (credentials.username if credentials else "anonymous")
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=clean_session,
            transport=transport,
            reconnect_on_failure=reconnects,
            manual_ack=not acknowledges,
        )
        self._client.max_inflight_messages_set(1000)
        if credentials:
            self._client.username_pw_set(credentials.username, credentials.password)
        if ca:
            self._client.tls_set_context(ssl.create_default_context(cafile=str(ca)))
        self._client.on_connect = lambda *given: setattr(self, "connack", given[3])
        self._client.on_disconnect = lambda *_: self.disconnected.set()
        self._client.on_subscribe = lambda *given: self._on_subscribe(given[3])
        self._client.on_message = lambda *given: self._receive(given[2])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_until(lambda: self.connack is not None, "CONNACK")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_accepted(self) -> bool:
        """Whether the broker accepted the connection."""
        return self.connack is not None and not self.connack.is_failure

    @property
    def topics(self) -> list[str]:
        """Topics of what was received, in order."""
        return [topic for topic, _ in self.received]

    def subscribe(self, topic_filter: str) -> Self:
        """Subscribe at QoS 1 and wait for the SUBACK, which Mosquitto gives whether it is allowed or not."""
        self._subscribed.clear()
        self._client.subscribe(topic_filter, qos=1)
        assert self._subscribed.wait(DEADLINE_S)
        return self

    def is_granted(self, topic_filter: str) -> bool:
        """Subscribe, and return whether the broker says that it is allowed, as NATS does."""
        self.subscribe(topic_filter)
        return self._granted

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait for the PUBACK, which a refused message gets as well."""
        message = self._client.publish(topic, payload, qos=1, retain=retain)
        message.wait_for_publish(DEADLINE_S)
        assert message.is_published()

    def publish_all(self, topic: str, payloads: list[bytes], within_s: float = DEADLINE_S) -> None:
        """Publish many at QoS 1 without waiting for each, then wait for all PUBACKs."""
        sent = [self._client.publish(topic, payload, qos=1) for payload in payloads]
        for message in sent:
            message.wait_for_publish(within_s)
            assert message.is_published()

    def send_unacknowledged(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 without waiting."""
        self._client.publish(topic, payload, qos=1)

    def wait_for(self, topic: str, count: int = 1) -> None:
        """Wait until `count` messages came on `topic`."""
        wait_until(lambda: self.topics.count(topic) >= count, f"{count} messages on {topic}")

    def _on_subscribe(self, codes: list[ReasonCode]) -> None:
        self._granted = not any(code.is_failure for code in codes)
        self._subscribed.set()

    def _receive(self, message: paho.MQTTMessage) -> None:
        self.received.append((message.topic, bytes(message.payload)))
