"""Default state directory of a broker."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker import __main__ as command
from broker import certificate, directory, provision
from edge_worker.errors import BrokerError

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands for the package, and no XDG_STATE_HOME."""
    package = tmp_path / "checkout" / "broker"
    package.mkdir(parents=True)
    monkeypatch.setattr(directory, "PACKAGE", package)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return package


@pytest.fixture
def checkout(package: Path) -> Path:
    """The package, in a checkout."""
    (package.parent / "pyproject.toml").touch()
    return package


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written. A patch, because root may write everywhere."""
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)


def test_a_checkout_holds_it(checkout: Path) -> None:
    assert directory.default_path() == checkout / "secrets"


@pytest.mark.usefixtures("package")
def test_an_installed_package_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert directory.default_path() == tmp_path / ".local" / "state" / "stetho" / "broker"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert directory.default_path() == tmp_path / "state" / "stetho" / "broker"


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("invalid", ["", "relative/state"])
def test_a_state_home_that_is_not_absolute_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invalid: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", invalid)
    assert directory.default_path() == tmp_path / ".local" / "state" / "stetho" / "broker"


@pytest.mark.usefixtures("checkout", "read_only")
def test_a_checkout_that_cannot_be_written_does_not_hold_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert directory.default_path() == tmp_path / "state" / "stetho" / "broker"


@pytest.mark.usefixtures("read_only")
def test_accounts_that_are_there_already_are_not_replaced_by_others(checkout: Path) -> None:
    (checkout / "secrets").mkdir()
    assert directory.default_path() == checkout / "secrets"


@pytest.mark.usefixtures("package")
def test_without_a_home_directory_the_sentence_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(BrokerError, match="--dir"):
        directory.default_path()


@pytest.mark.parametrize("main", [command.main, provision.main, certificate.main])
def test_the_help_says_where_it_is(main: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(main)
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "broker/secrets in a checkout" in text
    assert "$XDG_STATE_HOME/stetho/broker" in text


def test_the_command_of_an_installed_package_writes_nothing_into_it(tmp_path: Path) -> None:
    packages, state = tmp_path / "site-packages", tmp_path / "state"
    shutil.copytree(PROJECT / "broker", packages / "broker", ignore=shutil.ignore_patterns("secrets"))
    (packages / "edge_worker").symlink_to(PROJECT / "edge_worker")
    before = set(packages.rglob("*"))
    subprocess.run(
        [sys.executable, "-m", "broker.provision", "device", "st-01"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_STATE_HOME": str(state),
        },
        capture_output=True,
        check=True,
    )
    assert set(packages.rglob("*")) == before
    assert (state / "stetho" / "broker" / "passwords").read_text().startswith("st-01:")
