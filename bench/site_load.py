"""Load of a complete deployment: its start, and its memory with many open recordings."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.ingest import publish_open_recordings
from bench.machine import peak_rss_mb
from bench.progress import steps
from simulator.site.site import Site

OPEN_RECORDINGS: Final = 200
_WITHIN_S: Final = 120.0


def ready_s(runs: int = 5) -> float:
    """Return the median time from the start of the worker process until it is ready, seconds."""
    times = []
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        for _ in steps(range(runs), "start"):
            started = time.monotonic()
            worker = site.start_worker()
            times.append(time.monotonic() - started)
            worker.stop()
    return statistics.median(times)


def help_s(runs: int = 9) -> float:
    """Return the median time of `stetho --help`, from the start of the process to its end, seconds."""
    times = []
    for _ in range(runs):
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "stetho", "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - started)
    return statistics.median(times)


def peak_rss_mb_open(count: int = OPEN_RECORDINGS) -> float:
    """Return the worker's peak memory, MiB, while `count` devices each have a recording of 4 s open."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        worker = site.start_worker()
        devices = [site.add_device(f"bench-{number}") for number in range(count)]
        publish_open_recordings(site, devices, chunks_each=21)
        deadline = time.monotonic() + _WITHIN_S
        while len(list((site.data_dir / "spool").rglob("*.chunks"))) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return peak_rss_mb(worker.pid)
