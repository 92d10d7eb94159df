"""Tests of gentle imports: others' work goes before them, and no thread of the process stays slow."""

import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge_worker.upkeep.living.gentle_import import import_gently

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")


def _priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_module_is_imported_at_low_priority_and_the_process_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "import os, threading\nnice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())\n"
    (tmp_path / "imported_gently.py").write_text(source)
    before = _priority()

    import_gently("imported_gently")

    module = sys.modules.pop("imported_gently")
    assert module.nice == max(before, 10)
    assert _priority() == before


def test_what_is_wrong_with_a_module_is_said_to_whoever_imports_it_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "imported_badly.py").write_text("raise ValueError('damaged')\n")

    import_gently("imported_badly")

    with pytest.raises(ValueError, match="damaged"):
        importlib.import_module("imported_badly")


def test_the_worker_has_no_thread_left_of_its_imports() -> None:
    """A library that starts threads as it is imported would keep them at low priority for good."""
    program = (
        "import os, time\n"
        "from edge_worker.upkeep.living.gentle_import import import_gently\n"
        "import_gently('edge_worker.assembly')\n"
        "until = time.monotonic() + 30\n"
        "while len(tasks := os.listdir('/proc/self/task')) > 1 and time.monotonic() < until:\n"
        "    time.sleep(0.01)  # the kernel takes a moment to forget one that has ended\n"
        "print([os.getpriority(os.PRIO_PROCESS, int(task)) for task in tasks])\n"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert process.stdout.strip() == f"[{_priority()}]"
