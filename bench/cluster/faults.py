"""Faults of a cluster: what is killed, stopped, added and removed, at random."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from tqdm import tqdm

from bench.cluster.cluster import LEAST_PROCESSES, MOST_PROCESSES, Cluster, Store

_STOPPED_S: Final = (1.0, 5.0)
"""Something that is stopped goes on after a time between these."""
_AWAY_S: Final = (0.0, 1.0)
Fault = Callable[[Cluster, random.Random], None]


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault that happened, in monotonic seconds."""

    name: str
    began_at: float
    ended_at: float
    """When the next one began."""


def kill_process(cluster: Cluster, chance: random.Random) -> None:
    """End a process of a worker with SIGKILL."""
    _signal_process(cluster, chance, signal.SIGKILL)


def stop_process(cluster: Cluster, chance: random.Random) -> None:
    """Stop a process of a worker with SIGSTOP for some seconds."""
    pid = _signal_process(cluster, chance, signal.SIGSTOP)
    cluster.wait(chance.uniform(*_STOPPED_S))
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def kill_worker(cluster: Cluster, chance: random.Random) -> None:
    """End all processes of a worker with SIGKILL, and start it again."""
    chance.choice(cluster.groups).kill()


def change_processes(cluster: Cluster, chance: random.Random) -> None:
    """Add a process to a worker, or remove one, which is a new start of it in order."""
    group = chance.choice(cluster.groups)
    more = group.processes + chance.choice((-1, 1))
    group.change(min(max(more, LEAST_PROCESSES), MOST_PROCESSES))


def kill_broker(cluster: Cluster, chance: random.Random) -> None:
    """End a node of the broker with SIGKILL, and start it again."""
    number = chance.randrange(cluster.brokers.count)
    cluster.brokers.kill(number)
    cluster.wait(chance.uniform(*_AWAY_S))
    cluster.brokers.start(number)


def stop_broker(cluster: Cluster, chance: random.Random) -> None:
    """Stop a node of the broker with SIGSTOP for some seconds."""
    number = chance.randrange(cluster.brokers.count)
    cluster.brokers.pause(number)
    cluster.wait(chance.uniform(*_STOPPED_S))
    cluster.brokers.resume(number)


def kill_database(cluster: Cluster, chance: random.Random) -> None:
    """End all processes of PostgreSQL with SIGKILL, and start it again."""
    cluster.database.kill()
    cluster.wait(chance.uniform(*_AWAY_S))
    cluster.database.start()


def stop_database(cluster: Cluster, chance: random.Random) -> None:
    """Stop all processes of PostgreSQL with SIGSTOP for some seconds."""
    cluster.database.pause()
    cluster.wait(chance.uniform(*_STOPPED_S))
    cluster.database.resume()


def kill_store(cluster: Cluster, chance: random.Random) -> None:
    """End the S3 server with SIGKILL, and start it again."""
    if cluster.store is not None:
        cluster.store.kill()
        cluster.wait(chance.uniform(*_AWAY_S))
        cluster.store.start()


def stop_store(cluster: Cluster, chance: random.Random) -> None:
    """Stop the S3 server with SIGSTOP for some seconds."""
    if cluster.store is not None:
        cluster.store.pause()
        cluster.wait(chance.uniform(*_STOPPED_S))
        cluster.store.resume()


def restart_api(cluster: Cluster, chance: random.Random) -> None:
    """End the history API, and start it again; who follows its live stream goes on with the next event."""
    cluster.live.restart()


def hang_process(cluster: Cluster, chance: random.Random) -> None:
    """Stop a process of a worker with SIGSTOP, for ever: its supervisor has to notice."""
    _signal_process(cluster, chance, signal.SIGSTOP)


FAULTS: Final[tuple[Fault, ...]] = (
    kill_process,
    stop_process,
    kill_broker,
    kill_database,
    change_processes,
    stop_broker,
    stop_database,
    kill_worker,
    restart_api,
)
STORE_FAULTS: Final[tuple[Fault, ...]] = (kill_store, stop_store)
LONG_FAULTS: Final[tuple[Fault, ...]] = (hang_process,)
"""Those that take a minute to be noticed."""
NAMES: Final = {fault.__name__: fault for fault in (*FAULTS, *STORE_FAULTS, *LONG_FAULTS)}
_LONG_S: Final = 90.0


def usual(seconds: float, store: Store) -> list[str]:
    """Return the names of the faults of a run that takes so long, with sounds in a `store`."""
    faults = (*FAULTS, *(LONG_FAULTS if seconds >= _LONG_S else ()))
    return [fault.__name__ for fault in (*faults, *(STORE_FAULTS if store == "s3" else ()))]


def happen(
    cluster: Cluster,
    names: Sequence[str],
    seconds: float,
    every_s: float,
    *,
    chance: random.Random,
    bar: "tqdm[Any]",
) -> list[Happened]:
    """Let faults happen for so long, and each once: in random order, before any comes again."""
    until = time.monotonic() + seconds
    happened: list[Happened] = []
    waiting: list[str] = []
    while (now := time.monotonic()) < until or len(happened) < len(names):
        if not waiting:
            waiting = chance.sample(names, len(names))
        name = waiting.pop()
        bar.set_description(name)
        NAMES[name](cluster, chance)
        cluster.wait(chance.uniform(0.5, 1.5) * every_s)
        happened.append(Happened(name, now, time.monotonic()))
        bar.update(min(round(time.monotonic() - until + seconds), round(seconds)) - bar.n)
    return happened


def _signal_process(cluster: Cluster, chance: random.Random, number: signal.Signals) -> int:
    """Send a signal to a process of a worker, and return its id."""
    while True:
        pids = [pid for group in cluster.groups for pid in group.children().values()]
        if pids:
            pid = chance.choice(pids)
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                return pid
        cluster.wait(0.1)
