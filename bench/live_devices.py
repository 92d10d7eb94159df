"""Devices that record live at once: the most that a site carries, and what becomes of twice as many.

The worker is as many processes as that of a new site on this machine. Broker and load generator share the
machine with it, and what they take is said.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.machine import cpu_seconds, cpu_seconds_with_children
from bench.progress import steps
from edge_worker.errors import StethoError
from edge_worker.protocol import strict_json
from edge_worker.protocol.sharing.shard import MOST_PROCESSES
from edge_worker.upkeep.sizing.machine_share import MachineShare
from simulator.site.site import Site

STEPS: Final = (100, 200, 300, 400, 500, 600, 800, 1000)
SECONDS: Final = 12.0
_RESULT_WITHIN_MS: Final = 1000
_END_WITHIN_S: Final = 120.0
"""For what is left after the last recording began."""


def measure(steps_tried: Sequence[int] = STEPS, seconds: float = SECONDS) -> dict[str, float]:
    """Return the largest of `steps_tried` that is carried, its cost, that of each, and twice as many."""
    figures: dict[str, float] = {"live_devices_in_time": 0}
    for count in steps(list(steps_tried), "live devices"):
        report = _record(count, seconds)
        if not _is_carried(report):
            report = _record(count, seconds)  # a neighbour on the machine shall not decide
        found = _figures(report)
        figures |= {f"live_{count}_{name}": value for name, value in found.items()}
        if not _is_carried(report):
            break
        figures |= {"live_devices_in_time": count} | {
            f"live_in_time_{name}": value for name, value in found.items()
        }
    if best := int(figures["live_devices_in_time"]):
        twice = _figures(_record(2 * best, seconds))
        figures |= {f"live_twice_{name}": twice[name] for name in ("results_share", "resent_chunks")}
    return figures


def _is_carried(report: dict[str, Any]) -> bool:
    is_whole = report["asked_samples"] == 0 and report["partial"] == 0
    is_complete = report["results"] == report["recordings_planned"]
    return bool(is_whole and is_complete and report["last_to_result_ms"]["p99"] <= _RESULT_WITHIN_MS)


def _figures(report: dict[str, Any]) -> dict[str, float]:
    wall_s = report["wall_s"]
    late = report["last_to_result_ms"] or {"p95": 0.0, "p99": 0.0}
    return {
        "last_to_result_ms_p95": late["p95"],
        "last_to_result_ms_p99": late["p99"],
        "results_share": report["results"] / report["recordings_planned"],
        "resent_chunks": report["resent_chunks"],
        "worker_cores": report["worker_cpu_s"] / wall_s,
        "broker_cores": report["broker_cpu_s"] / wall_s,
        "generator_cores": report["cpu_s"] / wall_s,
    }


def _record(count: int, seconds: float) -> dict[str, Any]:
    """Let so many devices record on a new site; return the report of the load generator, and what it cost."""
    processes = min(MachineShare.current().cores, MOST_PROCESSES)
    with tempfile.TemporaryDirectory() as name, Site(Path(name), processes=processes) as site:
        devices = {
            f"sim-{number:04}": site.add_device(f"sim-{number:04}").password for number in range(count)
        }
        credentials = Path(name) / "devices.json"
        credentials.write_text(strict_json.write(devices))
        worker = site.start_worker()
        before_s = cpu_seconds_with_children(worker.pid), cpu_seconds(site.broker.pid or 0)
        report = _run_fleet(site, credentials, count, seconds)
        report["worker_cpu_s"] = round(cpu_seconds_with_children(worker.pid) - before_s[0], 2)
        report["broker_cpu_s"] = round(cpu_seconds(site.broker.pid or 0) - before_s[1], 2)
    print(f"  {count} devices: {strict_json.write(report)}", file=sys.stderr)
    return report


def _run_fleet(site: Site, credentials: Path, count: int, seconds: float) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "simulator", "fleet", "--devices", str(count), "--seconds", str(seconds)),
            *("--port", str(site.broker.port), "--credentials", str(credentials)),
            *("--timeout", str(_END_WITHIN_S)),
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
