"""Command line of the simulator: an error is one sentence and exit status 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from broker.mosquitto import Broker, free_port
from simulator.__main__ import main
from simulator.command.synth import _FINDINGS
from simulator.sound.heart_sound import FINDINGS, synthesise

PROJECT = Path(__file__).parents[2]


def simulator(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the simulator in a process of its own."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STETHO_")}
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=PROJECT,
        env={**inherited, **environ},
    )


def refused(*arguments: str, **environ: str) -> str:
    """Return the one sentence with which the simulator refuses the arguments."""
    ended = simulator(*arguments, **environ)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    (sentence,) = ended.stderr.strip().splitlines()
    assert sentence.startswith("stetho: ")
    return sentence


def refused_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """As `refused`, in this process."""
    assert main(list(arguments)) == 2
    (sentence,) = capsys.readouterr().err.strip().splitlines()
    return sentence


@pytest.fixture
def heart(tmp_path: Path) -> str:
    """A file with two seconds of a normal heart."""
    path = tmp_path / "heart.wav"
    soundfile.write(path, synthesise("normal", 72, 2, 4000, 1), 4000)
    return str(path)


@pytest.mark.parametrize("command", ["", "send", "live", "synth", "fleet"])
def test_help_has_an_example_and_the_disclaimer(command: str) -> None:
    ended = simulator(*command.split(), "--help")
    assert ended.returncode == 0
    assert "stetho " in ended.stdout.partition("xample")[2]
    assert "not a medical device" in " ".join(ended.stdout.split())


def test_the_command_line_knows_every_finding() -> None:
    assert _FINDINGS == FINDINGS


def test_synth_writes_the_requested_sound(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    arguments = "synth --bpm 90 --finding murmur --seconds 3 --sample-rate 8000 --noise-db -30 --seed 4 -o"
    assert main([*arguments.split(), str(path)]) == 0
    samples, rate = soundfile.read(path, dtype="float32")
    assert (rate, soundfile.info(path).subtype) == (8000, "PCM_16")
    assert samples == pytest.approx(synthesise("murmur", 90, 3, 8000, 4, noise_db=-30), abs=1e-4)


@pytest.mark.parametrize(
    "arguments",
    [
        ["synth", "--finding", "cough", "-o", "x.wav"],
        ["synth", "--bpm", "nan", "-o", "x.wav"],
        ["synth", "--bpm", "500", "-o", "x.wav"],
        ["synth", "--sample-rate", "500", "-o", "x.wav"],
        ["synth", "--noise-db", "inf", "-o", "x.wav"],
        ["send", "x.wav"],
        ["send", "x.wav", "--device", "St_01"],
        ["send", "x.wav", "--device", "st-01", "--loss", "1.5"],
        ["send", "x.wav", "--device", "st-01", "--reorder", "-1"],
        ["send", "x.wav", "--device", "st-01", "--port", "70000"],
        ["send", "x.wav", "--device", "st-01", "--chunk-samples", "0"],
        ["send", "x.wav", "--device", "st-01", "--timeout", "soon"],
        ["fleet", "--seconds", "3"],
        ["fly"],
        [],
    ],
)
def test_a_wrong_argument_is_exit_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]


def test_too_short_a_sound_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "too short" in refused_here(capsys, "synth", "--seconds", "0.5", "-o", str(tmp_path / "x.wav"))
    assert not (tmp_path / "x.wav").exists()


@pytest.mark.parametrize("name", ["letter.wav", "empty.wav", "missing.wav", "."])
def test_a_file_that_is_not_audio_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "letter.wav").write_text("Dear colleague, this is not a sound.")
    (tmp_path / "empty.wav").write_bytes(b"")
    assert str(tmp_path) in refused("send", str(tmp_path / name), "--device", "st-01")


def test_chunks_too_large_for_the_protocol_are_one_sentence(
    heart: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "at most 32768" in refused_here(
        capsys, "send", heart, "--device", "st-01", "--chunk-samples", "32769"
    )


def test_no_broker_is_one_sentence_that_says_how_to_start_one(heart: str) -> None:
    assert "stetho broker" in refused("send", heart, "--device", "st-01", "--port", str(free_port()))
    assert "stetho broker" in refused("fleet", "--devices", "2", "--seconds", "1", "--port", str(free_port()))


def test_a_secret_that_cannot_be_read_is_one_sentence(
    heart: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none")
    assert missing in refused_here(capsys, "send", heart, "--device", "st-01", "--password-file", missing)
    fleet = ("fleet", "--devices", "1", "--seconds", "1")
    assert missing in refused_here(capsys, *fleet, "--credentials", missing)


@pytest.mark.parametrize("text", ["[]", "{", '{"sim-0000": "x", "other-1": "y"}'])
def test_credentials_that_do_not_suffice_are_one_sentence(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(text)
    fleet = ("fleet", "--devices", "2", "--seconds", "1")
    assert "credentials" in refused_here(capsys, *fleet, "--credentials", str(path))


def test_a_broker_that_refuses_is_one_sentence_that_says_how_to_provision(heart: str, tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        device = broker.add_user("device", "st-01")
        at = ("--port", str(broker.port))
        advice = "stetho provision device"
        assert f"{advice} st-01" in refused("send", heart, "--device", "st-01", *at, "--password", "wrong")
        assert f"{advice} st-02" in refused(
            "send", heart, "--device", "st-02", *at, STETHO_DEVICE_PASSWORD=device.password
        )
        assert f"{advice} sim-000" in refused("fleet", "--devices", "3", "--seconds", "1", *at)
        operator = ("--full", "--operator-username", "operator-ann", "--operator-password", "wrong")
        assert "stetho provision operator ann`" in refused(
            "send", heart, "--device", "st-01", *at, "--password", device.password, *operator
        )


def test_tls_connects_and_an_untrusted_broker_is_one_sentence(heart: str, tmp_path: Path) -> None:
    with Broker(tmp_path / "broker", tls=True) as broker, Broker(tmp_path / "other", tls=True) as other:
        device = broker.add_user("device", "st-01")
        (tmp_path / "password").write_text(f"{device.password}\n")
        send = ("send", heart, "--device", "st-01", "--port", str(broker.tls_port), "--timeout", "0")
        password = ("--password-file", str(tmp_path / "password"))
        trusted = simulator(*send, *password, "--ca-file", str(broker.ca_path))
        assert trusted.returncode == 1
        assert "no analyser" in trusted.stderr
        assert "check --ca-file" in refused(*send, *password, "--ca-file", str(other.ca_path))
        assert "cannot be read" in refused(*send, *password, "--ca-file", str(tmp_path / "none.pem"))
