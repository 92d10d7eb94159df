"""What a program may use of its machine: cores and memory, as far as nobody has given it less.

A container or a unit of systemd may have less than the machine: its control group (version 2) says so, or one
above it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUP: Final = Path("/proc/self/cgroup")
_UNLIMITED: Final = "max"


class MachineShare(NamedTuple):
    """Cores and memory that a program may use."""

    cores: int
    memory_bytes: int

    @classmethod
    def current(cls, groups_at: Path = _GROUPS, own_group: Path = _OWN_GROUP) -> Self:
        """Return that of this program, whose control group is named in the file `own_group`."""
        groups = list(_own_groups(groups_at, own_group))
        cores = [float(_cores()), *(quota for each in groups if (quota := _quota(each)))]
        memory = [_memory_bytes(), *(limit for each in groups if (limit := _number(each / "memory.max")))]
        return cls(max(1, int(min(cores))), int(min(memory)))


def _cores() -> int:
    """Return the cores that this process may run on (Linux), or all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _own_groups(root: Path, own: Path) -> Iterator[Path]:
    """Yield the control group of this process and those above it; nothing where there are none."""
    with suppress(OSError):
        for line in own.read_text().splitlines():
            if line.startswith("0::/"):
                group = root / line.removeprefix("0::/")
                yield group
                yield from (each for each in group.parents if each.is_relative_to(root))


def _quota(group: Path) -> float:
    """Return how many cores a control group may fill, 0 where nothing is said."""
    with suppress(OSError, ValueError):
        most, _, period = (group / "cpu.max").read_text().partition(" ")
        return 0.0 if most == _UNLIMITED else int(most) / int(period)
    return 0.0


def _number(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return 0
