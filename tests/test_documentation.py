"""What the pages say exists: links, commands, make targets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
COMMANDS = [
    ("edge_worker",),
    ("history_api",),
    ("simulator",),
    ("simulator", "send"),
    ("simulator", "synth"),
    ("simulator", "fleet"),
    ("simulator", "demo"),
    ("broker",),
    ("broker.provision",),
    ("broker.certificate",),
    ("models_tflite.evaluate",),
    ("bench",),
]


def test_there_are_pages() -> None:
    assert {"README.md", "CHANGELOG.md", "protocol.md", "architecture.md", "operations.md"} <= {
        page.name for page in PAGES
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)(?:[A-Z_]+=\S+ )?make ([a-z0-9-]+)", page.read_text(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_a_page_runs_exist(page: Path) -> None:
    for module in set(re.findall(r"python -m ([a-z_][a-z_0-9.]*)", page.read_text())):
        path = PROJECT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_helps_with_examples(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command, "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"[Ee]xamples?:", done.stdout)
