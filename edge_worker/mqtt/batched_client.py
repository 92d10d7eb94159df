"""paho's client with a reader of its own for messages: many for one read.

paho reads byte by byte, which costs several times what is needed. Here all but plain messages goes on to paho
as it came and in its order, and so does all that is malformed: paho alone judges it.
"""

import ssl
from collections.abc import Callable
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from edge_worker.mqtt.batched_output import BatchedOutput
from edge_worker.mqtt.inbound import LARGEST_PACKET, Inbound, is_message, message_in, packet_at, topic_of
from edge_worker.mqtt.outbound import PUBACK

_READ_BYTES: Final = 2**18
_OK: Final = MQTTErrorCode.MQTT_ERR_SUCCESS


class BatchedClient(BatchedOutput):
    """MQTT client of one thread, which calls `loop_read`, `flush` and `loop_misc`."""

    def __init__(
        self,
        client_id: str,
        receive: Callable[[Inbound], None],
        *,
        published: Callable[[int], None] = lambda _number: None,
        clean_session: bool | None = None,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
    ) -> None:
        """Call `receive` with each message, which `ack` acknowledges; `published` when the broker has one.

        `published` gets the number that `send` returned.
        """
        super().__init__(client_id, clean_session=clean_session, protocol=protocol)
        self._receive, self._published = receive, published
        self.received = 0
        """Count of messages, but for those that paho reads."""
        self.received_bytes = 0
        self.on_message = lambda _client, _data, by_paho: receive(
            Inbound(topic_of(by_paho._topic), bytes(by_paho.payload), by_paho.retain, by_paho.mid)
        )
        self._forget()

    @property
    def has_more(self) -> bool:
        """Whether something waits for `loop_read` that no wait for the socket sees."""
        connection = self._sock
        in_tls = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        return connection is not None and (in_tls or not self._is_partial)

    @property
    def is_within_packet(self) -> bool:
        """Whether the rest of a packet is on its way."""
        return self._owed > 0 or self._at < len(self._bytes)

    def reconnect(self) -> MQTTErrorCode:
        """Connect again; what was not received of the last connection comes again."""
        self._forget()
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Receive at most `max_packets` of what has arrived."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if self._is_partial:
            self._fetch()
        code = super().loop_read() if self._is_ended else _OK
        for _ in range(max_packets):
            if code or self._is_partial or self._sock is None:
                break
            code = self._take_packet()
        return code

    def _forget(self) -> None:
        self._bytes, self._at = b"", 0  # what was read, and how much of it was handled
        self._is_partial = True  # what is left is no whole packet
        self._owed = 0.0  # bytes still to come of a packet that is paho's
        self._handed = b""  # bytes that paho may read now
        self._is_ended = False  # the socket brings nothing more

    def _fetch(self) -> None:
        try:
            data = super()._sock_recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._bytes, self._at = self._bytes[self._at :] + data, 0
        self.received_bytes += len(data)
        self._is_partial, self._is_ended = not data, not data
        # By these (their name depends on its version) paho knows that the broker is alive.
        self._last_msg_in = self._last_bytes_received = mqtt.time_func()

    def _take_packet(self) -> MQTTErrorCode:
        """Receive the next packet, or hand it on to paho; note when it is not here yet."""
        data, start = self._bytes, self._at
        if self._owed:
            return self._hand_on(self._owed)
        place = packet_at(data, start)
        if place is None:
            self._is_partial = True
            return _OK
        body, end = place
        is_receipt = data[start] == PUBACK
        is_ours = (is_receipt or is_message(data[start])) and end - start <= LARGEST_PACKET
        if is_ours and end > len(data):
            self._is_partial = True
            return _OK
        if is_ours and (self._take_receipt if is_receipt else self._take_message)(start, body, int(end)):
            return _OK
        return self._hand_on(end - start)

    def _take_message(self, start: int, body: int, end: int) -> bool:
        """Receive the message in the packet `[start, end)`; return False where it is not for us to read."""
        message = message_in(self._bytes, start, body, end, is_v5=self._is_v5)
        if message is None:
            return False
        self._at = end
        self.received += 1
        self._receive(message)
        return True

    def _take_receipt(self, _start: int, body: int, end: int) -> bool:
        """Note that the broker has a message; return False where it was none of ours."""
        number = self._outbound.acknowledged(int.from_bytes(self._bytes[body : body + 2]))
        if number is None:
            return False
        self._at = end
        self._published(number)
        return True

    def _hand_on(self, size: float) -> MQTTErrorCode:
        """Let paho read the next `size` bytes, as far as they are here."""
        end = int(min(self._at + size, len(self._bytes)))
        self._handed, self._owed = self._bytes[self._at : end], size - (end - self._at)
        self._at, self._is_partial = end, end == len(self._bytes)
        code = _OK
        while self._handed and not code and self._sock is not None:
            code = super().loop_read()
        return code

    def _sock_recv(self, bufsize: int) -> bytes:
        """Return what is handed on to paho, which reads with this."""
        if not self._handed and not self._is_ended:
            raise BlockingIOError
        data, self._handed = self._handed[:bufsize], self._handed[bufsize:]
        return data
