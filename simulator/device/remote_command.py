"""Commands of people to a device, and its answers; normative: `docs/protocol.md` § Commands."""

import json
import time
from typing import Final, Literal, NamedTuple, Self

from edge_worker.protocol import strict_json, topics
from simulator.device.message import Message

COMMANDS: Final = ("record", "stop", "restart", "identify")


class Answer(NamedTuple):
    """What a device answers to a command."""

    answer: Literal["done", "refused"]
    reason: str | None = None

    def message(self, device_id: str, command_id: str) -> Message:
        """Return the message with this answer."""
        document = {"id": command_id, "answer": self.answer}
        document |= {} if self.reason is None else {"reason": self.reason}
        return Message(topics.answer(device_id), strict_json.write(document).encode())


class Command(NamedTuple):
    """One command."""

    id: str
    name: str
    seconds: float | None = None
    """Of `record`: length of the recording; None: as the device is set."""
    is_stream: bool = False
    """Of `record`: until it is stopped."""
    expires: float = float("inf")
    """Unix time after which it is not obeyed."""

    @classmethod
    def parse(cls, payload: bytes) -> Self | None:
        """Return the command in a message; None where there is none."""
        try:
            document = json.loads(payload)
            args = document.get("args") or {}
            seconds = args.get("seconds")
            return cls(
                str(document["id"]),
                str(document["command"]),
                None if seconds is None else float(seconds),
                args.get("stream") is True,
                float(document.get("expires", "inf")),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def refusal(self) -> Answer | None:
        """Return why no device obeys this command; None: one that can, does."""
        if time.time() > self.expires:
            return Answer("refused", "late")
        return None if self.name in COMMANDS else Answer("refused", "unknown")


def refuse(_command: Command) -> Answer:
    """Answer for a device that does what its program says."""
    return Answer("refused", "unsupported")
