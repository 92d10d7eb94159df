"""The simulator away from a checkout, as installed from a wheel."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = ("broker", "edge_worker", "history_api", "models_tflite", "simulator")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs Python with the packages alone, where a directory has a package's name."""
    packages, elsewhere = tmp_path / "site-packages", tmp_path / "elsewhere"
    packages.mkdir()
    for name in PACKAGES:
        (packages / name).symlink_to(PROJECT / name)
    (elsewhere / "edge_worker").mkdir(parents=True)
    (elsewhere / "edge_worker" / "__main__.py").write_text('raise SystemExit("a module of the user")\n')
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STETHO_")}

    def start(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=elsewhere,
            env={**inherited, "PYTHONPATH": str(packages)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return start


def test_a_site_starts_with_the_models_of_the_package(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from pathlib import Path\n"
        "from simulator.site.site import Site\n"
        "with Site(Path('site')) as site:\n"
        "    print(site.environ['STETHO_MODELS_DIR'])\n"
        "    print(site.start_worker().wait_for(r'event=ready models=(\\S+)').group(1))\n"
        "    print(site.start_api())\n"
    )
    ended = run(str(program))
    assert ended.returncode == 0, ended.stderr
    models_dir, models, url = ended.stdout.split()
    assert models_dir == str(tmp_path / "site-packages" / "models_tflite")
    assert models.startswith("heart5,heart2,")
    assert url.startswith("http://127.0.0.1:")


def test_the_firmware_needs_a_checkout_and_says_so_in_one_sentence(run: Run) -> None:
    ended = run("-m", "simulator", "demo", "--firmware")
    assert ended.returncode == 2
    assert ended.stdout == ""
    (sentence,) = ended.stderr.strip().splitlines()
    assert "checkout" in sentence
