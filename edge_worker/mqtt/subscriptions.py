"""Subscriptions of one session, all at one QoS. What the broker refuses or does not answer is asked again.

A cluster that has just lost a node refuses for a moment; what is sent meanwhile would reach nobody.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_AGAIN_AFTER_S: Final = 1.0
_ANSWER_WITHIN_S: Final = 20.0


class Subscriptions:
    """Topics of one session, and what the broker said of them."""

    def __init__(self, user: str, topics: Sequence[str], *, qos: int = 1) -> None:
        """Subscribe the account `user` to `topics` at each connection."""
        self._user = user
        self._qos = qos
        self._topics = list(topics)
        self._asked: dict[int, list[str]] = {}
        """By packet id: what was not answered yet."""
        self._answer_by = 0.0
        """Of the last of them."""
        self._refused: list[str] = []
        self._again_at = 0.0

    def renew(self, client: mqtt.Client) -> None:
        """Subscribe to all; at each new connection."""
        self._asked.clear()
        self._refused.clear()
        self._ask(client, self._topics)

    def add(self, client: mqtt.Client, topic: str) -> None:
        """Subscribe to one more, now and at each connection."""
        self._topics.append(topic)
        self._ask(client, [topic])

    def remove(self, client: mqtt.Client, topic: str) -> None:
        """Unsubscribe from one."""
        self._topics.remove(topic)
        client.unsubscribe(topic)

    def answered(self, mid: int, codes: Sequence[ReasonCode]) -> None:
        """Note what the broker says of the packet `mid`."""
        pairs = zip(self._asked.pop(mid, ()), codes, strict=False)
        if refused := [topic for topic, code in pairs if code.is_failure]:
            self._ask_later(refused, "subscription_refused")

    def turn(self, client: mqtt.Client) -> None:
        """Ask again for what was refused or not answered, when it is time."""
        now = time.monotonic()
        if self._asked and now >= self._answer_by:
            unanswered = [topic for asked in self._asked.values() for topic in asked]
            self._asked.clear()
            self._ask_later(unanswered, "subscription_unanswered")
        if self._refused and now >= self._again_at:
            wanted, self._refused = [each for each in self._refused if each in self._topics], []
            self._ask(client, wanted)

    def _ask_later(self, wanted: list[str], event: str) -> None:
        _LOG.error(line(event, user=self._user, topics=",".join(wanted)))
        self._refused += wanted
        self._again_at = time.monotonic() + _AGAIN_AFTER_S

    def _ask(self, client: mqtt.Client, wanted: list[str]) -> None:
        if wanted:
            _, mid = client.subscribe([(topic, self._qos) for topic in wanted])
            self._asked[mid or 0] = list(wanted)
            self._answer_by = time.monotonic() + _ANSWER_WITHIN_S
