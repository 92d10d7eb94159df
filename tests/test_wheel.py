"""The package as a user installs it: a wheel, away from the checkout, that sends and analyses a sound."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from conftest import wait_until

from broker.mosquitto import free_port
from edge_worker import __version__

PROJECT: Final = Path(__file__).parents[1]
INSTALL_WITHIN_S: Final = 600

pytestmark = pytest.mark.timeout(900)  # pip downloads 40 packages where its cache is empty


class Installed:
    """The command `stetho` of a wheel in an environment of its own, run in an empty directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "elsewhere"
        self.directory.mkdir()
        self.bin = directory / "environment" / "bin"
        self.environ = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(directory)}
        venv.create(directory / "environment", with_pip=True)

    def pip(self, *arguments: str) -> None:
        """Install something."""
        pip = [str(self.bin / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        done = subprocess.run(
            [*pip, *arguments], env={**os.environ, **self.environ, **settings}, timeout=INSTALL_WITHIN_S,
            capture_output=True, text=True, check=False, cwd=self.directory,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `stetho` to its end."""
        return subprocess.run(
            [str(self.bin / "stetho"), *arguments], env=self.environ | environ, timeout=120,
            capture_output=True, text=True, check=False, cwd=self.directory,
        )  # fmt: skip

    @contextmanager
    def running(self, *arguments: str, **environ: str) -> Iterator[Path]:
        """Run `stetho` in the background; yield the file of its output."""
        log = self.directory / f"{arguments[0]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(self.bin / "stetho"), *arguments], env=self.environ | environ, cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield log
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)],
        cwd=PROJECT, check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    (wheel,) = directory.glob("stetho_edge-*.whl")
    installed = Installed(directory)
    installed.pip("--require-hashes", "--requirement", str(PROJECT / "requirements" / "demo.txt"))
    installed.pip("--no-deps", str(wheel))
    return installed


def test_every_package_of_an_image_has_a_wheel_for_arm64(tmp_path: Path) -> None:
    """Images have no compiler, and a Raspberry Pi would take hours; it asks the index, and downloads none."""
    uv = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--target", str(tmp_path)]
    uv += [
        "--python-platform",
        "aarch64-manylinux_2_28",
        "--python-version",
        "3.11",
        "--only-binary",
        ":all:",
        "--require-hashes",
    ]
    for name in ("worker", "api", "notify", "nats", "trainer"):
        done = subprocess.run(
            [*uv, "--requirement", str(PROJECT / "requirements" / f"{name}.txt")],
            capture_output=True, text=True, check=False, timeout=INSTALL_WITHIN_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]


def test_the_command_is_there(installed: Installed) -> None:
    assert installed.run("--version").stdout == f"stetho-edge {__version__}\n"
    assert "synthesise" in installed.run("--help").stdout


def test_it_does_not_need_the_checkout(installed: Installed) -> None:
    code = "import edge_worker, simulator, stetho\nfor m in edge_worker, simulator, stetho: print(m.__file__)"
    done = subprocess.run(
        [str(installed.bin / "python"), "-c", code],
        cwd=installed.directory, env=installed.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert all("site-packages" in path for path in done.stdout.split())


def test_a_recording_that_is_sent_gets_its_result(installed: Installed) -> None:
    port, state = free_port(), installed.directory / "broker"
    made = installed.run("provision", "--dir", str(state), "worker")
    settings = dict(line.split("=", 1) for line in made.stdout.splitlines() if line.startswith("STETHO_"))
    shown = installed.run("provision", "--dir", str(state), "device", "st-01").stdout
    password = next(line.split()[-1] for line in shown.splitlines() if line.split()[:1] == ["password"])
    assert installed.run("synth", "--seconds", "6", "-o", "heart.wav").returncode == 0

    settings |= {"STETHO_MQTT_PORT": str(port), "STETHO_DATA_DIR": str(installed.directory / "data")}
    with (
        installed.running("broker", "--dir", str(state), "--port", str(port)),
        installed.running("worker", **settings) as log,
    ):
        wait_until(
            lambda: "event=ready" in log.read_text() and "event=connected" in log.read_text(), log.name
        )
        sent = installed.run(
            "send", "heart.wav", "--device", "st-01", "--password", password, "--port", str(port)
        )
        examined = installed.run("doctor", **settings)
        alive = installed.run("health", **settings)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["status"] == "ok"
    assert examined.returncode == 0, examined.stdout
    assert alive.returncode == 0, alive.stdout
    assert installed.run("health", **settings).returncode == 1, "it was stopped in order, and says so at once"


def test_the_demo_runs_away_from_the_checkout(installed: Installed) -> None:
    done = installed.run("demo", DEMO_ONCE="1")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "dashboard" in done.stdout + done.stderr
