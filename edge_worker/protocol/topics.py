"""The topic names of the wire protocol, in one place. Normative: `docs/protocol.md` § Topics."""

import re
from typing import Final

PREFIX: Final = "stetho/v1"
DEVICE_ID: Final = re.compile(r"[a-z0-9-]{1,32}")
EXAM_ID: Final = re.compile(r"[a-z0-9-]{1,32}")

ALL_PCM: Final = f"{PREFIX}/device/+/up/pcm"
ALL_STATES: Final = f"{PREFIX}/device/+/up/state"
ALL_RESULTS: Final = f"{PREFIX}/result/#"
ALL_EXAMS: Final = f"{PREFIX}/exam/+/+"
ALL_CONTROLS: Final = f"{PREFIX}/device/+/down/control"
ALL_LIVE: Final = f"{PREFIX}/device/+/down/live"
ALL_WORKERS: Final = f"{PREFIX}/worker/+"
ALL_INFOS: Final = f"{PREFIX}/device/+/up/info"
ALL_TELEMETRY: Final = f"{PREFIX}/device/+/up/telemetry"
HOME_ASSISTANT: Final = "homeassistant"
"""Where Home Assistant looks for descriptions of devices; its default, and fixed by the broker's rules."""
HOME_ASSISTANT_STATUS: Final = f"{HOME_ASSISTANT}/status"
ALL_HOME_ASSISTANT: Final = f"{HOME_ASSISTANT}/device/+/config"


def pcm(device_id: str) -> str:
    """Return the topic on which a device publishes its chunks."""
    return f"{PREFIX}/device/{device_id}/up/pcm"


def state(device_id: str) -> str:
    """Return the topic of a device's birth, will and state."""
    return f"{PREFIX}/device/{device_id}/up/state"


def info(device_id: str) -> str:
    """Return the topic on which a device says what it is."""
    return f"{PREFIX}/device/{device_id}/up/info"


def control(device_id: str) -> str:
    """Return the topic of `missing`, `stored` and `rejected`."""
    return f"{PREFIX}/device/{device_id}/down/control"


def home_assistant(device_id: str) -> str:
    """Return the topic of the description of a device for Home Assistant."""
    return f"{HOME_ASSISTANT}/device/{device_id}/config"


def device_result(device_id: str) -> str:
    """Return the topic of the compact retained result for the OLED."""
    return f"{PREFIX}/device/{device_id}/down/result"


def live(device_id: str) -> str:
    """Return the topic of values while sound arrives."""
    return f"{PREFIX}/device/{device_id}/down/live"


def sounds(device_id: str) -> str:
    """Return the topic of the retained list of the last sounds."""
    return f"{PREFIX}/device/{device_id}/down/sounds"


def result(device_id: str) -> str:
    """Return the topic of the full result for operators."""
    return f"{PREFIX}/result/{device_id}"


def exam(device_id: str, exam_id: str) -> str:
    """Return the topic of what the recordings of one exam say together."""
    return f"{PREFIX}/exam/{device_id}/{exam_id}"


def worker(worker_id: str) -> str:
    """Return the topic of a worker's state and will."""
    return f"{PREFIX}/worker/{worker_id}"


def device_of(topic: str) -> str | None:
    """Return the device id of an `up/…` topic, or None when the topic or the id is malformed."""
    levels = topic.split("/")
    if len(levels) != 6 or topic[: len(PREFIX) + 8] != f"{PREFIX}/device/":  # noqa: PLR2004 - prefix has two levels, then four
        return None
    return levels[3] if DEVICE_ID.fullmatch(levels[3]) else None
