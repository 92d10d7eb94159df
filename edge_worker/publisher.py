"""Publisher of the worker's messages, those of the outbox until the broker has them.

A message that no broker takes would hold up all those behind it, for ever: it is set aside.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Final

from edge_worker.database.outbox import OutboxMessage
from edge_worker.errors import PayloadError
from edge_worker.ingest.intake_event import ControlMessage
from edge_worker.ingest.quarantine import Origin, Quarantine
from edge_worker.mqtt.connection import Connection
from edge_worker.protocol import strict_json, topics
from edge_worker.protocol.home_assistant_discovery import DiscoveryMessage
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_MAX_FRUITLESS: Final = 5
"""Connections that ended before the broker took one of the messages that waited for it."""


class Publisher:
    """Publishes what the worker has to say. Used by the network thread."""

    def __init__(
        self, connection: Connection, acknowledge: Callable[[int], None], quarantine: Quarantine
    ) -> None:
        """Call `acknowledge` with the id of each message of the outbox that need not be published again."""
        self._connection = connection
        self._acknowledge = acknowledge
        self._quarantine = quarantine
        self._in_flight: dict[int, OutboxMessage] = {}
        """By number: a message of the outbox that the broker has not acknowledged."""
        self._fruitless = 0
        self._has_progress = True
        """Whether the broker took a message of the outbox in this connection, or there is none."""

    @property
    def waiting(self) -> int:
        """Number of messages of the outbox that the broker has not acknowledged."""
        return len(self._in_flight)

    def waits_for(self, shards: HeldShards) -> bool:
        """Return whether messages of shards are on their way to the broker."""
        return any(shards.publishes(message.topic) for message in self._in_flight.values())

    def publish_outbox(self, message: OutboxMessage) -> None:
        """Publish a message of the outbox; one that no broker takes is set aside.

        Also one of a shard that we have lost meanwhile: whoever saved it is the only one to know of it.
        """
        try:
            number = self._connection.publish(message.topic, message.payload, retain=message.retain)
        except PayloadError as error:
            self._set_aside(message, str(error))
        else:
            self._in_flight[number] = message

    def on_connected(self) -> None:
        """Note that the broker has accepted the connection."""
        self._has_progress = not self._in_flight

    def on_published(self, number: int) -> None:
        """Take a message that the broker has out of the outbox."""
        message = self._in_flight.pop(number, None)
        if message is not None:
            self._has_progress = True
            self._acknowledge(message.id)

    def on_disconnected(self) -> None:
        """Set the largest message aside when the broker ends each connection without taking any.

        So does a broker whose packets are smaller than those of ours, and it says nothing else about it.
        """
        self._fruitless = 0 if self._has_progress else self._fruitless + 1
        self._has_progress = True  # an attempt that the broker does not accept says nothing
        if self._fruitless < _MAX_FRUITLESS:
            return
        self._fruitless = 0
        waiting = sorted(self._in_flight.values(), key=lambda each: each.id)
        largest = max(waiting, key=lambda each: len(each.payload))
        self._set_aside(
            largest, f"the broker ended {_MAX_FRUITLESS} connections and took no message: too large?"
        )
        self._in_flight.clear()
        self._connection.forget_published()
        for message in waiting:
            if message is not largest:
                self.publish_outbox(message)

    def _set_aside(self, message: OutboxMessage, reason: str) -> None:
        self._quarantine.put(Origin("outgoing", topic=message.topic), message.payload, reason)
        self._acknowledge(message.id)

    def publish_control(self, message: ControlMessage) -> None:
        """Publish a control message to its device."""
        self.publish(topics.control(message.device_id), strict_json.write(message.document))

    def announce(self, messages: Iterable[DiscoveryMessage]) -> None:
        """Publish descriptions for Home Assistant."""
        for topic, payload in messages:
            self.publish(topic, payload, retain=True)

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish a message that is not in the outbox; one that no broker takes is only logged."""
        try:
            self._connection.publish(topic, payload, retain=retain)
        except PayloadError as error:
            _LOG.exception(line("failed", topic=topic, error=error))
