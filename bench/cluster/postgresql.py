"""PostgreSQL of Debian's package as child processes, which can be killed, stopped and started again."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.errors import StoreError

_WITHIN_S: Final = 60.0
_OPTIONS: Final = ("listen_addresses=", "max_connections=200")
_NAME: Final = "postgres"
_WITH_US: Final = ("setpriv", "--pdeathsig", "INT") if shutil.which("setpriv") else ()
"""What lets a server end with the process that started it, however that ends."""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version; None where it is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda path: int(path.parts[-3]), default=None)
    return newest and newest.parent


class PostgreSql:
    """A server with its data in a directory of its own, on a socket there; a context manager."""

    def __init__(self, directory: Path, options: Sequence[str] = ()) -> None:
        """Make its data; `options` are further settings of the server.

        Raises:
            StoreError: PostgreSQL is not installed here.
        """
        found = programs()
        if found is None:
            raise StoreError("PostgreSQL is not installed here: tests/install_postgresql.sh installs it")
        self._programs = found
        self._options = [part for option in (*_OPTIONS, *options) for part in ("-c", option)]
        # It refuses to run as root.
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._folder = directory.absolute()
        self._folder.mkdir(parents=True)
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._data = str(self._folder / "data")
        self.url: Final = f"postgresql+psycopg://postgres@/{_NAME}?host={self._folder}"
        made = self._run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
        if made.wait(_WITHIN_S):
            raise StoreError(f"initdb fails: {(self._folder / 'log').read_text()[-500:]}")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGINT)  # ends it, whoever is connected
            self._process.wait(_WITHIN_S)

    def start(self) -> None:
        """Start it, and return when it answers; raises StoreError."""
        deadline = time.monotonic() + _WITHIN_S
        engine = create_engine(self.url)
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:  # until the last one has let go
                self._process = self._run("postgres", "-k", str(self._folder), *self._options)
            with suppress(SQLAlchemyError), engine.connect():
                engine.dispose()
                return
            time.sleep(0.1)
        raise StoreError(f"PostgreSQL does not answer: {(self._folder / 'log').read_text()[-500:]}")

    def kill(self) -> None:
        """End all its processes with SIGKILL."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(_WITHIN_S)

    def pause(self) -> None:
        """Stop all its processes with SIGSTOP: connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and its children, each of which has a session of its own."""
        if self._process is None or self._process.poll() is not None:
            return
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(each, number)

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*_WITH_US, self._programs / program, "-D", self._data, *arguments],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                user=self._user and self._user.pw_uid,
                group=self._user and self._user.pw_gid,
                extra_groups=self._user and [],
            )
