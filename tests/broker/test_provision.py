"""The provisioning commands, on a running broker."""

import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from conftest import wait_until
from mqtt_probe import Probe

from broker import certificate, listener, mosquitto, program, provision
from broker.account import Credentials, render_acl
from broker.mosquitto import Broker
from broker.service_settings import PREFIXES


def run(directory: Path, *arguments: str) -> int:
    return provision.main(["--dir", str(directory), *arguments])


def printed_credentials(text: str) -> Credentials:
    """Return the credentials that were printed for a device."""
    values = dict(re.findall(r"^  (user and client id|password) +(\S+)$", text, re.MULTILINE))
    return Credentials(values["user and client id"], values["password"])


def accepts(broker: Broker, credentials: Credentials) -> bool:
    return mosquitto.try_connect(broker.host, broker.port, credentials) == mosquitto.ACCEPTED


@pytest.mark.skipif(
    program.find_mosquitto() == program.CONTAINER, reason="no signal reaches a process inside a container"
)
def test_a_device_is_added_rotated_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Broker(tmp_path) as broker:
        assert run(tmp_path, "device", "st-01") == 0
        first = printed_credentials(capsys.readouterr().out)
        wait_until(lambda: accepts(broker, first), "the new device is accepted")

        assert run(tmp_path, "device", "st-01", "--rotate") == 0
        second = printed_credentials(capsys.readouterr().out)
        wait_until(lambda: accepts(broker, second), "the new password is in force")
        assert not accepts(broker, first)

        with Probe(broker.port, second) as client:
            assert run(tmp_path, "remove", "st-01") == 0
            assert client.disconnected.wait(10), "a device that was removed is disconnected"
        assert not accepts(broker, second)


def test_an_existing_device_keeps_its_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "device", "st-01") == 0
    before = (tmp_path / "passwords").read_text()
    assert run(tmp_path, "device", "st-01") == 2
    assert "--rotate" in capsys.readouterr().err
    assert (tmp_path / "passwords").read_text() == before


@pytest.mark.parametrize("name", ["ST-01", "st_01", "st/01", "#", "+", "", "d" * 33, "st-01\n", "st:01"])
def test_a_malformed_device_id_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(tmp_path, "device", name) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "passwords").read_text() == ""


@pytest.mark.parametrize(
    "name", ["worker", "worker-2", "operator", "operator-ann", "api", "homeassistant", "notify"]
)
def test_a_device_cannot_have_the_name_of_a_role(tmp_path: Path, name: str) -> None:
    assert run(tmp_path, "device", name) == 2


def test_list_shows_all_accounts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("device", "st-01"), ("worker",), ("operator", "ann")):
        assert run(tmp_path, *arguments) == 0
    capsys.readouterr()
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "operator-ann\toperator",
        "st-01\tdevice",
        "worker\tworker",
    ]


def test_removal_of_an_unknown_account_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "remove", "st-01") == 2
    assert "st-01" in capsys.readouterr().err


def test_init_makes_all_that_a_first_start_needs_and_is_idempotent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "my site" / "broker"
    assert run(state, "init", "stetho.local") == 0
    output = capsys.readouterr().out
    for role, prefix in PREFIXES.items():
        setting = settings_of(state / f"{role}.env")
        password = Path(setting[f"{prefix}_PASSWORD_FILE"]).read_text().strip()
        assert password not in output
        assert (state / f"{role}.env").read_text() in output, "each file as a whole"
        assert setting["STETHO_DATA_DIR"] == str(tmp_path / "my site" / "data"), "the same for all"
        assert setting["STETHO_MQTT_PORT"] == "8883"
        authority = Path(setting["STETHO_MQTT_CA_FILE"])
        assert authority.parent == state / role
        assert authority.read_text() == (state / "certificates/ca.pem").read_text()
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    assert run(state, "init", "stetho.local") == 0
    assert {path: path.read_bytes() for path in state.rglob("*") if path.is_file()} == before
    again = capsys.readouterr().out
    assert again == output, "also of what was made before"
    with Broker(state) as broker:
        for role, prefix in PREFIXES.items():
            account = Credentials(role, (state / role / "password").read_text().strip())
            assert accepts(broker, account), prefix
    for line in re.findall(r"^  (set -a; .* (?:worker|api))$", output, re.MULTILINE):
        shown = subprocess.run(["sh", "-c", f"{line} --help"], capture_output=True, text=True, check=False)
        assert shown.returncode == 0, shown.stderr
        assert "usage: stetho" in shown.stdout
    assert "docker" not in output.lower(), "there is none"


