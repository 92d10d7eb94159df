"""What a device reports of itself on `up/state`, `up/info` and `up/telemetry`, checked.

Device to all, JSON. Normative: `docs/protocol.md` § Reports of a device.
"""

from typing import Any, Final, NamedTuple

from edge_worker.protocol.strict_json import JsonError, read_object

MAX_BYTES: Final = 4096
"""Of one report: every process keeps the last one of each kind of each device."""
MAX_BOOT: Final = 64
"""Characters."""
ONLINE: Final = ("online", "recording")
STATES: Final = (*ONLINE, "offline", "lost")


class DeviceState(NamedTuple):
    """State of a device; a will whose `boot` is not that of the last birth message is out of date."""

    state: str
    boot: str | None

    @property
    def is_online(self) -> bool:
        """Whether the device is connected."""
        return self.state in ONLINE


def parse_state(payload: bytes) -> DeviceState:
    """Return the state in a message on `up/state`; its other keys are ignored.

    Raises:
        JsonError: it is none of `STATES`, or `boot` is no text.
    """
    document = read_object(payload, MAX_BYTES)
    state, boot = document.get("state"), document.get("boot")
    if state not in STATES:
        raise JsonError(f"state is none of {', '.join(STATES)}")
    if boot is not None and not (isinstance(boot, str) and len(boot) <= MAX_BOOT):
        raise JsonError(f"boot is no text of at most {MAX_BOOT} characters")
    return DeviceState(state, boot)


def parse_facts(payload: bytes) -> dict[str, Any]:
    """Return the facts in a message on `up/info` or `up/telemetry`: any object; raises JsonError."""
    return read_object(payload, MAX_BYTES)
