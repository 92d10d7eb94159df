"""Wait for sockets of any number: select() knows descriptors below 1024 only, and a busy process has more."""

import select
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

_INPUT: Final = select.POLLIN | select.POLLHUP | select.POLLERR
_OUTPUT: Final = select.POLLOUT | select.POLLHUP | select.POLLERR


class _Described(Protocol):
    """Whatever has a descriptor: a socket, also within TLS or WebSocket."""

    def fileno(self) -> int: ...


_S = TypeVar("_S", bound=_Described)


def wait(readers: Sequence[_S], writers: Sequence[_S], timeout_s: float) -> tuple[list[_S], list[_S]]:
    """Return which of `readers` have input, or have ended, and which of `writers` take output.

    Returns with the first of them, or after `timeout_s`.

    Raises:
        ValueError: one of them is closed.
    """
    poll = select.poll()
    wanted: dict[int, int] = {}
    for sockets, event in ((readers, select.POLLIN), (writers, select.POLLOUT)):
        for each in sockets:
            wanted[each.fileno()] = wanted.get(each.fileno(), 0) | event
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    found = dict(poll.poll(1000 * timeout_s))
    return (
        [each for each in readers if found.get(each.fileno(), 0) & _INPUT],
        [each for each in writers if found.get(each.fileno(), 0) & _OUTPUT],
    )
