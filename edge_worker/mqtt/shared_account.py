"""Two holders of one account: what it looks like when two programs, or two devices, use one password.

The broker lets one of them in at a time. Each that comes throws the other out, and both come again.
"""

import logging
from collections import OrderedDict, deque
from typing import Final

from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_SHORT_S: Final = 30.0
"""A connection that ends sooner counts; two holders throw each other out within seconds."""
_LOSSES: Final = 4
_WITHIN_S: Final = 120.0
_RETURNS: Final = 3
"""Boots of a device that come back after another. One could be a message that was delivered twice."""
_BOOTS: Final = 4
_BOOT_CHARACTERS: Final = 64
_DEVICES: Final = 4096
_FORGET_S: Final = 600.0


class ShortConnections:
    """Connections of this program that the broker ended again and again, soon after they began."""

    def __init__(self, user: str) -> None:
        """Watch the connections of the account `user`."""
        self._user = user
        self._began_at: float | None = None
        self._losses: deque[float] = deque(maxlen=_LOSSES)

    def began(self, now: float) -> None:
        """Note that the broker let us in."""
        self._began_at = now

    def ended(self, now: float) -> bool:
        """Note the end of a connection; return whether it was a short one."""
        was_short = self._began_at is not None and now - self._began_at < _SHORT_S
        if was_short:
            self._losses.append(now)
            if fault := self.fault(now):
                _LOG.error(line("account_shared", user=self._user, reason=fault))
        else:
            self._losses.clear()
        self._began_at = None
        return was_short

    def fault(self, now: float) -> str:
        """Return what is wrong when another program must be using the account; empty where none does."""
        if self._began_at is not None and now - self._began_at >= _SHORT_S:
            self._losses.clear()
        if len(self._losses) < _LOSSES or now - self._losses[0] >= _WITHIN_S:
            return ""
        return (
            f"the broker ends each connection of the account {self._user!r} at once: another program uses "
            "it, too; stop that, or give it an account of its own"
        )


class BootWatch:
    """Boot ids of devices: one that comes back after another, again and again, is of a second device."""

    def __init__(self) -> None:
        self._boots: OrderedDict[str, deque[str]] = OrderedDict()
        self._returns: dict[str, deque[float]] = {}

    def saw(self, device_id: str, boot: str, now: float) -> bool:
        """Note the boot id of a state; return whether a second device was noticed by it."""
        boot = boot[:_BOOT_CHARACTERS]
        boots = self._boots.setdefault(device_id, deque(maxlen=_BOOTS))
        self._boots.move_to_end(device_id)
        if boots and boots[-1] == boot:
            return False
        is_back = boot in boots
        boots.append(boot)
        if len(self._boots) > _DEVICES:
            self._returns.pop(self._boots.popitem(last=False)[0], None)
        if not is_back:
            return False
        was_shared = device_id in self.shared(now)
        self._returns.setdefault(device_id, deque(maxlen=_RETURNS)).append(now)
        return not was_shared and device_id in self.shared(now)

    def shared(self, now: float) -> list[str]:
        """Return the devices whose account two of them used lately, sorted. Safe from any thread."""
        returns = self._returns.copy()
        return sorted(
            device
            for device, times in returns.items()
            if len(times) == _RETURNS and now - times[0] < _FORGET_S
        )
