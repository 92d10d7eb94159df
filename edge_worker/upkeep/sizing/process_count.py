"""How many processes a worker is: what its setting says, else what its machine and its accounts allow."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple, Self

from edge_worker.own_command import stetho
from edge_worker.protocol.sharing.shard import MOST_PROCESSES, PROCESSES_FILE
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep.sizing.machine_share import MachineShare

_LOG: Final = logging.getLogger(__name__)
BYTES_EACH: Final = 2**30
"""Memory of the machine for each process: other programs run there, too, and long recordings take more."""


class ProcessCount(NamedTuple):
    """A number of processes, and why it is not more."""

    number: int
    reason: str

    @classmethod
    def of(cls, settings: Settings, machine: MachineShare) -> Self:
        """Return how many processes the worker of these settings is on this machine."""
        if settings.processes:
            return cls(settings.processes, "STETHO_PROCESSES")
        if settings.is_cluster:  # each of all machines has a number, which somebody has to give
            return cls(1, "STETHO_PROCESSES is not set")
        room = machine.memory_bytes // BYTES_EACH
        limits = {
            "one for each core": machine.cores,
            "one for each GiB of memory": max(1, room),
            "more are not worth it": MOST_PROCESSES,
        }
        reason, number = min(limits.items(), key=lambda each: each[1])
        if (accounts := _accounts(settings)) < number:
            more = stetho(f"provision worker --processes {number}")
            return cls(accounts, f"accounts at the broker: `{more}` and a restart make it {number}")
        return cls(number, reason)


def with_process_count(settings: Settings) -> Settings:
    """Return the settings of a worker that starts, with the number of its processes; log it."""
    machine = MachineShare.current()
    count = ProcessCount.of(settings, machine)
    memory_mb = machine.memory_bytes // 2**20
    _LOG.info(
        line("processes", count=count.number, cores=machine.cores, memory_mb=memory_mb, reason=count.reason)
    )
    return replace(settings, processes=count.number)


def _accounts(settings: Settings) -> int:
    """Return for how many processes the broker has accounts, as far as it is known here."""
    if settings.mqtt_password_file is not None:
        with suppress(OSError, ValueError):
            return max(1, int(settings.mqtt_password_file.with_name(PROCESSES_FILE).read_text()))
    return 1
