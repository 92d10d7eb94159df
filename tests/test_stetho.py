"""The command `stetho`: its list of programs, what it imports, and what it says when something is missing."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stetho
from edge_worker import __version__

PROJECT = Path(__file__).parents[1]
LINES, COLUMNS = 24, 80


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stetho", *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [("--help",), ()], ids=["--help", "nothing"])
def test_the_help_lists_all_programs_on_one_screen(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    listed = [name for line in lines if line.startswith("  ") for name in line[2:].split("  ")[0].split(", ")]
    assert listed == list(stetho.PROGRAMS)
    assert len(lines) < LINES
    assert max(map(len, lines)) < COLUMNS


@pytest.mark.parametrize("name", stetho.PROGRAMS)
def test_every_program_helps_with_examples_under_the_name_that_was_called(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr
    own = "worker" if name == "health" else name  # an alias of `stetho worker health`
    assert done.stdout.startswith(f"usage: stetho {own}"), done.stdout[:80]
    assert "xample" in done.stdout
    assert "python -m" not in done.stdout


def test_the_help_imports_no_program_and_nothing_that_is_slow() -> None:
    code = (
        "import sys, stetho; stetho.main(['--help']); "
        "print('imported', sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    )
    slow = [
        "numpy",
        "scipy",
        "paho",
        "flask",
        "sqlalchemy",
        "simulator",
        "broker",
        "history_api",
        "models_tflite",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *slow], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout.endswith("imported []\n")


def test_an_unknown_command_is_one_sentence() -> None:
    done = run("listen")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "stetho: No such command 'listen'. 'stetho --help' lists the commands.\n"


def test_the_version_is_that_of_the_package() -> None:
    done = run("--version")
    assert done.stdout == f"stetho-edge {__version__}\n"


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [("api", "flask", "api"), ("worker", "numpy", "worker"), ("doctor", "sqlalchemy", "worker")],
)
def test_a_missing_package_is_named_with_what_installs_it(
    command: str, package: str, extra: str, tmp_path: Path
) -> None:
    """Also where a program imports it only when it runs."""
    code = f"import sys; sys.modules[{package!r}] = None; import stetho; sys.exit(stetho.main([{command!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT,
        env={"PATH": "", "STETHO_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    install = f"{sys.executable} -m pip install --editable '{PROJECT}[{extra}]'"
    assert done.stderr == f"stetho: the package {package} is missing: {install}\n"


def test_arguments_reach_a_program_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator import __main__ as simulator  # noqa: PLC0415

    given: list[list[str]] = []

    def main(arguments: list[str]) -> int:
        given.append(arguments)
        return 7

    monkeypatch.setattr(simulator, "main", main)
    assert stetho.main(["send", "--loss", "0.2", "--", "-odd name.wav", "--version"]) == 7
    assert given == [["send", "--loss", "0.2", "--", "-odd name.wav", "--version"]]


def test_the_programs_and_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert {program.extra for program in stetho.PROGRAMS.values()} <= set(project["optional-dependencies"])
    assert project["scripts"] == {"stetho": "stetho:main"}


def test_the_shell_completion_names_the_programs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stetho"],
        env={"_STETHO_COMPLETE": "bash_complete", "COMP_WORDS": "stetho s", "COMP_CWORD": "1", "PATH": ""},
        capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT,
    )  # fmt: skip
    assert done.stdout.split() == ["plain,send", "plain,synth"]
