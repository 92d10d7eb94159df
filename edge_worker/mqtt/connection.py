"""Connection of a program to the broker: its sessions, and the loop that drives them on one thread."""

import contextlib
import socket
import time
from typing import Final

from edge_worker.mqtt import socket_wait
from edge_worker.mqtt.session import Listener, Session
from edge_worker.settings import Settings

_LOOP_S, _IDLE_LOOP_S = 0.1, 0.5
"""`loop` waits at most so long; the second is for a program that waits for nothing but messages."""
_FEW, _GATHER_S = 16, 0.05
"""After fewer messages, what comes within so many seconds is read together: a turn costs as much as two."""
_SOON_S: Final = 0.02
"""A call of `wake` waits at most so long meanwhile, and so does everything of a connection that is prompt."""
_GATHER_BYTES: Final = 2**17
"""Less than any socket holds. At a rate that brings more, the time is shorter."""
_MUCH_BYTES: Final = 3 * _GATHER_BYTES // 2
"""What comes at once of a broker that has more: nothing is to be waited for."""


class Connection:
    """MQTT session that is driven by calls of `loop` from one thread, and further ones beside it."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: list[str],
        will: tuple[str, str] | None,
        listener: Listener,
        *,
        is_persistent: bool = True,
    ) -> None:
        """Prepare a connection that subscribes to `subscriptions` and leaves `will`.

        `will` is a topic and a payload. A session that is not persistent (MQTT: clean session) gets no
        messages of the time when it was disconnected.
        """
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._gather_until, self._gathered_bytes, self._gathered_at = 0.0, 0, 0.0
        self._is_gathering = self._is_wanted = False
        self._received_bytes = 0
        self.gathers = True
        """Whether what follows few messages comes together; else nothing waits for others."""
        self.is_prompt = False
        """Whether somebody waits for what comes of each message: they gather for a shorter time."""
        self._looked_at, self._waited_s = time.monotonic(), 0.0
        self._session = Session(settings, subscriptions, will, listener, is_persistent=is_persistent)
        self._sessions = [self._session]
        session = self._session
        self.publish = session.publish
        self.publish_at_most_once = session.publish_at_most_once
        self.forget_published = session.forget_published
        self.ack = session.ack
        self.subscribe, self.unsubscribe = session.subscribe, session.unsubscribe

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection, and no error was seen since."""
        return self._session.is_connected

    @property
    def account_fault(self) -> str:
        """What is wrong when another program uses this account, too; empty where none does."""
        return next((fault for session in self._sessions if (fault := session.account_fault)), "")

    def open(self, session: Session) -> None:
        """Drive another session, too, whenever this connection is there."""
        self._sessions.append(session)

    def end(self, session: Session) -> None:
        """Disconnect a session and drive it no longer."""
        self._sessions.remove(session)
        session.disconnect()

    def loop(self, *, is_idle: bool = False) -> bool:
        """Wait some time for network traffic, and handle it; when disconnected, try to connect once.

        Returns True when connected and nothing had arrived: no message of a device is on the way.

        Raises:
            BrokerError: the broker refuses user name or password, or its certificate is not trusted.
        """
        self._connect()
        sessions = [session for session in self._sessions if session.socket is not None]
        if not sessions:
            self._sleep()
            return False
        return not self._poll(sessions, _IDLE_LOOP_S if is_idle else _LOOP_S) and self.is_connected

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

    def wake_soon(self) -> None:
        """Make a waiting `loop` return, once what it gathers is here; safe from any thread."""
        self._is_wanted = True
        if not self._is_gathering:
            self.wake()

    @property
    def is_drained(self) -> bool:
        """Whether no received byte waits to be read: every message that arrived was handled."""
        if not self.is_connected:
            return False
        sessions = [session for session in self._sessions if session.socket is not None]
        if any(session.has_more or session.is_within_packet for session in sessions):
            return False
        return not socket_wait.wait([session.socket for session in sessions], [], 0)[0]

    def close(self, within_s: float) -> None:
        """Send what is queued, as far as possible within `within_s` seconds, and disconnect."""
        deadline = time.monotonic() + within_s
        while self.is_connected and self._session.wants_write and time.monotonic() < deadline:
            self._poll([self._session], _LOOP_S)
        for session in self._sessions:
            session.disconnect()

    def _connect(self) -> None:
        """Try to connect the first session, and once that is there the others, until one cannot."""
        if self._session.socket is None:
            self._session.try_to_connect()
        elif self.is_connected:
            for session in self._sessions:
                if session.socket is None and session.is_due and not session.try_to_connect():
                    return

    def _sleep(self) -> None:
        if socket_wait.wait([self._wake_out], [], _LOOP_S)[0]:
            self._wake_out.recv(4096)

    def _gather(self, now: float, received_bytes: int) -> None:
        """Let what follows come together, as long as sockets hold it: the broker never waits for that."""
        longest_s = _SOON_S if self.is_prompt else _GATHER_S
        per_s = (received_bytes - self._gathered_bytes) / max(now - self._gathered_at, 1e-4)
        self._gather_until = now + min(longest_s, _GATHER_BYTES / max(per_s, 1.0))
        self._gathered_bytes, self._gathered_at = received_bytes, now

    def _let_gather(self, now: float) -> None:
        """Wait for what follows the last messages."""
        self._is_gathering = True
        if socket_wait.wait([self._wake_out], [], self._gather_until - now)[0]:
            soon = min(self._gather_until, self._gathered_at + _SOON_S)
            time.sleep(max(0.0, soon - time.monotonic()))
        self._is_gathering = False

    def _poll(self, sessions: list[Session], timeout_s: float) -> bool:
        """Read and write the sockets once; return whether anything had arrived."""
        for session in sessions:
            session.write()
        sessions = [session for session in sessions if session.socket is not None]
        pending = [session for session in sessions if session.has_more]
        began = time.monotonic()
        if not pending and self._gather_until > began:
            self._let_gather(began)
        readers = [self._wake_out, *(session.socket for session in sessions)]
        writers = [session.socket for session in sessions if session.wants_write]
        found = socket_wait.wait(readers, writers, 0 if pending or self._is_wanted else timeout_s)
        self._is_wanted = False
        readable, writable = set(found[0]), set(found[1])
        self._waited_s += min(time.monotonic() - began, timeout_s)  # a process that was stopped did not wait
        if self._wake_out in readable:
            self._wake_out.recv(4096)
        has_input, count = False, 0
        for session in sessions:
            is_readable, is_writable = session.socket in readable, session.socket in writable
            if is_readable or session in pending:
                has_input = True
                count += session.read()
            if is_writable:
                session.write()
            session.keep_alive()
        received = sum(session.received_bytes for session in sessions)
        if self.gathers and 0 < count < _FEW and received - self._received_bytes < _MUCH_BYTES:
            self._gather(time.monotonic(), received)
        self._received_bytes = received
        return has_input
