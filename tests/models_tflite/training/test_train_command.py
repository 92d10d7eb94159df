"""`stetho train` and its table of subcommands."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from edge_worker.own_command import pip_install
from models_tflite.training.__main__ import COMMANDS, TRAINER_COMMANDS, main

NEED_TENSORFLOW = ("segments", "baseline-hearts", "baseline-sounds")


def test_help_lists_every_subcommand_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])

    text = capsys.readouterr().out
    assert left.value.code == 0
    assert text.startswith("usage: stetho train ")
    assert "examples:" in text
    for name, command in (COMMANDS | TRAINER_COMMANDS).items():
        assert f"  {name} " in text
        assert command.help in text


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.training] if name in NEED_TENSORFLOW else [])
        for name in (*COMMANDS, *TRAINER_COMMANDS)
    ],
)
def test_a_subcommand_has_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])

    program = "stetho trainer" if name in TRAINER_COMMANDS else "stetho train"
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {program} {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_subcommand_is_a_module_too(name: str) -> None:
    assert find_spec(f"models_tflite.training.{COMMANDS[name].module}") is not None


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
@pytest.mark.parametrize("name", NEED_TENSORFLOW)
def test_without_tensorflow_a_command_says_what_to_install(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 2

    assert capsys.readouterr().err == f"training: TensorFlow is not installed: {pip_install('training')}\n"


def test_only_the_module_of_a_command_is_imported() -> None:
    code = (
        "import sys; from models_tflite.training.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('keras', 'models_tflite.training.card') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
