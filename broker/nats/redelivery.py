"""Redelivery of chunks that a process of a worker had received when it ended, and had not acknowledged.

MQTT has the broker send them again as soon as the session is back; NATS waits for `ack_wait`, a minute. So
whoever lets the session of a shard in has NATS begin again with what is not acknowledged. A chunk that comes
twice is dropped by the worker.
"""

import asyncio
import logging
import re
from hashlib import sha256
from typing import Any, Final

from nats.aio.client import Client
from nats.errors import Error

from edge_worker.protocol import strict_json
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_STREAM: Final = "$MQTT_msgs"
_NAMES: Final = f"$JS.API.CONSUMER.NAMES.{_STREAM}"
_RESET: Final = f"$JS.API.CONSUMER.RESET.{_STREAM}"
_SHARD_ACCOUNT: Final = re.compile(r"worker(-.+)?-s[0-9]{2}")
_AFTER_S: Final = (0.1, 0.6)
"""When the session is there: as a rule at once."""
_ANSWER_WITHIN_S: Final = 1.0
_TRIES: Final = 5
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HASH: Final = 8


class Redelivery:
    """Has what shards did not acknowledge sent again. Used by the event loop."""

    def __init__(self, site: Client) -> None:
        """Use the connection of the account in which the clients are."""
        self._site = site
        self._names: dict[str, list[str]] = {}
        """By client id: its consumers, which stay as long as its session."""
        self._running: set[asyncio.Task[None]] = set()

    def admitted(self, client_id: str) -> None:
        """Note that a client is let in; returns at once."""
        if _SHARD_ACCOUNT.fullmatch(client_id):
            task = asyncio.create_task(self._redeliver(client_id))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _redeliver(self, client_id: str) -> None:
        for seconds in _AFTER_S:
            await asyncio.sleep(seconds)
            try:
                for name in self._names.get(client_id) or await self._consumers(client_id):
                    await self._reset(name)
            except (Error, KeyError, ValueError) as error:
                reason = str(error) or type(error).__name__
                _LOG.warning(line("not_redelivered", user=client_id, reason=reason))

    async def _reset(self, consumer: str) -> None:
        """Have a consumer begin again with what is not acknowledged; raises ValueError where NATS refuses."""
        for tries_left in reversed(range(_TRIES)):
            try:
                answer = await self._ask(f"{_RESET}.{consumer}", {})
            except TimeoutError:  # it has no leader at this moment
                if not tries_left:
                    raise
            else:
                if "error" in answer:
                    raise ValueError(answer["error"].get("description"))
                return

    async def _consumers(self, client_id: str) -> list[str]:
        found: list[str] = []
        offset, total = 0, 1
        while offset < total:
            answer = await self._ask(_NAMES, {"offset": offset})
            page = answer["consumers"] or []
            found += [each for each in page if each.startswith(f"{hash_of(client_id)}_")]
            offset, total = offset + max(1, len(page)), answer["total"]
        self._names[client_id] = found
        return found

    async def _ask(self, subject: str, question: dict[str, Any]) -> dict[str, Any]:
        content = strict_json.write(question).encode()
        answer = await self._site.request(subject, content, timeout=_ANSWER_WITHIN_S)
        document: dict[str, Any] = strict_json.read(answer.data)
        return document


def hash_of(client_id: str) -> str:
    """Return how NATS begins the names of the consumers of an MQTT client."""
    digest = sha256(client_id.encode()).digest()
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in digest[:_HASH])
