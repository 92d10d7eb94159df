"""Received messages as they lie in the bytes of MQTT: where a packet ends, and what it holds."""

import math
from functools import lru_cache
from typing import Final, NamedTuple

LARGEST_PACKET: Final = 2**17
"""Bytes. What is larger is none of ours."""
_LENGTH_SHIFTS: Final = (0, 7, 14, 21)
"""Of the bytes that give the length of a packet."""
_CONTINUES: Final = 0x80
_KIND, _MESSAGE, _WITH_ID, _RETAIN = 0xF4, 0x30, 0x02, 0x01
"""Of the first byte of a packet: a message of QoS 0 or 1, of QoS 1, retained."""


class Inbound(NamedTuple):
    """A received message."""

    topic: str
    """Empty where its bytes are no text."""
    payload: bytes
    retain: bool
    mid: int
    """0: it is not to be acknowledged (QoS 0)."""


def packet_at(data: bytes, start: int) -> tuple[int, float] | None:
    """Return where the body of the packet at `start` begins and ends; None: its length is not here yet.

    It ends nowhere (infinity) where its length is malformed.
    """
    at, size = start + 1, 0
    for shift in _LENGTH_SHIFTS:
        if at >= len(data):
            return None
        byte = data[at]
        at += 1
        size |= (byte & ~_CONTINUES) << shift
        if byte < _CONTINUES:
            return at, at + size
    return at, math.inf


def is_message(first_byte: int) -> bool:
    """Return whether the packet that begins with this byte is a message of QoS 0 or 1."""
    return first_byte & _KIND == _MESSAGE


def message_in(data: bytes, start: int, body: int, end: int, *, is_v5: bool) -> Inbound | None:
    """Return the message in the packet `[start, end)`; None: it is malformed, or has properties (MQTT 5)."""
    if end < body + 2:
        return None
    head = body + 2 + (data[body] << 8 | data[body + 1])
    has_id = data[start] & _WITH_ID
    at = head + 2 if has_id else head
    if head == body + 2 or at + is_v5 > end or (is_v5 and data[at]):
        return None
    mid = data[head] << 8 | data[head + 1] if has_id else 0
    topic = topic_of(data[body + 2 : head])
    return Inbound(topic, data[at + is_v5 : end], bool(data[start] & _RETAIN), mid)


@lru_cache(maxsize=4096)
def topic_of(name: bytes) -> str:
    """Return the text of a topic; an empty one where it is none."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""
