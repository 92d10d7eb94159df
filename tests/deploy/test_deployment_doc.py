"""docs/deployment.md agrees with the configuration and the commands."""

import re
from pathlib import Path

import pytest

from broker import certificate, listener, provision
from broker.mosquitto import CONFIGURATION
from history_api.__main__ import parser

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
    compose = [f"docker compose exec {service} " for service in ("history_api", "cluster_api")]
    assert [before for before, _ in commands] == [*compose, ""]
    for _, arguments in commands:
        assert parser().parse_args(arguments.split()).role == "admin"
