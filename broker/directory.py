"""The state directory of one broker: who may connect, certificates, persistence; private to its owner."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHIPPED = Path(__file__).parent
DEFAULT = SHIPPED / "secrets"


class StateDirectory:
    """Paths inside a state directory, created with modes 0700 and 0600.

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
        self.pid_file = self.path / "mosquitto.pid"
        self.log = self.path / "mosquitto.log"
        for folder in (self.path, self.listeners.parent, self.data, self.certificates):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other programs from changing the directory at the same time."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only: a reader sees the old or the new text."""
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
