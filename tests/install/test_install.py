"""What the demo needs is part of what tests need, in the same versions: one environment does for both."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def pins(name: str) -> dict[str, str]:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_the_list_of_tests_has_all_of_the_demos_in_the_same_versions() -> None:
    demo, tests = pins("demo"), pins("dev")
    assert len(demo) > 30
    assert {name: tests.get(name) for name in demo} == demo


class Checkout:
    """A checkout with lists that need no index; a package that is listed can therefore not be had."""

    def __init__(self, directory: Path) -> None:
        self.lists = directory / "requirements"
        self.lists.mkdir()
        shutil.copy(PROJECT / "requirements" / "install.sh", self.lists)
        for name in ("demo", "dev", "build"):
            self.list(name, f"# {name}")
        self.environment = directory / ".venv"

    def list(self, name: str, text: str) -> None:
        (self.lists / f"{name}.txt").write_text(f"{text}\n")

    def install(self, target: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["requirements/install.sh", ".venv", target], cwd=self.lists.parent,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PIP_NO_INDEX": "1"},
            capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip


def test_one_environment_grows_from_the_demo_to_the_tests(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    first = checkout.install("demo")
    assert first.returncode == 0, first.stderr
    assert first.stderr == "Installing 0 packages into .venv, once ...\n", "one line where nobody watches"
    (checkout.environment / "is the same").touch()
    assert checkout.install("demo").stderr == "", "it is there"
    assert "Installing" in checkout.install("dev").stderr
    for target in ("dev", "demo"):
        done = checkout.install(target)
        assert (done.returncode, done.stderr) == (0, ""), "what tests need does for the demo"
    assert (checkout.environment / "is the same").exists()
    checkout.list("dev", "unheard-of==1.0 --hash=sha256:" + "0" * 64)
    refused = checkout.install("dev")
    assert refused.returncode == 1
    assert "No matching distribution found for unheard-of==1.0" in refused.stderr
    assert not (checkout.environment / "is the same").exists(), "an environment of an older list is made anew"
    assert not (checkout.environment / ".installed").exists(), "and not taken for whole"


@pytest.mark.parametrize("target", ["demo", "dev"])
def test_the_list_of_a_target_builds_the_project_for_its_command(target: str) -> None:
    assert "hatchling" in pins("build" if target == "demo" else target)
