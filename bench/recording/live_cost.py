"""Processor time of a recording as it is recorded live, all of the worker's process, by number of devices.

The devices cost little (`light_device`), and what they cost is said: they share the machine with the worker.
"""

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, Self

from bench.machine import cpu_seconds
from bench.progress import steps
from bench.recording import recording_stages
from bench.recording.heart_recording import SECONDS, pcm
from bench.recording.light_device import LightDevice, play
from simulator.site.site import Site

DEVICES: Final = (10, 100, 500)
_WARM_S: Final = SECONDS + 2
_MEASURED_S: Final = 16.0
_FEWEST: Final = min(DEVICES)
_APART_S: Final = SECONDS / _FEWEST
"""Between two recordings of the fewest devices: meanwhile caches are lost, and the processor sleeps."""


def measure(models_dir: Path) -> dict[str, float]:
    """Return `live_cpu_ms_per_recording` by number of devices, and how much more that is than all stages."""
    stages_ms = sum(recording_stages.measure(models_dir).values())
    apart = recording_stages.measure(models_dir, round(_MEASURED_S / _APART_S), _APART_S)
    figures: dict[str, float] = {
        "live_cpu_ms_all_stages": stages_ms,
        f"live_cpu_ms_all_stages_at_pace_of_{_FEWEST}": sum(apart.values()),
    }
    for count in steps(list(DEVICES), "devices"):
        at_count = of_devices(count, _MEASURED_S)
        figures |= at_count
        name = f"live_cpu_ms_per_recording_{count}"
        figures[f"live_cpu_ratio_to_stages_{count}"] = at_count[name] / stages_ms
    costs = [figures[f"live_cpu_ms_per_recording_{count}"] for count in DEVICES]
    return figures | {"live_cpu_ms_spread": max(costs) / min(costs)}


def of_devices(count: int, seconds: float) -> dict[str, float]:
    """Return what a recording costs worker and devices while `count` devices record for so long."""
    sound = pcm()
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        accounts = [site.add_device(f"live-{number:04}") for number in range(count)]
        worker = site.start_worker()
        address = (site.broker.host, site.broker.port)
        devices = [LightDevice(account, address, number) for number, account in enumerate(accounts)]
        before: _Spent | None = None
        for elapsed_s in play(devices, sound):
            if before is None and elapsed_s >= _WARM_S:
                before = _Spent.now(site, worker.pid)
            if elapsed_s >= _WARM_S + seconds:
                break
        spent = _Spent.now(site, worker.pid).since(before)
        for device in devices:
            device.close()
    return {
        f"live_cpu_ms_per_recording_{count}": 1000 * spent.worker_s / spent.results,
        f"live_devices_cpu_ms_per_recording_{count}": 1000 * spent.own_s / spent.results,
        f"live_results_share_{count}": spent.results / (count * seconds / SECONDS),
    }


class _Spent(NamedTuple):
    """Results since the worker began, and the processor time of the worker and of this process, seconds."""

    results: int
    worker_s: float
    own_s: float

    @classmethod
    def now(cls, site: Site, pid: int) -> Self:
        """Return what was spent until now."""
        return cls(results_of(site), cpu_seconds(pid), time.process_time())

    def since(self, before: Self | None) -> Self:
        """Return what was spent since an earlier moment."""
        if before is None:
            return self
        return type(self)(
            self.results - before.results, self.worker_s - before.worker_s, self.own_s - before.own_s
        )


def results_of(site: Site) -> int:
    """Return how many recordings have their result."""
    with closing(sqlite3.connect(f"file:{site.data_dir / 'stetho.db'}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT count(*) FROM recordings WHERE document IS NOT NULL")
        count: int = found.fetchone()[0]
        return count
