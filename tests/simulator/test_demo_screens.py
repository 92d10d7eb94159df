"""The demo: what it prints, on a terminal and elsewhere, how it ends, what it refuses before it starts."""

import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from conftest import wait_until

from simulator.site.site import Site
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples, write

PROJECT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "simulator", "demo")
SCREEN_LINES = 10
REDRAWN = f"\r\x1b[{SCREEN_LINES}A\x1b[J"
USUAL_PORT = 8080


def environ(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "DEMO_ONCE"}
    return {**kept, "PYTHONPATH": str(PROJECT), **more}


def demo_once(*arguments: str, cwd: Path = PROJECT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*DEMO, *arguments], env=environ(DEMO_ONCE="1"), cwd=cwd,
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


def get(url: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def heart(path: Path) -> Path:
    sound = heart_sound("normal", 60, 3.0, 44_100, 0)
    write(path, from_samples(sound.samples, sound.sample_rate))
    return path


def test_the_demo_prints_one_screen_and_one_line_for_each_sound() -> None:
    done = demo_once()
    assert done.returncode == 0, done.stderr
    assert "not a medical device" in done.stdout
    lines = done.stdout.splitlines()
    named = [line.split(maxsplit=1) for line in lines if line and not line.startswith("synthesised")]
    assert [name for name, _ in named[1:]] == [
        *("dashboard", "worker", "broker"), "result", "result", "result", "dashboard",
    ]  # fmt: skip
    addresses = re.findall(r"^dashboard +(http://127\.0\.0\.1:\d+)/", done.stdout, re.MULTILINE)
    assert len(addresses) == 2
    assert addresses[0] == addresses[1]
    results = [rest for name, rest in named if name == "result"]
    assert ["Murmur, needs attention" in each for each in results] == [False, True, False]
    assert all(
        re.search(r"\d+ %, \d+ bpm +http://\S+/ui/recordings/[0-9a-f]{16}\?device=st-01$", r) for r in results
    )
    assert "{" not in done.stdout, "JSON is for --verbose"
    screens = re.findall(r"^┌.*?^└", done.stderr, re.MULTILINE | re.DOTALL)
    assert len(screens) == 3
    assert all("not a diagnosis" in screen for screen in screens), "the last one of each: the result"


@contextmanager
def on_a_terminal(
    *arguments: str, cwd: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """Run the demo on a terminal; yield the process, and a function that returns what was printed."""
    ours, its = pty.openpty()
    printed = bytearray()

    def read() -> None:
        with suppress(OSError):  # Linux: nobody writes to the terminal any more
            while block := os.read(ours, 65536):
                printed.extend(block)

    # A background job of a shell ignores SIGINT, and so do the processes that its tests start.
    with_sigint = ["env", "--default-signal=INT"]
    process = subprocess.Popen(
        [*with_sigint, *DEMO, *arguments], env=environ(TERM="xterm"), cwd=cwd,
        stdin=its, stdout=its, stderr=its,
        start_new_session=True,  # Ctrl-C in a terminal reaches the whole group; so does this SIGINT
    )  # fmt: skip
    os.close(its)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lambda: bytes(printed).decode(errors="replace").replace("\r\n", "\n")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(10)
        os.close(ours)


@contextmanager
def usual_port_in_use() -> Iterator[None]:
    with suppress(OSError):  # another program has it
        with socket.create_server(("127.0.0.1", USUAL_PORT)):
            yield
        return
    yield


def lines_of(text: str, name: str) -> Sequence[str]:
    return re.findall(rf"^{name} +(.*)$", text, re.MULTILINE)


def test_the_demo_on_a_terminal_redraws_its_screen_serves_until_ctrl_c_and_keeps_its_data(
    tmp_path: Path,
) -> None:
    """A file whose name has a space, as `make demo ARGS=…` hands it over: two words; and a busy port 8080."""
    heart(tmp_path / "my heart.wav")
    arguments = ("--verbose", "--keep", "kept here", "my", "heart.wav")
    with usual_port_in_use(), on_a_terminal(*arguments, cwd=tmp_path) as (demo, printed):
        wait_until(lambda: len(lines_of(printed(), "dashboard")) == 2, "the demo", within_s=60)
        text = printed()
        (first, last), (look_up,) = lines_of(text, "dashboard"), lines_of(text, "look up")
        assert first == last
        assert f":{USUAL_PORT}/" not in first
        assert len(get(look_up)["items"]) == 2, "the sound, and the same as a stream"
        for each in lines_of(text, "result"):
            with urllib.request.urlopen(each.split()[-1], timeout=30) as page:
                assert b"<h1>Recording</h1>" in page.read(), "the page that the line names"
        assert '"probabilities": {' in text, "the whole result"
        assert text.count("┌") > text.count(REDRAWN) > 10
        above, *screens = text.split(REDRAWN)
        assert all(screen.startswith("┌") for screen in screens)
        assert text.count("┌") == len(screens) + 2, "one place for each sound"
        assert above.endswith("┘\n")
        (send,) = lines_of(text, "send")
        again = subprocess.run(
            shlex.split(send), cwd="/", env=environ(), capture_output=True, text=True, timeout=60, check=False
        )
        assert again.returncode == 0, "the command as it was printed; " + again.stderr
        os.killpg(demo.pid, signal.SIGINT)
        assert demo.wait(30) == 0
    with pytest.raises(OSError, match="refused"):
        get(look_up)
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)
    with Site(tmp_path / "kept here") as site:
        kept = get(f"{site.start_api()}/api/v1/results")["items"]
    assert len(kept) == 3, "the sound twice, and the stream"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("notes.wav",), "notes.wav"),
        (("heart.wav", "nowhere.wav"), "nowhere.wav is not there; name an audio file"),
        (("empty.wav",), "empty.wav"),
        (("--keep", "notes.wav"), "--keep notes.wav cannot be written (File exists); name another one"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(
    arguments: Sequence[str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("not a sound")
    heart(tmp_path / "heart.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1), np.int16), 8000)
    done = demo_once(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    assert sentence in said
