"""The server of the tests: it ends with the process that started it, also where that is killed."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import wait_until

from bench.cluster.postgresql import programs

STARTER = """
import time
import postgresql_server

with postgresql_server.running_server() as server:
    print(server.url("postgres"), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(
    programs() is None or not shutil.which("setpriv"),
    reason="PostgreSQL or setpriv is not installed",
)
def test_a_server_ends_with_the_tests_that_were_killed() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert starter.stdout is not None
    folder = Path(starter.stdout.readline().strip().partition("host=")[2])
    server = int((folder / "data/postmaster.pid").read_text().split()[0])
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    wait_until(lambda: not Path(f"/proc/{server}").exists(), "the end of the server")
    shutil.rmtree(folder.parent)
