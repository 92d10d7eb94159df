"""MQTT message that a device publishes or receives."""

from typing import NamedTuple


class Message(NamedTuple):
    """PUBLISH at QoS 1; of one that is received, `retain` says that it was sent before the subscription."""

    topic: str
    payload: bytes
    retain: bool = False
