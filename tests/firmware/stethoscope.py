"""Driver of the firmware as a Linux program: lines go in, its display and results come out."""

import json
import os
import re
import subprocess
import threading
import wave
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import toolchain
from conftest import wait_until

from broker.account import Credentials
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples, write

ID: Final = "st-01"
WITHIN_S: Final = 40.0
READY: Final = r"READY[ │\n]+press to record"
"""Pattern on the display: the device is connected, and a worker is ready."""
CRASHES: Final = 3
"""Number of starts in a row that crash before the next one is in safe mode."""


def program() -> Path:
    """Build the program, with AddressSanitizer and UndefinedBehaviorSanitizer in it; return its path."""
    path = toolchain.build("sanitize", "stethoscope-posix") / "posix" / "stethoscope-posix"
    if not path.exists():
        toolchain.give_up("libmosquitto (libmosquitto-dev) not found")
    return path


class Stethoscope:
    """One running device. Use it as a context manager, which shuts it down in order."""

    def __init__(self, site: Site, account: Credentials, *options: str, port: int | None = None) -> None:
        at = ("--host", site.broker.host, "--port", str(port or site.broker.port))
        self.device_id = account.username
        self.display = ""
        """Everything on stderr so far: its display and its messages."""
        self.results: list[dict[str, Any]] = []
        self._is_quitting = self._is_killed = False
        self._process = subprocess.Popen(
            [program(), *at, "--device", account.username, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "STETHO_DEVICE_PASSWORD": account.password},
        )
        self._readers = [threading.Thread(target=read) for read in (self._read_display, self._read_results)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_quitting and not self._has_ended:
            self._process.terminate()
        status = self.wait()
        if error is not None:  # pytest shows what was printed with a test that failed
            print(self.display[-2500:])
        assert error is not None or self._is_killed or status in {0, 1, 2}, self.display[
            -6000:
        ]  # a sanitizer ends with another

    @property
    def _has_ended(self) -> bool:
        return self._process.poll() is not None

    def say(self, line: str) -> None:
        """Write a line to its standard input: `press`, `unplug`, …; `program --help` lists them."""
        self._is_quitting = line == "quit"
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """Cut its power."""
        self._is_killed = True
        self._process.kill()

    def wait_for(self, words: str, after: int = 0) -> int:
        """Wait until the display has shown the pattern `words` after a position; return where it ends."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            match = re.compile(words).search(self.display, after)
            if match:
                found.append(match)
            return bool(found) or self._has_ended

        wait_until(look, f"{words!r} on the display", WITHIN_S)
        assert found, (
            f"it ended with {self._process.returncode}, and never showed {words!r}:\n{self.display[-6000:]}"
        )
        return found[0].end()

    def wait_for_result(self, number: int = 1) -> dict[str, Any]:
        """Wait until it has received `number` results; return the last of them."""
        wait_until(lambda: len(self.results) >= number or self._has_ended, f"result {number}", WITHIN_S)
        assert len(self.results) >= number, f"it ended without a result:\n{self.display[-6000:]}"
        return self.results[number - 1]

    def wait(self) -> int:
        """Wait until it ends; return the exit status."""
        try:
            status = self._process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return status

    def _read_display(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.display += line

    def _read_results(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.results.append(json.loads(line))


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run `command` to its end, with nothing on standard input."""
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def provisioning(site: Site, account: Credentials) -> str:
    """Return the line that tells a device where the broker is, and who it is."""
    at = f"host={site.broker.host}&port={site.broker.port}&tls=0"
    return f"set {at}&device_id={account.username}&password={account.password}"


def crash_until_safe(device: Stethoscope, at: int) -> int:
    """Let a device crash that is ready; return the position of its display where safe mode begins."""
    for number in range(CRASHES):
        device.say("crash")
        is_last = number == CRASHES - 1
        at = device.wait_for(f"SAFE MODE[ │\n]+{CRASHES} starts failed" if is_last else READY, at)
    return device.wait_for("panic", at)


def heart(directory: Path, rate: int, seconds: float = 4) -> Path:
    """Write a WAV file with a normal heart sound at 72 bpm; return its path."""
    path = directory / f"heart-{rate}.wav"
    write(path, from_samples(synthesise("normal", 72, seconds, rate, 1), rate))
    return path


def samples_of(path: Path) -> bytes:
    """Return the 16-bit samples of a WAV file."""
    with wave.open(str(path)) as file:
        frames: bytes = file.readframes(file.getnframes())
    return frames


def kept(site: Site, result: dict[str, Any]) -> bytes:
    """Return the samples of a recording as the worker stored them."""
    paths = [path for path in site.data_dir.rglob("*.wav") if result["recording_id"] in path.name]
    assert len(paths) == 1
    return samples_of(paths[0])


def played_in(recorded: bytes, played: bytes) -> int:
    """Return the sample of the recording at which the played file begins; the rest is exactly the file."""
    start = recorded.find(played[:256])
    assert start >= 0
    assert recorded[start:] == played[: len(recorded) - start]
    return start // 2