def settings_of(path: Path) -> dict[str, str]:
    """Return the settings that a shell reads from a file."""
    shown = subprocess.run(
        ["sh", "-c", 'set -a; . "$1"; env', "sh", str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    return dict(line.split("=", 1) for line in shown.stdout.splitlines() if line.startswith("STETHO_"))


def test_what_an_operator_writes_into_a_file_of_settings_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "init", "n1.local") == 0
    offered = [path.name for path in tmp_path.glob("*.env") if "#STETHO_AUDIO_URL=s3://" in path.read_text()]
    assert sorted(offered) == ["api.env", "worker.env"]
    path = tmp_path / "worker.env"
    assert "STETHO_AUDIO_URL" not in settings_of(path)
    edited = path.read_text().replace("#STETHO_AUDIO_URL=s3://sounds/ward-3", "STETHO_AUDIO_URL=s3://ours")
    edited = edited.replace("#AWS_SECRET_ACCESS_KEY=", "AWS_SECRET_ACCESS_KEY=very-secret")
    edited = re.sub("STETHO_DATA_DIR=.*", "STETHO_DATA_DIR=/mnt/data", edited)
    path.write_text(f"{edited}# ours\nSTETHO_KEEP_DAYS=30\nSTETHO_MQTT_USERNAME=another\n")
    capsys.readouterr()
    for command in (("nats", "n1.local"), ("worker", "--rotate"), ("init", "n1.local")):
        assert run(tmp_path, *command) == 0
        assert "very-secret" not in capsys.readouterr().out
        setting, text = settings_of(path), path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert setting["STETHO_AUDIO_URL"] == "s3://ours"
        assert setting["STETHO_DATA_DIR"] == "/mnt/data"
        assert setting["STETHO_KEEP_DAYS"] == "30"
        assert setting["STETHO_MQTT_USERNAME"] == "worker"
        assert setting["STETHO_BROKER"] == "nats"
        assert text.count("AUDIO_URL=") == text.count("AWS_ENDPOINT_URL=") == text.count("# ours") == 1
        assert "\nAWS_SECRET_ACCESS_KEY=very-secret\n" in text


def test_a_second_worker_has_settings_of_its_own_and_no_data_of_the_first(tmp_path: Path) -> None:
    assert run(tmp_path, "worker", "two") == 0
    setting = settings_of(tmp_path / "worker-two.env")
    assert setting["STETHO_MQTT_USERNAME"] == "worker-two"
    assert "STETHO_DATA_DIR" not in setting
    assert "STETHO_MQTT_CA_FILE" not in setting, "there is none yet"


def test_the_processes_of_a_worker_have_its_password_through_each_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "worker", "--processes", "2") == 2
    assert "make it first" in capsys.readouterr().err
    assert run(tmp_path, "init") == 0
    assert run(tmp_path, "worker", "--processes", "3") == 0
    assert run(tmp_path, "worker", "--processes", "2") == 0
    assert run(tmp_path, "worker", "--rotate") == 0
    password = (tmp_path / "worker" / "password").read_text().strip()
    with Broker(tmp_path) as broker:
        for name, is_there in (("worker", True), ("worker-p2", True), ("worker-p3", False)):
            assert accepts(broker, Credentials(name, password)) == is_there, name


def test_a_password_can_be_written_to_a_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "st-01.password"
    assert run(tmp_path, "init") == 0
    assert run(tmp_path, "device", "st-01", "--password-file", str(path)) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    password = path.read_text().strip()
    assert password not in capsys.readouterr().out
    with Broker(tmp_path) as broker:
        assert accepts(broker, Credentials("st-01", password))


