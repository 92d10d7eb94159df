"""When stethoscopes are announced to Home Assistant, and when that is taken back.

Nothing here talks to a broker: what is to be published is returned.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from edge_worker.protocol import home_assistant, topics


class DiscoveryMessage(NamedTuple):
    """A retained message; an empty payload takes it back."""

    topic: str
    payload: bytes


class HomeAssistantDiscovery:
    """What Home Assistant knows of: each stethoscope that is there, or of which there are recordings."""

    def __init__(self, worker_id: str, *, is_on: bool, is_known: Callable[[str], bool]) -> None:
        """Announce for a worker; `is_known` tells whether recordings of a device are here."""
        self._worker_id = worker_id
        self._is_on = is_on
        self._is_known = is_known
        self._infos: dict[str, dict[str, Any]] = {}
        self._announced: dict[str, bytes] = {}

    @property
    def subscriptions(self) -> list[str]:
        """What has to be heard; what a device is comes before its state, so that it is announced once."""
        more = [topics.HOME_ASSISTANT_STATUS, topics.ALL_INFOS] if self._is_on else []
        return [topics.ALL_HOME_ASSISTANT, *more]

    def handles(self, topic: str) -> bool:
        """Return whether `topic` is for `receive`: sessions remember what was subscribed when this was on."""
        return topic.startswith(topics.HOME_ASSISTANT) or topic.endswith("/up/info")

    def receive(self, topic: str, message: bytes) -> list[DiscoveryMessage]:
        """Take a message; return what is to be published now."""
        if topic == topics.HOME_ASSISTANT_STATUS:
            return self._all() if message == b"online" else []
        if topic.endswith("/config"):
            return self._noted(topic, message)
        device_id = topics.device_of(topic)
        if device_id is None:
            return []
        self._infos[device_id] = _object(message)
        return self._announce(device_id) if device_id in self._announced else []

    def update_device(self, device_id: str, *, is_there: bool) -> list[DiscoveryMessage]:
        """Take the state of a device; return what is to be published now."""
        if not self._is_on or not (is_there or device_id in self._announced or self._is_known(device_id)):
            return []
        return self._announce(device_id)

    def _announce(self, device_id: str) -> list[DiscoveryMessage]:
        described = home_assistant.payload(device_id, self._worker_id, self._infos.get(device_id, {}))
        if not self._is_on or self._announced.get(device_id) == described:
            return []
        self._announced[device_id] = described
        return [DiscoveryMessage(topics.home_assistant(device_id), described)]

    def _all(self) -> list[DiscoveryMessage]:
        """Return all that was announced: Home Assistant has just started."""
        return [DiscoveryMessage(topics.home_assistant(each), said) for each, said in self._announced.items()]

    def _noted(self, topic: str, config: bytes) -> list[DiscoveryMessage]:
        """Follow what is retained: deleted devices are forgotten, and all of them when this is off."""
        device_id = topic.split("/")[2]
        if not config:
            self._announced.pop(device_id, None)
        elif not home_assistant.is_ours(config, self._worker_id):
            return []
        elif not self._is_on:
            return [DiscoveryMessage(topic, b"")]
        else:
            self._announced.setdefault(device_id, config)
        return []


def _object(message: bytes) -> dict[str, Any]:
    try:
        found = json.loads(message)
        # Half a surrogate passes this reader, and no other one.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
