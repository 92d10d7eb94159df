"""Publisher of the worker's messages, those of the outbox until the broker has them.

A message that no broker takes would hold up all those behind it, for ever: it is set aside.
"""

import logging
from collections.abc import Callable, Iterable

from edge_worker.connection import Connection
from edge_worker.database.outbox import OutboxMessage
from edge_worker.errors import PayloadError
from edge_worker.ingest.intake_event import ControlMessage
from edge_worker.ingest.quarantine import Origin, Quarantine
from edge_worker.protocol import strict_json, topics
from edge_worker.protocol.home_assistant_discovery import DiscoveryMessage
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


class Publisher:
    """Publishes what the worker has to say. Used by the network thread."""

    def __init__(
        self, connection: Connection, acknowledge: Callable[[int], None], quarantine: Quarantine
    ) -> None:
        """Call `acknowledge` with the id of each message of the outbox that need not be published again."""
        self._connection = connection
        self._acknowledge = acknowledge
        self._quarantine = quarantine
        self._in_flight: dict[int, int] = {}
        """By MQTT packet id: the id of a message of the outbox that the broker has not acknowledged."""

    @property
    def waiting(self) -> int:
        """Number of messages of the outbox that the broker has not acknowledged."""
        return len(self._in_flight)

    def publish_outbox(self, message: OutboxMessage) -> None:
        """Publish a message of the outbox; one that no broker takes is set aside."""
        try:
            mid = self._connection.publish(message.topic, message.payload, retain=message.retain)
        except PayloadError as error:
            self._quarantine.put(Origin("outgoing", topic=message.topic), message.payload, str(error))
            self._acknowledge(message.id)
        else:
            self._in_flight[mid] = message.id

    def on_published(self, mid: int) -> None:
        """Take a message that the broker has out of the outbox."""
        message_id = self._in_flight.pop(mid, None)
        if message_id is not None:
            self._acknowledge(message_id)

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
