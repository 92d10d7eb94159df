"""Load of a complete deployment: start, memory with many open recordings, devices that record at once."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.ingest import publish_open_recordings
from bench.machine import cpu_seconds, peak_rss_mb
from bench.progress import steps
from edge_worker.errors import StethoError
from edge_worker.protocol import strict_json
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


def live_devices(steps_tried: Sequence[int], seconds: float) -> dict[str, float]:
    """Return the largest of `steps_tried` that records at 44.1 kHz without a lost sample, and its cost."""
    best: dict[str, float] = {"live_devices": 0}
    for count in steps(list(steps_tried), "live devices"):
        report = _fleet(count, seconds)
        print(f"  {count} devices: {strict_json.write(report)}", file=sys.stderr)
        if not _is_lossless(report):
            break
        best = {
            "live_devices": count,
            "live_worker_cores": report["worker_cpu_s"] / report["wall_s"],
            "live_last_to_stored_ms_p95": report["last_to_stored_ms"]["p95"],
            "live_last_to_result_ms_p95": report["last_to_result_ms"]["p95"],
        }
    return best


def _is_lossless(report: dict[str, Any]) -> bool:
    wanted = report["recordings_planned"]
    return bool(report["asked_samples"] == 0 and report["partial"] == 0 and report["results"] == wanted)


def _fleet(count: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        devices = {
            f"sim-{number:04}": site.add_device(f"sim-{number:04}").password for number in range(count)
        }
        credentials = Path(name) / "devices.json"
        credentials.write_text(strict_json.write(devices))
        worker = site.start_worker()
        before_s = cpu_seconds(worker.pid)
        report = _run_fleet(site, credentials, count, seconds)
        report["worker_cpu_s"] = round(cpu_seconds(worker.pid) - before_s, 2)
        report["worker_peak_rss_mb"] = round(peak_rss_mb(worker.pid), 1)
        return report


def _run_fleet(site: Site, credentials: Path, count: int, seconds: float) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "simulator", "fleet", "--devices", str(count), "--seconds", str(seconds)),
            *("--port", str(site.broker.port), "--credentials", str(credentials)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 300,
        check=False,
    )
    if done.returncode == 2:
        raise StethoError(f"a fleet of {count} devices cannot run here; its message is above")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
