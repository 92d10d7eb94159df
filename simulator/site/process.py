"""Child process that runs one of our programs, with its output in a log file."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import edge_worker
from edge_worker.errors import StethoError

PACKAGES: Final = Path(edge_worker.__file__).parents[1]
"""Directory that holds our packages: a checkout, or site-packages.

Child processes run in it: `python -m` finds our packages there, and no module of the user's directory.
"""
_STOP_WITHIN_S: Final = 10.0


class ProcessError(StethoError):
    """A child process ended, or did not print in time what was expected."""


class Process:
    """Running program. It is not a context manager: `Site` ends its processes."""

    def __init__(self, module: str, environ: Mapping[str, str], log_path: Path) -> None:
        """Start `python -m module` with only the `STETHO_*` settings in `environ`."""
        self.module = module
        self.log_path = log_path
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("STETHO_")}
        with log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=PACKAGES,
                env={**inherited, **environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def log(self) -> str:
        """Output of this process, after that of earlier ones with the same log file."""
        return self.log_path.read_text(errors="replace")

    def wait_for(self, pattern: str, within_s: float = 30.0) -> re.Match[str]:
        """Return the first match of `pattern` in what this process prints.

        Raises:
            ProcessError: the process ended, or did not print it in time.
        """
        deadline = time.monotonic() + within_s
        while True:
            has_ended = self._process.poll() is not None
            match = re.search(pattern, self.log_path.read_bytes()[self._log_start :].decode(errors="replace"))
            if match:
                return match
            if has_ended or time.monotonic() > deadline:
                status = self._process.returncode
                problem = f"ended with {status}" if has_ended else f"did not print {pattern!r}"
                raise ProcessError(f"{self.module} {problem}; its output:\n{self.log[-3000:]}")
            time.sleep(0.01)

    def pause(self) -> None:
        """Stop it with SIGSTOP, so that it hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._process.send_signal(signal.SIGCONT)

    def wait(self, within_s: float = 30.0) -> int:
        """Wait until the process ends; return its exit status.

        Raises:
            ProcessError: it did not end in time.
        """
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired as error:
            problem = f"did not end within {within_s:g} s"
            raise ProcessError(f"{self.module} {problem}; its output:\n{self.log[-3000:]}") from error

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it has ended."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it with SIGTERM, if that fails with SIGKILL; return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.returncode
