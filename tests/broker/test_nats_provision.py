"""`stetho provision nats` and `stetho nats`: files of nodes that NATS takes, and sentences."""

import stat
import subprocess
from pathlib import Path

import pytest

from broker import provision
from broker.directory import StateDirectory
from broker.nats import __main__ as command
from broker.nats.nats_directory import NatsDirectory
from broker.nats.nats_program import find_nats
from edge_worker.errors import BrokerError

HOSTS = ["10.0.0.1", "n2.lan", "nats-2.stetho.svc"]


def run(directory: Path, *arguments: str) -> int:
    return provision.main(["--dir", str(directory), *arguments])


def test_each_host_gets_a_node_that_nats_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "nats", *HOSTS) == 0
    said = capsys.readouterr().out
    for number, host in enumerate(HOSTS, 1):
        assert f"{host}: " in said
        configuration = tmp_path / "nats" / f"n{number}.conf"
        text = configuration.read_text()
        others = [other for other in HOSTS if other != host]
        assert all(f"nats://{other}:6222" in text for other in others)
        assert f"nats://{host}:6222" not in text
        assert "stream_replicas: 3" in text
        assert 'ping_interval: "1s"' in text
        done = subprocess.run(
            [find_nats(), "-t", "-c", str(configuration)],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    for path in [tmp_path / "nats", *(tmp_path / "nats").iterdir(), tmp_path / "certificates" / "node.key"]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_second_run_keeps_the_keys(tmp_path: Path) -> None:
    assert run(tmp_path, "nats", HOSTS[0]) == 0
    before = {name: (tmp_path / "nats" / name).read_text() for name in ("access.key", "access.password")}
    assert run(tmp_path, "nats", *HOSTS) == 0
    assert {name: (tmp_path / "nats" / name).read_text() for name in before} == before


def test_the_settings_of_programs_name_the_nodes(tmp_path: Path) -> None:
    assert run(tmp_path, "init", *HOSTS) == 0
    assert "STETHO_BROKER" not in (tmp_path / "worker.env").read_text()
    assert run(tmp_path, "nats", *HOSTS) == 0
    for program in ("worker", "api", "notify"):
        text = (tmp_path / f"{program}.env").read_text()
        assert "STETHO_BROKER=nats\n" in text
        assert f"STETHO_MQTT_HOST={','.join(HOSTS)}\n" in text


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        (["a.lan", "b.lan"], "not safer"),
        (["a.lan"] * 3, "named twice"),
        (["a.lan", "b lan", "c.lan"], "'b lan' is no host; name each node by its name or its IPv4 address"),
        (["a.lan", "b.lan", "c;x"], "'c;x' is no host"),
        (["a.lan", "b.lan", "c.lan:4222"], "without a port"),
        (["a.lan", "", "c.lan"], "'' is no host"),
    ],
)
def test_hosts_that_make_no_cluster_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hosts: list[str], reason: str
) -> None:
    assert run(tmp_path, "nats", *hosts) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "nats").exists()


@pytest.mark.parametrize("arguments", [["node", "n1"], ["access"]])
def test_without_files_one_sentence_says_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert command.main(["--dir", str(tmp_path), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("stetho nats: ")
    assert said.count("\n") == 1
    assert "provision nats" in said


def test_a_machine_runs_its_own_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "nats", *HOSTS) == 0
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _program, arguments: started.append(arguments))
    monkeypatch.setattr("socket.getfqdn", lambda: "n2.lan")
    command._run_node(
        NatsDirectory(StateDirectory(tmp_path)), command._node_of_this_machine(StateDirectory(tmp_path))
    )
    assert started[0][1:] == ["--config", str(tmp_path / "nats" / "n2.conf")]
    monkeypatch.setattr("socket.getfqdn", lambda: "elsewhere.lan")
    assert command.main(["--dir", str(tmp_path), "node"]) == 2
    assert "10.0.0.1, n2.lan" in capsys.readouterr().err


def test_accounts_of_processes_say_how_a_cluster_numbers_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "init", *HOSTS) == 0
    for is_cluster in (False, True):
        assert run(tmp_path, "worker", "--processes", "6") == 0
        said = capsys.readouterr().out
        assert ("STETHO_FIRST_PROCESS" in said) == is_cluster
        assert ("STETHO_PROCESSES=6 makes it" in said) != is_cluster
        assert run(tmp_path, "nats", *HOSTS) == 0
    for count in ("0", "33", "many", "-1"):
        with pytest.raises(SystemExit):
            run(tmp_path, "worker", f"--processes={count}")
        assert f"it is '{count}'; it takes a whole number from 1 to 32\n" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["init", "my host"], ["init", "a.lan", "http://b.lan"]])
def test_a_certificate_is_made_for_hosts_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(tmp_path, *arguments) == 2
    assert f"{arguments[-1]!r} is no host" in capsys.readouterr().err
    assert not (tmp_path / "certificates" / "server.pem").exists()


def test_a_program_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STETHO_NATS", "/nowhere/nats-server")
    with pytest.raises(BrokerError, match="not a program"):
        find_nats()
