"""`--microphone` and `--list`: the choice of a microphone on the command line."""

import argparse
import subprocess
import sys

import pytest

from simulator.command import argument
from simulator.sound import microphone


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--file")
    argument.add_microphone(group)
    return parser.parse_args(arguments)


def test_the_arguments_choose_a_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[tuple[int | None, int | None]] = []
    monkeypatch.setattr(microphone, "Microphone", lambda *arguments: chosen.append(arguments))
    for arguments in (("--microphone",), ("--microphone", "0"), ("--microphone", "1")):
        argument.chosen_microphone(parsed(*arguments))
    assert chosen == [(None, None), (0, None), (1, None)]


@pytest.mark.parametrize("arguments", [("--file", "x.wav"), ("--list",)])
def test_other_sources_choose_no_microphone(arguments: tuple[str, ...]) -> None:
    assert argument.chosen_microphone(parsed(*arguments)) is None


@pytest.mark.parametrize(
    "arguments", [("--microphone", "-1"), ("--microphone", "x"), ("--microphone", "1", "--list")]
)
def test_a_wrong_choice_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)


def test_this_machine_lists_its_microphones_or_names_what_is_missing() -> None:
    """The real package, PortAudio and sound cards, if they are here; never a traceback."""
    command = [sys.executable, "-m", "simulator", "live", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0:
        assert "Hz" in done.stdout
    else:
        assert done.returncode == 2
        assert any(word in done.stderr for word in ("sounddevice", "PortAudio", "no microphone is here"))
        assert "Traceback" not in done.stderr


def test_c5_a_missing_microphone_is_one_sentence() -> None:
    command = [sys.executable, "-m", "simulator", "live", "--microphone", "99"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert any(word in done.stderr for word in ("sounddevice", "PortAudio", "no microphone"))
    assert "Traceback" not in done.stderr