def test_in_compose_commands_are_those_of_compose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "IN_COMPOSE", True)
    assert run(tmp_path, "init") == 0
    output = capsys.readouterr().out
    assert "docker compose exec broker kill -HUP 1" in output
    assert ".env" not in output


def test_init_writes_a_service_file_that_lets_avahi_announce_the_tls_listener(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "init", "ward-3.example.org", "192.168.1.20") == 0
    assert "NAME.local" in capsys.readouterr().out
    path = tmp_path / "stetho.service"
    assert not path.exists(), "no device would accept what it announces"
    assert run(tmp_path, "init", "ward-3.local") == 0
    output = capsys.readouterr().out
    assert "if this machine is ward-3.local " in output
    assert f"{path} to /etc/avahi/services" in output
    told = re.findall(r"<(name|type|port)>(.+)</", path.read_text())
    assert told == [("name", "stetho"), ("type", "_secure-mqtt._tcp"), ("port", str(listener.TLS.port))]


def test_settings_of_a_device_have_host_port_and_ca(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "init", "stetho.local") == 0
    assert run(tmp_path, "device", "st-01") == 0
    output = capsys.readouterr().out
    for fact in ("stetho.local", "8883", certificate.fingerprint(tmp_path / "certificates/ca.pem")):
        assert fact in output


def test_the_line_for_the_serial_console_has_all_that_the_firmware_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "init", "stetho.local") == 0
    capsys.readouterr()
    assert run(tmp_path, "device", "st-01") == 0
    output = capsys.readouterr().out
    (line,) = re.findall(r"^set (\S+)$", output, re.MULTILINE)
    settings = dict(parse_qsl(line, strict_parsing=True))
    assert settings["host"] == "stetho.local"
    assert settings["port"] == "8883"
    assert settings["device_id"] == "st-01"
    assert settings["password"] == printed_credentials(output).password
    assert abs(int(settings["time"]) - time.time()) < 3600, "certificates are checked by it at first"
    assert settings["ca"] == (tmp_path / "certificates/ca.pem").read_text()
    assert len(line) < 4_096, "the console takes 8,192 characters"


def test_all_files_are_private_also_after_an_earlier_version_left_them_open(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert run(state, "init", "stetho.local") == 0
    for path in (state, *state.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert run(state, "list") == 0
    readable = [path for path in (state, *state.rglob("*")) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert readable == []


def test_an_unwritable_directory_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file", "list") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_account_has_one_block_of_rules() -> None:
    rules = render_acl(["operator-ann", "st-01", "worker"])
    assert rules.count("\nuser ") == 3
    assert "{username}" not in rules


STARTING = """
import signal, sys, time
time.sleep(1)
signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
time.sleep(60)
"""


@pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="only Linux tells which signals a process handles"
)
def test_a_broker_that_starts_is_not_ended_by_the_signal_that_makes_it_read_accounts(tmp_path: Path) -> None:
    """Mosquitto writes its process id some time before it handles SIGHUP, which until then ends it."""
    program = tmp_path / "mosquitto"
    program.symlink_to(sys.executable)
    with subprocess.Popen([program, "-c", STARTING]) as starting:
        try:
            wait_until(
                lambda: Path(f"/proc/{starting.pid}/comm").read_text().strip() == "mosquitto", "its name"
            )
            state = tmp_path / "state"
            state.mkdir()
            (state / "mosquitto.pid").write_text(str(starting.pid))
            assert run(state, "device", "st-01") == 0
            assert starting.wait(30) == 7, "by its handler"
        finally:
            starting.kill()


def test_a_stale_process_id_is_not_signalled(tmp_path: Path) -> None:
    """After a power cut the pid file may hold the id of another program, or 1 of another container."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        run(tmp_path, "list")
        (tmp_path / "mosquitto.pid").write_text(f"{other.pid}\n")
        assert run(tmp_path, "device", "st-01") == 0
        assert other.stdin
        other.stdin.write(b"\n")
        other.stdin.close()
        assert other.wait(10) == 0
