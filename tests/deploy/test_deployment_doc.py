"""docs/deployment.md agrees with the configuration and the commands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker import certificate, listener, provision
from broker.mosquitto import CONFIGURATION
from history_api.__main__ import parser

SYSTEMD = Path(__file__).parents[2] / "docs" / "systemd"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
OPTIONS = dict(re.findall(r"^(\w+) (\S+)$", CONFIGURATION.read_text(), re.MULTILINE))


@pytest.mark.parametrize("option", ["max_packet_size", "max_queued_messages", "max_inflight_messages"])
def test_a_limit_is_the_one_in_force(option: str) -> None:
    assert f"{int(OPTIONS[option]):,}" in DOCUMENT


def test_the_queue_and_its_save_are_the_ones_in_force() -> None:
    assert f"{int(OPTIONS['max_queued_bytes']) >> 20} MiB" in DOCUMENT
    assert f"every {OPTIONS['autosave_interval']} s, which" in DOCUMENT
    assert f"{OPTIONS['persistent_client_expiration'].removesuffix('d')} days" in DOCUMENT


def test_ports_and_validity_are_the_ones_in_force() -> None:
    assert f"| {listener.TLS.port} |" in DOCUMENT
    assert f"| {listener.TLS_WEBSOCKET.port} |" in DOCUMENT
    assert f"{certificate.SERVER_DAYS} days" in DOCUMENT


@pytest.mark.parametrize("role", [*provision.ROLES, "list", "remove"])
def test_every_account_command_is_described(role: str) -> None:
    assert f"`{role} " in DOCUMENT or f"`{role}`" in DOCUMENT


def test_the_first_key_is_made_by_a_command_that_exists() -> None:
    commands = re.findall(r"^(.*)stetho (key .+?) +#", DOCUMENT, re.MULTILINE)
    assert [before for before, _ in commands] == ["docker compose exec history_api ", ""]
    for _, arguments in commands:
        assert parser().parse_args(arguments.split()).role == "admin"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_takes_the_unit_of_a_program(tmp_path: Path) -> None:
    unit = (SYSTEMD / "stetho@.service").read_text().replace("/opt/stetho/bin/stetho", sys.executable)
    (tmp_path / "stetho@.service").write_text(unit.replace("User=stetho", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "stetho@worker.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "stetho" in line]
    assert (done.returncode, said) == (0, [])


def test_the_files_of_systemd_are_those_that_the_page_installs() -> None:
    for path in SYSTEMD.iterdir():
        assert f"docs/systemd/{path.name} " in DOCUMENT
    assert os.access(SYSTEMD / "stetho", os.X_OK)
