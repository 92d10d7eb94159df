"""What the pages say exists: links, commands, make targets."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

import stetho
from bench.report import readme_table as figures_table
from models_tflite import card_page
from models_tflite.evaluation import readme_table

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), PROJECT / "firmware" / "README.md"])
COMMANDS = [
    "stetho worker",
    "stetho api",
    "stetho key",
    "stetho send",
    "stetho synth",
    "stetho fleet",
    "stetho live",
    "stetho demo",
    "stetho broker",
    "stetho provision",
    "stetho certificate",
    "stetho doctor",
    "stetho calibrate",
    "stetho backup",
    "stetho restore",
    "stetho migrate-history",
    "stetho evaluate",
    "stetho explain",
    "stetho report",
    "stetho report cards",
    "stetho report exam",
    "stetho report calibration",
    "stetho notify",
    "stetho train",
    "stetho train card",
    "stetho train hints",
    "stetho trainer serve",
    "edge_worker",
    "history_api",
    "simulator",
    "broker",
    "broker.provision",
    "broker.certificate",
    "models_tflite.evaluate",
    "models_tflite.explain",
    "models_tflite.card_page",
    "models_tflite.training",
    "models_tflite.training.card",
    "models_tflite.training.encoder_maker",
    "models_tflite.training.hint_maker",
    "bench",
]
"""What `python -m` runs."""


OTHER_WORDS: Final = {"command"}
"""Words that follow the name in prose."""


def headings(page: Path) -> list[str]:
    """Return the titles of the sections of a page."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def fragment_of(title: str) -> str:
    """Return the fragment by which GitHub links to a section."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def text_files() -> list[Path]:
    """Return the sources and pages of the repository."""
    patterns = ["*.py", "*.md", "*.h", "*.cpp", "*.yml", "*.toml", "*.sh"]
    done = subprocess.run(
        ["git", "ls-files", *patterns], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return [PROJECT / name for name in done.stdout.splitlines()]


def sections_quoted(text: str) -> list[tuple[str, str]]:
    """Return pages with the text that begins with a title: `PAGE` § TITLE, or PAGE, "TITLE"."""
    flat = re.sub(r"\s+(?:(?://|#)\s+)?", " ", text)
    quoted = re.findall(r'docs/([a-z-]+\.md), "([^"]+)"', flat)
    for page, texts in re.findall(r"\b([a-z-]+\.md)`?((?: ?§ [\w ,()-]+)+)", flat):
        quoted += [(page, each.strip()) for each in texts.split("§")[1:]]
    return quoted


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
def test_fragments_of_links_are_headings(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text())
    broken = [
        f"{target}#{fragment}"
        for target, fragment in links
        if "://" not in target
        and fragment not in map(fragment_of, headings(page.parent / target if target else page))
    ]
    assert broken == []


def test_sections_that_code_and_pages_quote_exist() -> None:
    quoted = [quote for path in text_files() for quote in sections_quoted(path.read_text(encoding="utf-8"))]
    unknown = [
        f"{page} § {text}"
        for page, text in quoted
        if not any(re.match(rf"{re.escape(title)}\b", text) for title in headings(PROJECT / "docs" / page))
    ]
    assert unknown == []
    assert {page for page, _ in quoted} >= {"protocol.md", "http-api.md", "models.md"}
    assert len(quoted) > 20


def test_quoted_sections_are_found() -> None:
    assert sections_quoted("see `docs/protocol.md` § Control messages and\n§ Rejections.") == [
        ("protocol.md", "Control messages and"),
        ("protocol.md", "Rejections"),
    ]
    assert sections_quoted('// docs/protocol.md,\n// "Live values". (WHATWG HTML, § 9.2)') == [
        ("protocol.md", "Live values")
    ]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^|\s)stetho ([a-z]+)(?=[\s`])", page.read_text(), re.MULTILINE))
    assert named <= {*stetho.PROGRAMS, *OTHER_WORDS}


def test_the_functions_on_the_path_of_a_chunk_exist() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text()
    path = page.split("## One chunk")[1].split("## What a")[0]
    quoted = set(re.findall(r"`((?:[a-z_]+\.)+[A-Za-z_.]+)`", path))
    assert len(quoted) > 15
    for name in quoted:
        resolved: object = importlib.import_module("edge_worker")
        for part in name.split("."):
            if isinstance(resolved, ModuleType) and not hasattr(resolved, part):
                importlib.import_module(f"{resolved.__name__}.{part}")
            resolved = getattr(resolved, part)


@pytest.mark.parametrize("name", stetho.PROGRAMS)
def test_every_command_is_documented(name: str) -> None:
    assert any(re.search(rf"stetho {name}\b", page.read_text()) for page in PAGES)


def test_every_payload_of_the_protocol_names_its_section_in_the_document() -> None:
    """Modules are found by themselves: a new payload without a section fails here."""
    modules = set((PROJECT / "edge_worker" / "protocol").glob("*.py"))
    no_payload = {
        "__init__",
        "timestamp",
        "home_assistant",
        "home_assistant_discovery",
    }  # its format is theirs
    payloads = [path for path in modules if path.stem not in no_payload]
    assert len(payloads) > 5
    unnamed = [path.name for path in payloads if not re.search(r"docs/protocol\.md`\s§", path.read_text())]
    assert unnamed == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_examples(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"[Ee]xamples?:", done.stdout)


def test_the_table_of_models_in_the_readme_is_what_their_cards_say() -> None:
    page = (PROJECT / "README.md").read_text(encoding="utf-8")
    cards = card_page.cards(PROJECT / "models_tflite")
    assert readme_table.written_into(page, cards) == page, (
        "python -m models_tflite.card_page --readme README.md"
    )
    assert {path.stem for path in cards} == set(readme_table.AIMS)


def test_the_figures_in_the_readme_are_those_that_were_measured() -> None:
    measured = json.loads((PROJECT / "bench" / "results.json").read_text())
    page = (PROJECT / "README.md").read_text()
    assert figures_table.written_into(page, measured) == page, "python -m bench.report.readme_table"
    assert {"cpu_ms_per_recording", "ingest_fraction_of_bare_paho", "ready_s"} <= set(
        re.findall(r"^\| `([a-z_0-9]+)` \| [0-9.]+ \|", page, re.MULTILINE)
    )
    assert measured["machine"] in page
