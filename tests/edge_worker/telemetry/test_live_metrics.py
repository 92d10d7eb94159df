"""Load control of the live analysis: it does less when it is late, evenly, and recovers."""

import math

import pytest

from edge_worker.telemetry.live_metrics import MAX_STRETCH, LiveMetrics


def test_the_stretch_follows_the_delays_up_and_down() -> None:
    metrics, now = LiveMetrics("edge-01"), 100.0

    def observe(seconds: float, waited_s: float, windows_waited_s: float, chunks_per_s: int = 100) -> None:
        for _ in range(round(seconds * chunks_per_s)):
            nonlocal now
            now += 1 / chunks_per_s
            metrics.observe_delays(now, waited_s, windows_waited_s)

    observe(10, 0.05, 0.2)
    assert (metrics.stretch, metrics.window_stretch) == (1.0, 1.0)
    observe(1, 0.5, 0.2)
    assert (metrics.stretch, metrics.window_stretch) == (MAX_STRETCH, 1.0), "values first, windows later"
    observe(3, 0.15, 5.0)
    assert metrics.stretch == MAX_STRETCH, "a delay just below the limit changes nothing"
    slow = metrics.window_stretch
    assert slow == pytest.approx(math.e, rel=0.05)
    observe(8, 0.01, 0.01, chunks_per_s=500)
    assert metrics.window_stretch == pytest.approx(slow / math.e, rel=0.05), "however many streams there are"
    observe(20, 0.01, 0.01)
    assert (metrics.stretch, metrics.window_stretch) == (1.0, 1.0)
