"""A real S3 server of PyPI on loopback, which can be killed, stopped and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from broker.mosquitto import free_port
from edge_worker.errors import StethoError

_HOST: Final = "127.0.0.1"
_KEY, _SECRET, _BUCKET = "stetho", "a-secret-of-this-run", "sounds"
_WITHIN_S: Final = 60.0


class ObjectStore:
    """The server with one bucket; a context manager."""

    def __init__(self, directory: Path) -> None:
        """Keep all objects in `directory`."""
        self._directory = directory
        (directory / _BUCKET).mkdir(parents=True)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> Mapping[str, str]:
        """Settings of the programs that use it."""
        return {
            "STETHO_AUDIO_URL": f"s3://{_BUCKET}",
            "AWS_ENDPOINT_URL": f"http://{_HOST}:{self._port}",
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and return when it answers; raises StethoError."""
        command = [sys.executable, "-m", "nanio", "serve", "--data-dir", str(self._directory)]
        command += ["--host", _HOST, "--port", str(self._port), "--no-access-log"]
        environ = {**os.environ, "NANIO_ACCESS_KEY": _KEY, "NANIO_SECRET_KEY": _SECRET}
        with self._directory.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        deadline = time.monotonic() + _WITHIN_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection((_HOST, self._port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise StethoError(f"the S3 server does not answer; {self._directory.with_suffix('.log')} says why")

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Stop it with SIGSTOP."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
