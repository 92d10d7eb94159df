"""paho's client with one write for all that leaves: messages, acknowledgements, whatever paho has to say."""

import contextlib
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

_MOST_UNSENT: Final = 2**18
"""Bytes. What is beyond waits in paho's own queue."""
_PUBACK: Final = 0x40
_OK: Final = MQTTErrorCode.MQTT_ERR_SUCCESS


class BatchedOutput(mqtt.Client):
    """MQTT client of one thread, whose output leaves with `flush`."""

    _unsent = b""

    def reconnect(self) -> MQTTErrorCode:
        """Connect again; what was not sent on the last connection is forgotten, as paho has it."""
        self._unsent = b""
        return super().reconnect()

    def ack(self, mid: int, qos: int) -> MQTTErrorCode:
        """Acknowledge a message."""
        if qos != 1:
            return super().ack(mid, qos)
        self._unsent += bytes((_PUBACK, 2)) + mid.to_bytes(2)
        return _OK

    def want_write(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._unsent) or super().want_write()

    def flush(self) -> MQTTErrorCode:
        """Send what waits, as far as the socket takes it."""
        code = self.loop_write()
        if code or not self._unsent or self._sock is None:
            return code
        try:
            self._unsent = self._unsent[super()._sock_send(self._unsent) :]
        except BlockingIOError:
            return _OK
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        return _OK

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
