"""Worker and broker killed at random under live devices: every recording complete, every result once.

`make test` runs the short form, `make chaos` a long one (`STETHO_CHAOS_S`, seconds; `STETHO_CHAOS_SEED`).
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import wait_until

from simulator.site.site import Site

SECONDS = float(os.environ.get("STETHO_CHAOS_S", "8"))
SEED = int(os.environ.get("STETHO_CHAOS_SEED", "1"))
DEVICES = 8 if SECONDS < 20 else 30


def kill_at_random(site: Site, seconds: float) -> tuple[int, int]:
    """Kill worker or broker at random for `seconds`; return how often each was killed."""
    generator = random.Random(SEED)
    worker = site.start_worker()
    ends_at = time.monotonic() + seconds
    workers = brokers = 0
    while time.monotonic() < ends_at:
        time.sleep(generator.uniform(0.5, 2))
        if not workers or (brokers and generator.random() < 0.7):  # each at least once
            worker.kill()
            worker = site.start_worker(wait=False)
            workers += 1
        else:
            site.broker.kill()
            time.sleep(generator.uniform(0, 0.5))
            site.broker.start()
            brokers += 1
    return workers, brokers


@pytest.mark.timeout(SECONDS + 240)
def test_no_recording_is_lost_when_worker_and_broker_are_killed(tmp_path: Path) -> None:
    with Site(tmp_path / "site", {"STETHO_GIVE_UP_S": "120"}) as site:
        accounts = [site.add_device(f"sim-{number:04}") for number in range(DEVICES)]
        credentials = tmp_path / "devices.json"
        credentials.write_text(json.dumps({each.username: each.password for each in accounts}))
        site.start_worker().stop()
        fleet = subprocess.Popen(
            [
                *(sys.executable, "-m", "simulator", "fleet", "--devices", str(DEVICES)),
                *("--seconds", str(SECONDS), "--port", str(site.broker.port)),
                *("--credentials", str(credentials), "--timeout", "150"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            workers, brokers = kill_at_random(site, SECONDS)
            report = json.loads(fleet.communicate(timeout=SECONDS + 200)[0])
        finally:
            fleet.kill()
            fleet.wait()
        assert workers > 0
        assert brokers > 0
        planned = report["recordings_planned"]
        # A worker that is killed between the two publishes no `stored` message; the result implies it.
        assert (report["results"], report["partial"]) == (planned, 0), report
        with sqlite3.connect(site.data_dir / "stetho.db") as history:
            complete = "SELECT COUNT(*), COUNT(document), SUM(completeness = 'complete') FROM recordings"
            assert history.execute(complete).fetchone() == (planned, planned, planned)
            once = "SELECT COUNT(*), COUNT(DISTINCT device_id || recording_id || model) FROM predictions"
            assert history.execute(once).fetchone() == (2 * planned, 2 * planned)
        wait_until(lambda: not list((site.data_dir / "spool").rglob("*.chunks")), "an empty spool")
