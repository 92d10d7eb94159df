"""State directory of one broker: accounts, certificates, persistence; private to its owner."""

import argparse
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_worker.errors import BrokerError
from edge_worker.private_files import keep_private

PACKAGE: Final = Path(__file__).parent
"""Directory of this package, with the configuration that it ships."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add `--dir`; without it the value is None, which stands for `default_path`."""
    parser.add_argument(
        "--dir",
        type=Path,
        help="state directory (default: broker/secrets in a checkout; elsewhere "
        "$XDG_STATE_HOME/stetho/broker, by default ~/.local/state/stetho/broker)",
    )


def default_path() -> Path:
    """Return the default state directory.

    In a checkout it is `broker/secrets`. An installed package is not a place for data, and a checkout of
    another user cannot be written: there it is in the user's state directory, after the XDG Base Directory
    Specification.

    Raises:
        BrokerError: the user has no home directory.
    """
    secrets = PACKAGE / "secrets"
    is_checkout = (PACKAGE.parent / "pyproject.toml").is_file()
    if is_checkout and (secrets.exists() or os.access(PACKAGE, os.W_OK)):
        return secrets
    state_home = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state_home.is_absolute():  # unset, empty or relative, which the specification ignores
        try:
            state_home = Path.home() / ".local" / "state"
        except RuntimeError as error:
            raise BrokerError("there is no home directory; name a state directory with --dir") from error
    return state_home / "stetho" / "broker"


def data_path(state: Path) -> Path:
    """Return where the programs of a site keep their data by default: `data` beside the state directory.

    For the state directory of a checkout, which is inside of its package, it is `data` of the checkout.
    """
    return (PACKAGE.parent if state.parent == PACKAGE else state.parent) / "data"


class StateDirectory:
    """Paths inside a state directory; creates the directories, and keeps them and their files private.

    Raises:
        OSError: the directory cannot be created or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.passwords = self.path / "passwords"
        self.acl = self.path / "acl"
        self.listeners = self.path / "conf.d" / "listeners.conf"
        self.data = self.path / "data"
        self.certificates = self.path / "certificates"
        self.nats_hosts = self.path / "nats" / "hosts"
        self.pid_file = self.path / "mosquitto.pid"
        self.log = self.path / "mosquitto.log"
        keep_private(self.path)
        for folder in (self.path, self.listeners.parent, self.data, self.certificates):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold an exclusive lock, so that no other program changes the directory at the same time."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically, with mode 0600: a reader sees the old or the new text."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mkstemp creates 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
