"""Discovery by Home Assistant: decides when the description of a stethoscope is published or cleared.

Pure of MQTT: messages and device states go in, the messages to publish come out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from edge_worker.protocol import home_assistant, topics
from edge_worker.protocol.device_report import parse_facts
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.strict_json import JsonError


class DiscoveryMessage(NamedTuple):
    """A retained message to publish; an empty payload clears it."""

    topic: str
    payload: bytes


class HomeAssistantDiscovery:
    """Published descriptions: of each stethoscope that is online, or of which there are recordings."""

    def __init__(self, worker_id: str, *, is_on: bool, is_known: Callable[[str], bool]) -> None:
        """Publish for a worker if `is_on`; `is_known` tells whether there are recordings of a device."""
        self._worker_id = worker_id
        self._is_on = is_on
        self._is_known = is_known
        self._infos: dict[str, dict[str, Any]] = {}
        self._states: dict[str, bool] = {}
        """By device, also of those that other processes serve: whether it is online."""
        self._foreign: set[str] = set()
        """Devices of which another process has published the description that the broker has."""
        self._published: dict[str, bytes] = {}

    @property
    def subscriptions(self) -> list[str]:
        """Topics to subscribe to; `up/info` before `up/state`, so that a device is described once."""
        more = [topics.HOME_ASSISTANT_STATUS, topics.ALL_INFOS] if self._is_on else []
        return [topics.ALL_HOME_ASSISTANT, *more]

    def handles(self, topic: str) -> bool:
        """Return whether `topic` is for `receive`: sessions remember what was subscribed when this was on."""
        return topic.startswith(topics.HOME_ASSISTANT) or topic.endswith("/up/info")

    def receive(self, topic: str, message: bytes) -> list[DiscoveryMessage]:
        """Take a message; return the messages to publish now."""
        if topic == topics.HOME_ASSISTANT_STATUS:
            return self._all() if message == b"online" else []
        if topic.endswith("/config"):
            return self._follow_config(topic, message)
        device_id = topics.device_of(topic)
        if device_id is None:
            return []
        self._infos[device_id] = _facts(message)
        return self._describe(device_id) if device_id in self._published else []

    def note_device(self, device_id: str, *, is_online: bool) -> None:
        """Note the state of a device, which another process may serve, and describe."""
        if self._is_on:
            self._states[device_id] = is_online

    def take(self, shards: HeldShards) -> list[DiscoveryMessage]:
        """Return the descriptions of devices that another process has served.

        Their entities are available while the process is that their description names.
        """
        ours = [device_id for device_id in self._states if shards.holds(device_id)]
        named = [each for each in ours if self._states[each] or each in self._foreign]
        return [message for device_id in named for message in self._describe(device_id)]

    def update_device(self, device_id: str, *, is_online: bool) -> list[DiscoveryMessage]:
        """Take the state of a device; return the messages to publish now."""
        self.note_device(device_id, is_online=is_online)
        if not self._is_on or not (is_online or device_id in self._published or self._is_known(device_id)):
            return []
        return self._describe(device_id)

    def _describe(self, device_id: str) -> list[DiscoveryMessage]:
        payload = home_assistant.payload(device_id, self._worker_id, self._infos.get(device_id, {}))
        if not self._is_on or self._published.get(device_id) == payload:
            return []
        self._published[device_id] = payload
        return [DiscoveryMessage(topics.home_assistant(device_id), payload)]

    def _all(self) -> list[DiscoveryMessage]:
        """Return all published descriptions again: Home Assistant has just started."""
        return [DiscoveryMessage(topics.home_assistant(each), text) for each, text in self._published.items()]

    def _follow_config(self, topic: str, config: bytes) -> list[DiscoveryMessage]:
        """Follow the retained descriptions: forget cleared ones, and clear our own when this is off."""
        device_id = topic.split("/")[2]
        is_ours = bool(config) and home_assistant.is_ours(config, self._worker_id)
        if is_ours and not self._is_on:
            return [DiscoveryMessage(topic, b"")]
        if is_ours:
            self._foreign.discard(device_id)
            self._published.setdefault(device_id, config)
        else:
            self._published.pop(device_id, None)
            (self._foreign.add if config else self._foreign.discard)(device_id)
        return []


def _facts(message: bytes) -> dict[str, Any]:
    try:
        return parse_facts(message)
    except JsonError:
        return {}
