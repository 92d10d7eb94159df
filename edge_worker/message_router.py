"""Router of incoming MQTT messages: chunks, device states, and topics of Home Assistant."""

import contextlib
import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from edge_worker.errors import ChunkError
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import IntakeEvent
from edge_worker.ingest.quarantine import Origin
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.shared_account import BootWatch
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import peek_recording_id, recording_name
from edge_worker.protocol.device_report import DeviceState, parse_state
from edge_worker.protocol.home_assistant_discovery import DiscoveryMessage, HomeAssistantDiscovery
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.strict_json import JsonError
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_MAX_FACTS_BYTES: Final = 4096
"""Bytes of a state or an info."""
_CHUNKS: Final = "/up/pcm"
_device_of = lru_cache(maxsize=4096)(topics.device_of)


class MessageRouter:
    """Hands each message to the intake or to the Home Assistant discovery. Used by the network thread."""

    def __init__(
        self,
        intake: Intake,
        discovery: HomeAssistantDiscovery,
        publish: Callable[[Iterable[DiscoveryMessage]], None],
    ) -> None:
        """Publish what the discovery returns with `publish`."""
        self._intake = intake
        self._discovery = discovery
        self._publish = publish
        self._boots: dict[str, str | None] = {}
        """By device: the boot id of its last state."""
        self.boots = BootWatch()
        self._erased: set[str] = set()
        """Topics of retained chunks that were erased, until the broker has told us so."""

    def route(self, message: Inbound, now: float) -> list[IntakeEvent]:
        """Process one message; return what the intake made of it.

        Raises:
            OSError, StoreFault: disk or database refuse it for now. Nothing was changed.
        """
        topic, device_id = message.topic, _device_of(message.topic)
        if device_id is not None and not self._intake.shards.holds(device_id):
            self._note_presence(device_id, message, now)
            return []  # another process receives it, too
        if device_id is not None and topic.endswith(_CHUNKS):
            return self._receive_chunk(device_id, message, now)
        if device_id is not None and not self._is_admitted(device_id, message, now):
            return []
        if self._discovery.handles(topic):
            self._publish(self._discovery.receive(topic, message.payload))
        elif device_id is not None and topic.endswith("/up/state"):
            self._receive_state(device_id, message.payload, now)
        else:
            self._intake.counts["rejected_topic"] += 1
        return []

    def _receive_chunk(self, device_id: str, message: Inbound, now: float) -> list[IntakeEvent]:
        """Hand a chunk to the intake; one that the broker had retained is rejected, and erased there."""
        topic = message.topic
        if message.retain:
            self._erased.add(topic)
            self._publish([DiscoveryMessage(topic, b"")])
            return self._intake.reject(device_id, ChunkError("retained", "a chunk is never retained"), now)
        if not message.payload and topic in self._erased:  # what we published ourselves
            self._erased.discard(topic)
            return []
        return self._intake.receive(device_id, message.payload, now)

    def _is_admitted(self, device_id: str, message: Inbound, now: float) -> bool:
        """Return whether a state or an info is short, and its device within its share; chunks always are."""
        kind = message.topic.rpartition("/")[2]
        if kind not in ("state", "info"):
            return True
        is_short = len(message.payload) <= _MAX_FACTS_BYTES
        is_admitted = is_short and self._intake.admits(device_id, message.payload, now)
        if not is_admitted:
            self._intake.counts[f"rejected_{kind}"] += 1
        return is_admitted

    def refuse(self, message: Inbound, error: Exception, now: float) -> list[IntakeEvent]:
        """Set aside a message that raised an unexpected exception; return the answer to its device."""
        device_id = _device_of(message.topic)
        recording_id = peek_recording_id(message.payload) if message.topic.endswith("/up/pcm") else None
        name = None if recording_id is None else recording_name(recording_id)
        origin = Origin("message", device_id, name, message.topic)
        self._intake.quarantine.put(origin, message.payload, error)
        if device_id is None or not message.topic.endswith("/up/pcm"):
            return []
        refusal = ChunkError("failed", "the worker cannot process it, and has set it aside", recording_id)
        return self._intake.refuse(device_id, message.payload, refusal, now)

    def take(self, shards: HeldShards) -> None:
        """Describe the devices of shards that were another process's."""
        self._publish(self._discovery.take(shards))

    def _note_presence(self, device_id: str, message: Inbound, now: float) -> None:
        """Follow whether a device of another process is online, and what it is: it may be ours soon."""
        if len(message.payload) > _MAX_FACTS_BYTES:
            return
        if message.topic.endswith("/up/info"):
            self._discovery.receive(message.topic, message.payload)
        if message.topic.endswith("/up/state"):
            with contextlib.suppress(JsonError):
                state = parse_state(message.payload)
                if not self._is_stale(device_id, state):
                    self._boots[device_id] = state.boot
                    self._intake.set_device_online(device_id, state.is_online, now)
                    self._discovery.note_device(device_id, is_online=state.is_online)

    def _is_stale(self, device_id: str, state: DeviceState) -> bool:
        """Return whether a state is the will of an earlier boot."""
        return state.state == "lost" and self._boots.get(device_id, state.boot) != state.boot

    def _receive_state(self, device_id: str, payload: bytes, now: float) -> None:
        """Follow birth and will messages; a will of an earlier boot is out of date."""
        try:
            state = parse_state(payload)
        except JsonError:
            self._intake.counts["rejected_state"] += bool(payload)  # an empty one clears the retained state
            return
        if self._is_stale(device_id, state):
            return
        self._boots[device_id] = state.boot
        if self.boots.saw(device_id, str(state.boot), now):
            _LOG.error(
                line(
                    "account_shared", user=device_id, reason="two devices use this account; give each its own"
                )
            )
        self._publish(self._discovery.update_device(device_id, is_online=state.is_online))
        self._intake.set_device_online(device_id, state.is_online, now)
