"""MQTT message that a device publishes."""

from typing import NamedTuple


class Message(NamedTuple):
    """PUBLISH at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False
