"""Latency and cost of live analysis: devices that stream 44.1 kHz through the real broker and worker.

Latency is from the chunk that completes a hint to the hint. Throughput, in windows classified per second, is
measured with streams that are sent as fast as possible.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.machine import cpu_seconds_with_children, peak_rss_mb
from bench.stream_load import CHUNK, RATE, StreamLoad, StreamSender
from edge_worker.database.history import History
from edge_worker.database.paging.result_filter import ResultFilter
from simulator.device.event_loop import EventLoop
from simulator.site.process import Process
from simulator.site.site import Site

DEVICES: Final = 100
SECONDS: Final = 30.0
WARM_S: Final = 8.0
"""Hints before this are left out: the worker warms up, and streams have no complete window yet."""
FAST_DEVICES: Final = 10
FAST_SECONDS: Final = 60.0


def measure() -> dict[str, float]:
    """Return latency and cost of `DEVICES` in real time, by one process and by two; windows per second."""
    by_two = {f"stream_by_2_{name}": value for name, value in hints(DEVICES, SECONDS, 2).items()}
    figures = {f"stream_{name}": value for name, value in hints(DEVICES, SECONDS).items()}
    return figures | by_two | {"stream_windows_per_s": windows_per_s()}


def hints(count: int, seconds: float, processes: int = 1) -> dict[str, float]:
    """Return latency and cost of `count` devices that stream for `seconds` to a worker of some processes."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name), processes=processes) as site:
        worker = site.start_worker()
        load = StreamLoad(site, count, seconds)
        try:
            load.connect()
            cpu_s = _in_real_time(load, worker, seconds)
            load.run_until(lambda: load.results >= count)
        finally:
            load.close()
        rss_mb, results = peak_rss_mb(worker.pid), _results(site)
    late_ms = [[ms for t_s, ms in each if t_s >= WARM_S] for each in load.latencies_ms.values()]
    every = sorted(ms for each in late_ms for ms in each)
    if not every:
        raise RuntimeError("no device received a live value")
    return {
        "devices": count,
        "hint_ms_p50": statistics.median(every),
        "hint_ms_p95": every[int(0.95 * len(every))],
        "hint_ms_p99": every[int(0.99 * len(every))],
        "hints_per_s_least": min(map(len, late_ms)) / (seconds - WARM_S),
        "skipped_windows_share": _skipped_share(results),
        "worker_cores": cpu_s / seconds,
        "cpu_s_per_device_minute": cpu_s / count * 60 / seconds,
        **({"peak_rss_mb": rss_mb} if processes == 1 else {}),
    }


def _in_real_time(load: StreamLoad, worker: Process, seconds: float) -> float:
    """Send all streams in real time; return the processor time of the worker, seconds.

    Devices begin spread over a second, so that their windows fill as evenly as those of independent devices.
    """
    period_s = CHUNK / RATE
    began = time.monotonic() + 0.5
    before_s = cpu_seconds_with_children(worker.pid)
    for number, sender in enumerate(load.senders.values()):
        _schedule_sends(load.event_loop, sender, began + number / len(load.senders), period_s)
    while time.monotonic() < began + seconds + 2:
        load.event_loop.run_once(0.05)
    return cpu_seconds_with_children(worker.pid) - before_s


def _schedule_sends(event_loop: EventLoop, sender: StreamSender, due_at: float, period_s: float) -> None:
    def send() -> None:
        if sender.send():
            _schedule_sends(event_loop, sender, due_at + period_s, period_s)

    event_loop.call_at(due_at, send)


def windows_per_s() -> float:
    """Return the windows that a worker classifies per second when streams are sent as fast as possible."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        site.start_worker()
        load = StreamLoad(site, FAST_DEVICES, FAST_SECONDS)
        try:
            load.connect()
            began = time.monotonic()
            _send_unpaced(load)
            load.run_until(lambda: load.results >= FAST_DEVICES)
            took_s = time.monotonic() - began
        finally:
            load.close()
        windows = _windows(_results(site))
    return windows / took_s


def _send_unpaced(load: StreamLoad) -> None:
    waiting = list(load.senders.values())
    while waiting:
        waiting = [each for each in waiting if each.connection.unacknowledged >= 20 or each.send()]
        load.event_loop.run_once(0.001)


def _windows(results: list[dict[str, Any]]) -> int:
    windows: int = sum(model["windows"] for each in results for model in each["models"])
    return windows


def _skipped_share(results: list[dict[str, Any]]) -> float:
    """Return the share of windows that were skipped for lack of time."""
    skipped: int = sum(each["stream"]["skipped_windows"] for each in results)
    return skipped / (skipped + _windows(results))


def _results(site: Site) -> list[dict[str, Any]]:
    history = History.open(f"sqlite:///{site.data_dir / 'stetho.db'}")
    results = [json.loads(result) for result in history.all_results(ResultFilter())]
    history.close()
    return results
