"""Mosquitto as a child process: start, kill, and lookup of the program."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import wait_until
from mqtt_probe import Probe

from broker import listener, mosquitto, program
from broker.__main__ import main
from broker.mosquitto import CONFIGURATION, Broker, free_port
from broker.program import find_mosquitto
from edge_worker.errors import BrokerError

pytest_plugins = ["broker_accounts"]


def test_a_restarted_broker_keeps_its_port_and_accounts(own_broker: Broker) -> None:
    device = own_broker.add_user("device", "st-01")
    own_broker.start()
    port, pid = own_broker.port, own_broker.pid
    own_broker.kill()
    assert own_broker.pid is None
    own_broker.start()
    assert own_broker.port == port
    assert own_broker.pid != pid
    with Probe(port, device) as client:
        assert client.is_accepted


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: bytes(len(content)),
        lambda content: content[:40],
        lambda content: b"RIFF" + content,
        lambda _content: b"",
    ],
)
def test_a_broker_starts_with_a_damaged_persistence_file(
    own_broker: Broker, damage: Callable[[bytes], bytes]
) -> None:
    device = own_broker.add_user("device", "st-01")
    own_broker.start()
    with Probe(own_broker.port, device) as client:
        assert client.is_accepted
    own_broker.stop()
    data = own_broker.log_path.parent / "data"
    file = data / "mosquitto.db"
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    own_broker.start()
    with Probe(own_broker.port, device) as client:
        assert client.is_accepted
    if damaged:
        (aside,) = data.glob("mosquitto.db.damaged-*")
        assert aside.read_bytes() == damaged
        assert own_broker.log_path.read_text().count("event=moved_aside") == 1
    own_broker.stop()
    assert file.exists()
    assert not (data / "trial").exists()


def test_a_persistence_file_that_is_whole_stays(own_broker: Broker) -> None:
    own_broker.start()
    own_broker.stop()
    content = (own_broker.log_path.parent / "data" / "mosquitto.db").read_bytes()
    own_broker.start()
    own_broker.kill()
    assert (own_broker.log_path.parent / "data" / "mosquitto.db").read_bytes() == content


def test_stop_ends_the_process(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        pid = broker.pid
    assert pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_name_cannot_be_added_twice(own_broker: Broker) -> None:
    own_broker.add_user("device", "st-01")
    with pytest.raises(BrokerError, match="exists already"):
        own_broker.add_user("device", "st-01")


def test_a_port_in_use_is_one_sentence_with_the_reason(broker: Broker, tmp_path: Path) -> None:
    second = Broker(tmp_path / "second", port=broker.port)
    with pytest.raises(BrokerError, match=f"port {broker.port} is in use"):
        second.start()
    assert second.pid is None


def test_the_command_says_where_it_listens_or_which_port_is_in_use(broker: Broker, tmp_path: Path) -> None:
    def start(port: int) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "broker", "--dir", str(tmp_path), "--port", str(port)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with start(broker.port) as refused:
        _, said = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert said.startswith(f"stetho broker: port {broker.port} is in use by another program")
    port = free_port()
    with start(port) as running:
        assert running.stdout
        first = running.stdout.readline()
        running.terminate()
    assert first == f"listening on 127.0.0.1 port {port} (MQTT); state in {tmp_path}\n"


def test_a_broken_configuration_is_reported(
    own_broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "mosquitto.conf"
    broken.write_text(CONFIGURATION.read_text() + "\nno_such_option true\n")
    monkeypatch.setattr(mosquitto, "CONFIGURATION", broken)
    with pytest.raises(BrokerError, match="does not answer"):
        own_broker.start()


def test_without_mosquitto_the_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STETHO_MOSQUITTO", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(program, "FOLDERS", ())
    with pytest.raises(BrokerError, match=r"broker/install\.sh"):
        find_mosquitto()


def test_a_missing_program_that_was_named_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STETHO_MOSQUITTO", "/nowhere/mosquitto")
    with pytest.raises(BrokerError, match="/nowhere/mosquitto"):
        find_mosquitto()


def test_the_command_becomes_mosquitto_inside_the_state_directory(tmp_path: Path) -> None:
    """`pwd` stands in for the program: the real one would take port 1883 of this machine."""
    try:
        listener.require_free([listener.PLAIN, listener.WEBSOCKET])
    except BrokerError as error:
        pytest.skip(f"the usual ports of a broker are taken here: {error}")
    script = tmp_path / "mosquitto"
    script.write_text('#!/bin/sh\npwd\necho "$@"\n')
    script.chmod(0o700)
    state = tmp_path / "state"
    ran = subprocess.run(
        [sys.executable, "-m", "broker", "--dir", str(state)],
        env={**os.environ, "STETHO_MOSQUITTO": str(script)},
        capture_output=True,
        text=True,
        check=True,
    )
    said, *became = ran.stdout.splitlines()
    assert (
        said == f"listening on 127.0.0.1 port 1883 (MQTT), 127.0.0.1 port 9001 (WebSocket); state in {state}"
    )
    assert became == [str(state), f"-c {CONFIGURATION}"]
    listeners = (state / "conf.d/listeners.conf").read_text()
    assert "listener 1883 127.0.0.1\n" in listeners
    assert "listener 9001 127.0.0.1\n" in listeners
    assert "8883" not in listeners, "no TLS before there are certificates"


def test_a_broker_on_another_port_accepts_connections_there_only_on_loopback(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"
    command = [sys.executable, "-m", "broker", "--dir", str(state), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def accepts() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return True
        except OSError:
            return False

    try:
        wait_until(accepts, "the broker")
    finally:
        process.terminate()
        process.wait(10)
    assert (state / "conf.d/listeners.conf").read_text().count("listener ") == 1
    assert f"listener {port} 127.0.0.1\n" in (state / "conf.d/listeners.conf").read_text()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "mqtt", "9" * 30])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", port])
    assert "use 1 to 65535" in capsys.readouterr().err
