"""paho's client with one write for all that leaves: messages, acknowledgements, whatever paho has to say."""

import contextlib
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from edge_worker.mqtt.outbound import PUBACK, Outbound, publish_packet

_MOST_UNSENT: Final = 2**18
"""Bytes. What is beyond waits in a queue: paho's or ours."""
_MAX_IN_FLIGHT: Final = 1000
_OK: Final = MQTTErrorCode.MQTT_ERR_SUCCESS


class BatchedOutput(mqtt.Client):
    """MQTT client of one thread, whose output leaves with `flush`."""

    def __init__(self, client_id: str, *, clean_session: bool | None, protocol: MQTTProtocolVersion) -> None:
        """Prepare a client that is not connected; messages are acknowledged with `ack` alone."""
        self._unsent = bytearray()
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, clean_session, protocol=protocol, manual_ack=True
        )
        self._is_v5 = protocol == MQTTProtocolVersion.MQTTv5
        self._outbound = Outbound(_MAX_IN_FLIGHT, self._mid_generate, is_v5=self._is_v5)

    def reconnect(self) -> MQTTErrorCode:
        """Connect again; what was not sent on the last connection is forgotten, as paho has it."""
        self._unsent.clear()
        return super().reconnect()

    def send(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Queue a message at QoS 1, until the broker has it; return its number."""
        return self._outbound.add(topic, payload, retain=retain)

    def send_at_most_once(self, topic: str, payload: bytes) -> None:
        """Send a message at QoS 0; without a connection it is dropped."""
        if self.is_connected():
            self._unsent += publish_packet(topic, payload, 0, retain=False, is_v5=self._is_v5)

    def send_again(self) -> None:
        """Send what the broker did not acknowledge on the last connection; when it has accepted this one."""
        for packet in self._outbound.sent_packets():
            self._unsent += packet

    def ack(self, mid: int, qos: int) -> MQTTErrorCode:
        """Acknowledge a message."""
        if qos != 1:
            return super().ack(mid, qos)
        self._unsent += bytes((PUBACK, 2, mid >> 8, mid & 0xFF))
        return _OK

    def want_write(self) -> bool:
        """Whether something waits to be sent."""
        may_send = self._outbound.may_send and self.is_connected()
        return bool(self._unsent) or may_send or super().want_write()

    def flush(self) -> MQTTErrorCode:
        """Send what waits, as far as the socket takes it."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        code = self.loop_write() if super().want_write() else _OK
        self._fill()
        if code or not self._unsent or self._sock is None:
            return code
        try:
            del self._unsent[: super()._sock_send(self._unsent)]
        except BlockingIOError:
            return _OK
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        return _OK

    def _fill(self) -> None:
        """Take messages out of their queue."""
        if self._outbound.may_send and self.is_connected():
            for packet in self._outbound.next_packets():
                self._unsent += packet
                if len(self._unsent) > _MOST_UNSENT:
                    break

    def _sock_send(self, buf: bytes | bytearray) -> int:
        """Take what paho writes."""
        if len(self._unsent) > _MOST_UNSENT:
            raise BlockingIOError
        self._unsent += buf
        return len(buf)

    def _sock_close(self) -> None:
        """Send what is left, such as the farewell, and close the socket."""
        if self._sock is not None and self._unsent:
            with contextlib.suppress(OSError):  # the connection may be lost
                super()._sock_send(self._unsent)
        super()._sock_close()
