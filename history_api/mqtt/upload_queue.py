"""Uploads on their way to the worker, and those that it rejected lately."""

import logging
from collections.abc import Callable
from typing import Any, Final

from edge_worker.protocol import topics
from edge_worker.telemetry.logfmt import line
from history_api.mqtt.upload_publisher import UploadPublisher

_LOG: Final = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
_IN_FLIGHT: Final = 16
"""Chunks that the broker has not acknowledged: so much of an upload is in memory, at most 1 MiB."""
_MOST_REJECTED: Final = 1000
"""Uploads whose rejection can still be asked for."""
_Key = tuple[str, str]
"""Device id and recording id."""


class UploadQueue:
    """The uploads of one MQTT session. Any thread may add and find; the session's thread does the rest."""

    def __init__(self) -> None:
        self._publishers: dict[_Key, UploadPublisher] = {}
        self._rejected: dict[_Key, UploadPublisher] = {}
        self._unacknowledged: set[int] = set()

    def __bool__(self) -> bool:
        """Return whether an upload is under way."""
        return bool(self._publishers)

    def add(self, publisher: UploadPublisher) -> None:
        """Publish an upload, until the worker has stored it."""
        self._publishers[publisher.sound.device_id, publisher.sound.name] = publisher

    def find(self, device_id: str, recording_id: str) -> UploadPublisher | None:
        """Return the upload of a recording that is under way, or was rejected lately."""
        key = (device_id, recording_id)
        return self._publishers.get(key) or self._rejected.get(key)

    def waiting_bytes(self, device_id: str) -> int:
        """Return the size of the sounds of a device that the worker has not stored."""
        waiting = [each for each in list(self._publishers.values()) if not each.is_stored]
        return sum(each.sound.size for each in waiting if each.sound.device_id == device_id)

    def device_ids(self, recording_id: str) -> set[str]:
        """Return the devices with an upload of this recording id, under way or rejected lately."""
        return {key[0] for key in (*self._publishers, *self._rejected) if key[1] == recording_id}

    def publish_due(self, publish: Callable[[str, bytes], int], now: float) -> None:
        """Publish the chunks that are due at `now`, as far as the limit on those in flight allows.

        `publish` takes a topic and a payload and returns the number that `on_published` gets.
        """
        for publisher in list(self._publishers.values()):
            while len(self._unacknowledged) < _IN_FLIGHT:
                payload = self._next_payload(publisher, now)
                if payload is None:
                    break
                self._unacknowledged.add(publish(topics.pcm(publisher.sound.device_id), payload))

    def _next_payload(self, publisher: UploadPublisher, now: float) -> bytes | None:
        """Return the next chunk of an upload; one whose file cannot be read holds up no other."""
        try:
            return publisher.next_payload(now)
        except FileNotFoundError as error:
            _LOG.warning(line("upload_lost", recording=publisher.sound.name, reason=error))
            publisher.reject(
                "its sound was removed from the data directory before it was sent; send it again"
            )
            self._keep_rejected((publisher.sound.device_id, publisher.sound.name))
        except OSError as error:
            _LOG.warning(line("upload_waits", recording=publisher.sound.name, reason=error))
            publisher.pause(now + _RETRY_S)
        return None

    def on_connected(self) -> None:
        """Begin anew with a new connection: what the old one had not delivered is asked for by the worker."""
        self._unacknowledged.clear()
        # The result of a stored upload may have come while we were away; it is in the history.
        for key, publisher in list(self._publishers.items()):
            if publisher.is_stored:
                del self._publishers[key]

    def on_published(self, number: int) -> None:
        """Make room for another chunk: the broker has the message of this number."""
        self._unacknowledged.discard(number)

    def on_control(self, device_id: str, document: dict[str, Any]) -> None:
        """Hand a control message to the upload that it is about."""
        key = (device_id, str(document.get("recording_id")))
        publisher = self._publishers.get(key)
        if publisher is None:
            return
        publisher.on_control(document)
        if publisher.rejection:
            self._keep_rejected(key)

    def on_result(self, device_id: str, document: dict[str, Any]) -> None:
        """Hand a result to the upload that it is of, which ends with it."""
        publisher = self._publishers.pop((device_id, str(document.get("recording_id"))), None)
        if publisher is not None:
            publisher.on_result()

    def _keep_rejected(self, key: _Key) -> None:
        """Move an upload that ended without a recording to those that can still be asked for."""
        self._rejected[key] = self._publishers.pop(key)
        while len(self._rejected) > _MOST_REJECTED:
            del self._rejected[next(iter(self._rejected))]
