"""MQTT topic names, and the patterns to subscribe to them.

`up/…` is from a device to the worker, `down/…` from the worker to a device. Direction, QoS and retain of
each are in `docs/protocol.md` § Topics, which is normative.
"""

import re
from typing import Final

from edge_worker.errors import PayloadError

PREFIX: Final = "stetho/v1"
DEVICE_ID: Final = re.compile(r"[a-z0-9-]{1,32}")
EXAM_ID: Final = re.compile(r"[a-z0-9-]{1,32}")
_OF_SHARD: Final = re.compile(r"shard/([12]?[0-9]|3[01])")
_OF_DEVICES: Final = [*PREFIX.split("/"), "device"]
_MAX_TOPIC: Final = 256
"""Characters; the longest of ours has 90."""
_NOT_IN_TOPICS: Final = re.compile("[^!-~]|[+#]")
"""All of ours are printable ASCII."""

ALL_PCM: Final = f"{PREFIX}/device/+/up/pcm"
ALL_SHARD_PCM: Final = f"{PREFIX}/shard/+/device/+/up/pcm"
"""Likewise, where the broker maps chunks to shards."""
ALL_STATES: Final = f"{PREFIX}/device/+/up/state"
ALL_RESULTS: Final = f"{PREFIX}/result/#"
ALL_EXAMS: Final = f"{PREFIX}/exam/+/+"
ALL_CONTROLS: Final = f"{PREFIX}/device/+/down/control"
ALL_LIVE: Final = f"{PREFIX}/device/+/down/live"
ALL_WORKERS: Final = f"{PREFIX}/worker/+"
ALL_INFOS: Final = f"{PREFIX}/device/+/up/info"
ALL_TELEMETRY: Final = f"{PREFIX}/device/+/up/telemetry"
ALL_ANSWERS: Final = f"{PREFIX}/device/+/up/answer"
HOME_ASSISTANT: Final = "homeassistant"
"""Discovery prefix of Home Assistant: its default, and fixed by the broker's access rules."""
HOME_ASSISTANT_STATUS: Final = f"{HOME_ASSISTANT}/status"
ALL_HOME_ASSISTANT: Final = f"{HOME_ASSISTANT}/device/+/config"


def pcm(device_id: str) -> str:
    """Return the topic of the chunks of a device, PCM and META: QoS 1, not retained."""
    return f"{PREFIX}/device/{device_id}/up/pcm"


def shard_pcm(shard: int) -> str:
    """Return the pattern of the chunks of all devices of a shard, where the broker maps them to it."""
    return f"{PREFIX}/shard/{shard}/device/+/up/pcm"


def state(device_id: str) -> str:
    """Return the topic of the birth, will and state of a device: QoS 1, retained."""
    return f"{PREFIX}/device/{device_id}/up/state"


def info(device_id: str) -> str:
    """Return the topic of the firmware and hardware of a device: QoS 1, retained."""
    return f"{PREFIX}/device/{device_id}/up/info"


def telemetry(device_id: str) -> str:
    """Return the topic of the measurements of a device about itself: QoS 0, not retained."""
    return f"{PREFIX}/device/{device_id}/up/telemetry"


def answer(device_id: str) -> str:
    """Return the topic of what a device answers to commands: QoS 1, not retained."""
    return f"{PREFIX}/device/{device_id}/up/answer"


def command(device_id: str) -> str:
    """Return the topic of commands to a device, which it obeys at once or never: not retained."""
    return f"{PREFIX}/device/{device_id}/down/command"


def control(device_id: str) -> str:
    """Return the topic of `missing`, `stored` and `rejected` for a device: QoS 1, not retained."""
    return f"{PREFIX}/device/{device_id}/down/control"


def home_assistant(device_id: str) -> str:
    """Return the topic of the description of a device for Home Assistant: QoS 1, retained."""
    return f"{HOME_ASSISTANT}/device/{device_id}/config"


def device_result(device_id: str) -> str:
    """Return the topic of the compact result for the display of a device: QoS 1, retained."""
    return f"{PREFIX}/device/{device_id}/down/result"


def live(device_id: str) -> str:
    """Return the topic of live values for a device while audio arrives: QoS 0, not retained."""
    return f"{PREFIX}/device/{device_id}/down/live"


def sounds(device_id: str) -> str:
    """Return the topic of the list of the last sounds of a device: QoS 1, retained."""
    return f"{PREFIX}/device/{device_id}/down/sounds"


def result(device_id: str) -> str:
    """Return the topic of the full result for operators: QoS 1, not retained."""
    return f"{PREFIX}/result/{device_id}"


def exam(device_id: str, exam_id: str) -> str:
    """Return the topic of an exam for operators: QoS 1, not retained."""
    return f"{PREFIX}/exam/{device_id}/{exam_id}"


def worker(worker_id: str) -> str:
    """Return the topic of the state and will of a worker: QoS 1, retained."""
    return f"{PREFIX}/worker/{worker_id}"


def require_publishable(topic: str) -> None:
    """Raise PayloadError unless a message can have this topic: brokers refuse the client otherwise."""
    if not 0 < len(topic) <= _MAX_TOPIC or _NOT_IN_TOPICS.search(topic):
        raise PayloadError(f"no message can have the topic {topic[:_MAX_TOPIC]!r}")


def device_of(topic: str) -> str | None:
    """Return the device id of an `up/…` topic, or None when the topic or the id is malformed.

    A broker that deals chunks out by shard puts `shard/{shard}` before the device.
    """
    levels = topic.split("/")
    if _OF_SHARD.fullmatch("/".join(levels[2:4])):
        del levels[2:4]
    if len(levels) != 6 or levels[:3] != _OF_DEVICES:  # noqa: PLR2004 - prefix has two levels, then four
        return None
    return levels[3] if DEVICE_ID.fullmatch(levels[3]) else None
