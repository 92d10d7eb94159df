"""Whoever follows the results misses none, with several workers that write at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stored_results import result_of, store_result

from edge_worker.database.history import History
from edge_worker.database.store import Store

pytest_plugins = ["store_fixtures"]

WITHIN_S = 60.0
EACH = 40
WRITER = f"""
import random, sys, time
from sqlalchemy import event
from stored_results import result_of, store_result
from edge_worker.database.store import Store

url, device = sys.argv[1:]
store, chance = Store.open(url), random.Random(device)
event.listen(store._engine, "commit", lambda _: time.sleep(chance.uniform(0, 0.01)))
print("ready", flush=True)
sys.stdin.readline()
for number in range({EACH}):
    store_result(store, result_of(number, device))
"""
"""A worker whose commits take up to 10 ms, as on a slow disk."""
HANGING = """
import os, signal, sys
from sqlalchemy import event
from stored_results import result_of, store_recording
from edge_worker.database import result_feed
from edge_worker.database.store import AnalysisResult, Store, StoreFault

result_feed._HELD_S = 1
store, result = Store.open(sys.argv[1]), result_of(1, sys.argv[2])
row = store_recording(store, result)
analysed = AnalysisResult(row, result, result.to_json().decode(), "", ())


def hang(_):
    if said:
        return
    said.append("ready")
    print("ready", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


said = []
event.listen(store._engine, "commit", hang)
try:
    store.save_results([analysed])
except StoreFault:
    print("refused", flush=True)
    store.save_results([analysed])
"""
"""A worker that is stopped when its turn has come, and goes on later."""


@contextmanager
def process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program that says when it is ready."""
    running = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[3],
    )
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "ready\n"
        yield running
    finally:
        running.kill()
        running.communicate()


def test_two_writers_make_one_order(url: str, store: Store, reader: History) -> None:
    with process(WRITER, url, "st-01") as one, process(WRITER, url, "st-02") as other:
        for each in (one, other):
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        last, seen = 0, list[str]()
        end = time.monotonic() + WITHIN_S
        while time.monotonic() < end:
            is_over = one.poll() is not None and other.poll() is not None
            for number, document in reader.results_after(last, 50):
                last = number
                seen.append(document)
            if is_over and last == reader.last_result_number():
                break
        assert (one.returncode, other.returncode) == (0, 0)
    assert len(seen) == 2 * EACH


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_writer_that_hangs_loses_its_turn_and_nothing_else(url: str, store: Store, reader: History) -> None:
    with process(HANGING, url, "st-01") as hanging:
        store_result(store, result_of(1, "st-02"))
        ((_, mine),) = reader.results_after(0, 9)
        assert '"st-02"' in mine
        hanging.send_signal(signal.SIGCONT)
        said, _ = hanging.communicate(timeout=WITHIN_S)
        assert (said, hanging.returncode) == ("refused\n", 0)
    assert len(reader.results_after(0, 9)) == 2
