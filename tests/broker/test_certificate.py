"""Certificate authority: strict X.509, private keys, nothing overwritten (TLS: test_broker_access)."""

import subprocess
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509

from broker import certificate
from edge_worker.errors import BrokerError

HOSTS = ["stetho.local", "192.168.1.20", "::1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificate.create_ca(tmp_path)
    certificate.create_server(tmp_path, HOSTS)
    return tmp_path


def test_openssl_accepts_the_chain_in_strict_mode(folder: Path) -> None:
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-verify_hostname",
        "stetho.local",
    ]
    subprocess.run(
        [*command, "-CAfile", str(folder / "ca.pem"), str(folder / "server.pem")],
        check=True,
        capture_output=True,
    )


def test_the_server_certificate_carries_all_names_and_addresses(folder: Path) -> None:
    assert certificate.hosts(folder) == HOSTS


def test_keys_are_private(folder: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_ca_that_devices_trust_is_never_replaced(folder: Path) -> None:
    before = (folder / "ca.pem").read_bytes()
    with pytest.raises(BrokerError, match="already"):
        certificate.create_ca(folder)
    assert (folder / "ca.pem").read_bytes() == before


def test_a_renewal_keeps_the_ca(folder: Path) -> None:
    ca, server = certificate.fingerprint(folder / "ca.pem"), certificate.fingerprint(folder / "server.pem")
    assert certificate.create_server(folder, HOSTS) != server
    assert certificate.fingerprint(folder / "ca.pem") == ca


def test_ensure_keeps_a_valid_certificate(folder: Path) -> None:
    before = certificate.fingerprint(folder / "server.pem")
    certificate.ensure(folder, ["stetho.local"])
    assert certificate.fingerprint(folder / "server.pem") == before


def test_ensure_adds_a_name_and_keeps_the_others(folder: Path) -> None:
    certificate.ensure(folder, ["edge.local"])
    assert certificate.hosts(folder) == ["edge.local", *HOSTS]


@pytest.mark.parametrize("year", [1970, 2036])
def test_no_certificate_is_made_while_the_clock_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(year, 2, 1, tzinfo=tz)

    before = certificate.fingerprint(folder / "server.pem")
    monkeypatch.setattr(certificate, "datetime", Clock)
    with pytest.raises(BrokerError, match=f"says {year}-02-01; set it"):
        certificate.create_server(folder, HOSTS)
    assert certificate.fingerprint(folder / "server.pem") == before


def test_ensure_renews_what_is_not_valid_yet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "CLOCK_SKEW", timedelta(days=-40))
    certificate.create_server(folder, HOSTS)
    monkeypatch.undo()
    certificate.ensure(folder, HOSTS)
    loaded = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    assert loaded.not_valid_before_utc <= datetime.now(UTC)


def test_ensure_renews_what_ends_within_a_month(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "SERVER_DAYS", 20)
    certificate.create_server(folder, HOSTS)
    monkeypatch.undo()
    certificate.ensure(folder, HOSTS)
    loaded = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    assert loaded.not_valid_after_utc - loaded.not_valid_before_utc == timedelta(days=certificate.SERVER_DAYS)


def test_the_fingerprint_is_the_one_that_openssl_prints(folder: Path) -> None:
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(folder / "ca.pem")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.strip().endswith(certificate.fingerprint(folder / "ca.pem"))


def test_a_server_certificate_without_a_ca_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert certificate.main(["--dir", str(tmp_path), "server", "stetho.local"]) == 2
    message = capsys.readouterr().err
    assert "stetho certificate ca" in message
    assert message.count("\n") == 1
