"""Messages that leave: the bytes of each, and those at QoS 1 that the broker has not acknowledged.

paho keeps each in objects with locks of their own, which costs three times as much.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

PUBACK: Final = 0x40
_PUBLISH, _QOS_1, _AGAIN = 0x30, 0x02, 0x08
_CONTINUES: Final = 0x80
_NO_PROPERTIES: Final = b"\0"


def publish_packet(topic: str, payload: bytes, mid: int, *, retain: bool, is_v5: bool) -> bytes:
    """Return a message as it is sent, at QoS 1; with a `mid` of 0 at QoS 0."""
    name = topic.encode()
    head = len(name).to_bytes(2) + name
    if mid:
        head += mid.to_bytes(2)
    if is_v5:
        head += _NO_PROPERTIES
    size, length = len(head) + len(payload), bytearray()
    while size >= _CONTINUES:
        length.append(size & (_CONTINUES - 1) | _CONTINUES)
        size >>= 7
    length.append(size)
    return bytes((_PUBLISH | (_QOS_1 if mid else 0) | retain,)) + length + head + payload


class Outbound:
    """Messages at QoS 1, in order, each until the broker has it. Used by one thread."""

    def __init__(self, window: int, next_mid: Callable[[], int], *, is_v5: bool) -> None:
        """Let at most `window` be on their way; `next_mid` returns a packet id, which may be in use."""
        self._window = window
        self._next_mid = next_mid
        self._is_v5 = is_v5
        self._numbers = count(1)
        self._waiting: deque[tuple[int, str, bytes, bool]] = deque()
        self._sent: dict[int, tuple[int, bytes]] = {}
        """By packet id: number and bytes."""

    @property
    def may_send(self) -> bool:
        """Whether `next_packets` has something."""
        return bool(self._waiting) and len(self._sent) < self._window

    def add(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Take a message; return its number."""
        number = next(self._numbers)
        self._waiting.append((number, topic, payload, retain))
        return number

    def next_packets(self) -> Iterator[bytes]:
        """Yield what may be sent now of what was not sent yet."""
        while self._waiting and len(self._sent) < self._window:
            number, topic, payload, retain = self._waiting.popleft()
            mid = self._next_mid()
            while mid in self._sent:
                mid = self._next_mid()
            packet = publish_packet(topic, payload, mid, retain=retain, is_v5=self._is_v5)
            self._sent[mid] = number, packet
            yield packet

    def sent_packets(self) -> Iterator[bytes]:
        """Yield what was sent on an earlier connection, to be sent again on a new one."""
        for _, packet in self._sent.values():
            yield bytes((packet[0] | _AGAIN,)) + packet[1:]

    def acknowledged(self, mid: int) -> int | None:
        """Return the number of the message that the broker has now; None: none has this packet id."""
        found = self._sent.pop(mid, None)
        return None if found is None else found[0]
