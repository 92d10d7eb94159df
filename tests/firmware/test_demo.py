"""`make demo ARGS=--firmware` shows a complete recording on the display of the firmware."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import toolchain
from stethoscope import heart

pytestmark = pytest.mark.timeout(600)  # it builds


def test_the_demo_shows_the_display_of_the_firmware(tmp_path: Path) -> None:
    toolchain.build("host", "stethoscope-posix")
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo", "--firmware", str(heart(tmp_path, 44_100))],
        cwd=toolchain.PROJECT,
        env={**os.environ, "DEMO_ONCE": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in ("NORMAL", "not a diagnosis"):
        assert words in done.stderr
    assert done.stderr.count("└") == 1, "the last screen alone"
    assert re.search(r"^result +✓ Normal, no finding, \d+ %, \d+ bpm +http://", done.stdout, re.MULTILINE)
    count, place = re.findall(r"^pictures +(\d+) of the display in (\S+)/$", done.stdout, re.MULTILINE)[0]
    pictures = sorted((toolchain.PROJECT / place).glob("*.png"))
    assert len(pictures) == int(count) > 10
    assert {"READY", "RECORDING", "RESULT"} <= {picture.stem.partition("-")[2] for picture in pictures}
