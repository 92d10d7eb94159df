"""A command that is printed can be typed as it stands, on the machine that printed it."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import stetho
from edge_worker import own_command

PROJECT = Path(__file__).parents[2]
SOURCES = subprocess.run(
    ["git", "ls-files", "*.py", "*.html"], cwd=PROJECT, capture_output=True, text=True, check=True
).stdout.split()
BARE = re.compile(rf"(?<![\w/.-])stetho (?:{'|'.join(stetho.PROGRAMS)})\b(?!: )")
"""`stetho send: no result` names who speaks."""
ELSEWHERE = {
    "edge_worker/own_command.py",
    "models_tflite/card_page.py",
    "models_tflite/evaluation/card_tables.py",
    "models_tflite/evaluation/readme_table.py",
}
"""What they write is read, or typed, in other places."""
HELP = {"prog", "help", "epilog", "description"}
"""Arguments of a parser of command lines, whose help calls the program by its name."""


def said(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module that are no docstring, and no part of a help, with their lines."""
    silent: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg in HELP:
            silent.update(ast.walk(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setting"):
            silent.update(ast.walk(node))  # what the setting is, for docs/configuration.md
        elif isinstance(node, ast.Assign | ast.AnnAssign) and "xample" in ast.unparse(node)[:200]:
            silent.update(ast.walk(node))  # of a help
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent:
            yield node.lineno, node.value


def texts(path: str) -> Iterator[tuple[int, str]]:
    source = (PROJECT / path).read_text()
    yield from said(ast.parse(source)) if path.endswith(".py") else enumerate(source.splitlines(), 1)


def test_no_message_or_page_calls_the_program_by_a_name_that_the_shell_may_not_find() -> None:
    code = [path for path in SOURCES if not path.startswith("tests/") and path not in ELSEWHERE]
    assert len(code) > 300
    bare = [f"{path}:{line}: {text}" for path in code for line, text in texts(path) if BARE.search(text)]
    assert bare == [], "use edge_worker.own_command.stetho"


def test_the_search_for_bare_commands_finds_them() -> None:
    source = '"""`stetho worker`"""\np(prog="stetho worker")\nraise E(f"{x}: start `stetho worker`")\n'
    assert [line for line, text in said(ast.parse(source)) if BARE.search(text)] == [3]
    assert not BARE.search("stetho send: no result")


def run(command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a shell in another directory would."""
    return subprocess.run(
        shlex.split(command), cwd="/", capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_runs_wherever_it_is_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "stetho"
    other.write_text("#!/usr/bin/python3\nraise SystemExit('the program of another environment')\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(own_command.stetho("--version")).stdout.startswith("stetho-edge ")
    monkeypatch.setattr(sys, "executable", "/usr/nowhere/python3")
    assert own_command.stetho("worker") == f"/usr/nowhere/python3 {PROJECT / 'stetho.py'} worker"
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert own_command.stetho("worker") == "stetho worker", "that of this Python, on the path"


def test_a_path_with_a_space_is_one_word(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "my programs" / "stetho"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setenv("PATH", "")
    assert shlex.split(own_command.stetho("key list")) == [str(program), "key", "list"]
    assert shlex.split(own_command.pip_install("api"))[:2] == [str(program.with_name("python")), "-m"]


def test_stetho_py_of_a_checkout_is_a_program() -> None:
    assert run(shlex.join([sys.executable, str(PROJECT / "stetho.py"), "--version"])).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("worker", "docker compose up --detach edge_worker"),
        ("key add ann --role admin", "docker compose exec history_api stetho key add ann --role admin"),
        ("keyring", "docker compose exec edge_worker stetho keyring"),
        ("doctor", "docker compose exec edge_worker stetho doctor"),
        ("provision device st-01", "docker compose run --rm provision device st-01"),
        ("trainer serve", "docker compose --profile trainer up --detach trainer"),
    ],
)
def test_in_a_container_of_compose_it_is_a_command_of_compose(
    arguments: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_command, "IN_COMPOSE", True)
    assert own_command.stetho(arguments) == command
    services = set(yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"])
    assert services & set(command.split())


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("worker", "docker compose up --detach cluster_worker1 cluster_worker2"),
        ("key add ann --role admin", "docker compose exec cluster_api stetho key add ann --role admin"),
        ("doctor", "docker compose exec cluster_worker1 stetho doctor"),
        ("provision device st-01", "docker compose run --rm cluster_provision device st-01"),
    ],
)
def test_in_a_container_of_the_cluster_it_is_for_the_services_of_the_cluster(
    arguments: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_command, "IN_COMPOSE", True)
    monkeypatch.setattr(own_command, "IN_CLUSTER", True)
    assert own_command.stetho(arguments) == command
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    used = [each for each in command.split() if each.startswith("cluster_")]
    assert used
    assert {tuple(services[each]["profiles"]) for each in used} == {("cluster",)}
