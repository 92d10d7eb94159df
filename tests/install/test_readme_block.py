"""The block "Use it" of the README runs from top to bottom as it stands, on packages as installed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from broker import listener
from broker.listener import Listener
from edge_worker.errors import BrokerError

PROJECT = Path(__file__).parents[2]
PACKAGES = ("broker", "edge_worker", "history_api", "models_tflite", "simulator", "stetho.py")
USUAL = (listener.PLAIN, listener.WEBSOCKET, listener.TLS, listener.TLS_WEBSOCKET, Listener(8080))
ANSWERS = "import urllib.request as u; print('dashboard', u.urlopen('http://127.0.0.1:8080/livez').status)"

BLOCK = re.findall(
    r"from top to bottom as it stands.*?```sh\n(.*?)```", (PROJECT / "README.md").read_text(), re.S
)


def installed(directory: Path) -> Path:
    """Make what the lines of `pip` make, from what is installed here; return the folder of programs."""
    packages, programs = directory / "site-packages", directory / "bin"
    packages.mkdir()
    programs.mkdir()
    for name in PACKAGES:
        (packages / name).symlink_to(PROJECT / name)
    stetho = programs / "stetho"
    python = f"PYTHONPATH={shlex.quote(str(packages))} exec {shlex.quote(sys.executable)} -P"
    stetho.write_text(f'#!/bin/sh\n{python} -m stetho "$@"\n')
    stetho.chmod(0o755)
    return programs


@pytest.fixture
def home(tmp_path: Path) -> Path:
    try:
        listener.require_free(USUAL)
    except BrokerError as error:
        pytest.skip(f"the usual ports of a site are taken here: {error}")
    home = tmp_path / "home"
    home.mkdir()
    return home


def test_the_block_runs_from_top_to_bottom(home: Path, tmp_path: Path) -> None:
    (block,) = BLOCK
    make, install, *rest = block.splitlines(keepends=True)
    assert make == "python3 -m venv ~/stetho && . ~/stetho/bin/activate\n"
    assert install.startswith('pip install ".[demo]" '), "tests/test_wheel.py does this"
    script = [
        "set -e; trap 'kill $(jobs -p); wait' EXIT\n",
        *rest,
        f"{shlex.quote(sys.executable)} -c {shlex.quote(ANSWERS)}\n",
    ]
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("STETHO_", "XDG_", "PYTHON"))
    }
    done = subprocess.run(
        ["bash", "-c", "".join(script)], cwd=PROJECT, timeout=110,
        env={**kept, "HOME": str(home), "PATH": f"{installed(tmp_path)}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    logs = "".join(f"{path.name}: {path.read_text()}" for path in sorted(home.rglob("*.log")))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    assert '"label":"murmur"' in done.stdout
    assert "the key of ann, admin" in done.stderr
    assert "dashboard 200" in done.stdout
    assert "edge-01 is ready" in done.stdout, "the doctor"
    assert (home / ".local/state/stetho/data/stetho.db").exists()
