"""Commands to devices on their way, and what the devices answer; normative: `docs/protocol.md` § Commands.

A command is for now. It is published without receipt (QoS 0), and only while there is a connection, so that
neither this process nor the broker keeps it for later. As long as somebody waits for the answer it is
published again, with the same id: a device obeys it once and answers each time.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from edge_worker.protocol import strict_json, topics

EXPIRES_S: Final = 30
"""After so many seconds a device that knows the time does not obey any more."""
_SEND_WITHIN_S: Final = 2
"""The thread of the session is never as busy, so the connection was lost."""
_AGAIN_AFTER_S: Final = 1.0
"""Without an answer for so long it is published again."""
Document = dict[str, Any]


class SentCommand:
    """One command, from the request to the answer."""

    def __init__(self, device_id: str, command: str, args: Document) -> None:
        self.id = secrets.token_hex(8)
        self.device_id = device_id
        self.command = command
        self.answer: Document | None = None
        """What the device answered: `answer`, and `reason` or None."""
        self._args = args
        self._is_given_up = False
        self._lock = threading.Lock()
        self._sent = threading.Event()
        self._answered = threading.Event()

    @property
    def is_sent(self) -> bool:
        """Whether it was published."""
        return self._sent.is_set()

    def wait_until_sent(self) -> bool:
        """Return whether it was sent within a moment."""
        return self._sent.wait(_SEND_WITHIN_S)

    def wait(self, within_s: float) -> bool:
        """Return whether the answer comes within so many seconds."""
        return self._answered.wait(within_s)

    def give_up(self) -> None:
        """Publish it no more."""
        with self._lock:
            self._is_given_up = True

    def publish(self, publish: Callable[[str, bytes], None], *, with_expiry: bool) -> None:
        """Publish the command, unless nobody waits for it any more."""
        document: Document = {"id": self.id, "command": self.command, "args": self._args}
        if with_expiry:
            document["expires"] = int(time.time()) + EXPIRES_S
        with self._lock:
            if not self._is_given_up:
                publish(topics.command(self.device_id), strict_json.write(document).encode())
                self._sent.set()

    def take(self, answer: Document) -> None:
        """Take the answer of the device."""
        self.answer = answer
        self._answered.set()


class CommandExchange:
    """The commands of one MQTT session. Any thread may ask; the session's thread does the rest."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        """Commands by name and answer: `done`, `refused` or `no_answer`."""
        self._open: dict[str, SentCommand] = {}
        self._unsent: list[tuple[SentCommand, bool]] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Return whether somebody waits for the answer to a command."""
        return bool(self._open)

    def ask(self, sent: SentCommand, wake: Callable[[], None], within_s: float, *, with_expiry: bool) -> None:
        """Have a command published, and wait for its answer; `wake` has `publish_due` called.

        `with_expiry`: the clock of this machine is right.
        """

        def publish() -> None:
            with self._lock:
                self._open[sent.id] = sent
                self._unsent.append((sent, with_expiry))
            wake()

        publish()
        try:
            if sent.wait_until_sent():
                left_s = within_s
                while not sent.wait(min(left_s, _AGAIN_AFTER_S)) and left_s > _AGAIN_AFTER_S:
                    left_s -= _AGAIN_AFTER_S
                    publish()
        finally:
            sent.give_up()
            with self._lock:
                del self._open[sent.id]
        if sent.is_sent:
            answer = "no_answer" if sent.answer is None else str(sent.answer["answer"])
            with self._lock:
                self.counts[sent.command, answer] += 1

    def publish_due(self, publish: Callable[[str, bytes], None]) -> None:
        """Publish what waits, by `publish`, which takes a topic and a payload."""
        with self._lock:
            unsent, self._unsent = self._unsent, []
        for sent, with_expiry in unsent:
            sent.publish(publish, with_expiry=with_expiry)

    def on_disconnected(self) -> None:
        """Drop what was not sent: after the next connection it would come late."""
        with self._lock:
            self._unsent = []

    def on_answer(self, device_id: str, document: Document) -> None:
        """Hand an answer to the command that it is of; other clients have commands of their own."""
        with self._lock:
            sent = self._open.get(document["id"])
        if sent is not None and sent.device_id == device_id:
            sent.take(document)
