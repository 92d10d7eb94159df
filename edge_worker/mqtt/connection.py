"""Connection of a program to the broker: one session, and the loop that drives it on the caller's thread."""

import contextlib
import socket
import time
from typing import Final

from edge_worker.mqtt import socket_wait
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.session import Listener, Session
from edge_worker.settings import Settings

_LOOP_S: Final = 0.1
"""`loop` waits at most so long."""
_FEW, _GATHER_S = 16, 0.02
"""After fewer messages, what comes within so many seconds is read together: a turn costs as much as two."""
_GATHER_BYTES: Final = 2**17
"""Less than any socket holds. At a rate that brings more, the time is shorter."""


class Connection:
    """MQTT session that is driven by calls of `loop` from one thread."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: list[str],
        will: tuple[str, str] | None,
        listener: Listener,
        *,
        is_persistent: bool = True,
    ) -> None:
        """Prepare a connection that subscribes to `subscriptions` at QoS 1 and leaves `will`.

        `will` is a topic and a payload. A session that is not persistent (MQTT: clean session) gets no
        messages of the time when it was disconnected.
        """
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._gather_until, self._gathered_bytes, self._gathered_at = 0.0, 0, 0.0
        self._looked_at, self._waited_s = time.monotonic(), 0.0
        self._session = Session(settings, subscriptions, will, listener, is_persistent=is_persistent)
        session = self._session
        self.publish = session.publish
        self.publish_at_most_once = session.publish_at_most_once
        self.forget_published = session.forget_published
        self.subscribe, self.unsubscribe = session.subscribe, session.unsubscribe

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection, and no error was seen since."""
        return self._session.is_connected

    @property
    def account_fault(self) -> str:
        """What is wrong when another program uses this account, too; empty where none does."""
        return self._session.account_fault

    def loop(self) -> bool:
        """Wait at most `_LOOP_S` for network traffic, and handle it; when disconnected, try to connect once.

        Returns True when connected and nothing had arrived: no message of a device is on the way.

        Raises:
            BrokerError: the broker refuses user name or password, or its certificate is not trusted.
        """
        if self._session.socket is None and not self._session.try_to_connect():
            self._sleep()
            return False
        return not self._poll(_LOOP_S) and self.is_connected

    def busy_s(self, now: float) -> float:
        """Return for how long since the last call this thread did not wait for messages, seconds.

        In that time devices may have sent what is not here yet: their silence does not count.
        """
        busy_s = now - self._looked_at - self._waited_s
        self._looked_at, self._waited_s = now, 0.0
        return max(0.0, busy_s)

    def wake(self) -> None:
        """Make a waiting `loop` return at once; safe from any thread and from signal handlers."""
        with contextlib.suppress(BlockingIOError):  # a full socket wakes it anyway
            self._wake_in.send(b"\0")

    def ack(self, message: Inbound) -> None:
        """Acknowledge `message`: the broker may forget it."""
        self._session.ack(message)

    @property
    def is_drained(self) -> bool:
        """Whether no received byte waits to be read: every message that arrived was handled."""
        session = self._session
        if session.socket is None or not self.is_connected:
            return False
        if session.has_more or session.is_within_packet:
            return False
        return not socket_wait.wait([session.socket], [], 0)[0]

    def close(self, within_s: float) -> None:
        """Send what is queued, as far as possible within `within_s` seconds, and disconnect."""
        deadline = time.monotonic() + within_s
        while self.is_connected and self._session.wants_write and time.monotonic() < deadline:
            self._poll(_LOOP_S)
        self._session.disconnect()

    def _sleep(self) -> None:
        if socket_wait.wait([self._wake_out], [], _LOOP_S)[0]:
            self._wake_out.recv(4096)

    def _gather(self, now: float, received_bytes: int) -> None:
        """Let what follows come together, as long as sockets hold it: the broker never waits for that."""
        per_s = (received_bytes - self._gathered_bytes) / max(now - self._gathered_at, 1e-4)
        self._gather_until = now + min(_GATHER_S, _GATHER_BYTES / max(per_s, 1.0))
        self._gathered_bytes, self._gathered_at = received_bytes, now

    def _poll(self, timeout_s: float) -> bool:
        """Read and write the socket once; return whether anything had arrived."""
        session = self._session
        session.write()
        connection = session.socket
        if connection is None:
            return False
        pending = session.has_more
        began = time.monotonic()
        if not pending:
            time.sleep(max(0.0, self._gather_until - began))
        writers = [connection] if session.wants_write else []
        readers = [connection, self._wake_out]
        readable, writable = socket_wait.wait(readers, writers, 0 if pending else timeout_s)
        self._waited_s += min(time.monotonic() - began, timeout_s)  # a process that was stopped did not wait
        if self._wake_out in readable:
            self._wake_out.recv(4096)
        has_input = pending or connection in readable
        if has_input and 0 < session.read() < _FEW:
            self._gather(time.monotonic(), session.received_bytes)
        if writable:
            session.write()
        session.keep_alive()
        return has_input
