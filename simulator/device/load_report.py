"""Figures of a load test: counts and latencies over all devices of a fleet."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from simulator.device.delivery import Delivery
from simulator.device.device import Device


def load_report(
    devices: Sequence[Device], recordings_each: int, *, cpu_s: float, wall_s: float
) -> dict[str, Any]:
    """Return what the devices counted and measured, as a JSON object.

    Args:
        devices: all devices of the fleet, at least one.
        recordings_each: number of recordings that each was to make.
        cpu_s: processor time of the fleet, seconds.
        wall_s: duration of the test, seconds.
    """
    deliveries = [delivery for device in devices for delivery in device.deliveries.values()]
    counts = sum((device.counts for device in devices), Counter[str]())
    return {
        "devices": len(devices),
        "wall_s": round(wall_s, 2),
        "cpu_s": round(cpu_s, 2),
        "max_late_s": round(max(device.max_late_s for device in devices), 3),
        "chunks": counts["chunks"],
        "resent_chunks": counts["resent"],
        "recordings_planned": len(devices) * recordings_each,
        "recordings": len(deliveries),
        "stored": sum(delivery.completeness is not None for delivery in deliveries),
        "partial": sum(delivery.completeness == "partial" for delivery in deliveries),
        "asked_samples": sum(delivery.requested_samples for delivery in deliveries),
        "rejections": sum(len(delivery.rejections) for delivery in deliveries),
        "results": sum(delivery.result is not None for delivery in deliveries),
        "status": dict(Counter(str(j.result.get("status")) for j in deliveries if j.result)),
        "last_to_stored_ms": _latency(deliveries, lambda delivery: delivery.stored_at),
        "last_to_result_ms": _latency(deliveries, lambda delivery: delivery.result_at),
    }


def _latency(
    deliveries: Iterable[Delivery], end: Callable[[Delivery], float | None]
) -> dict[str, float] | None:
    """Return percentiles of the time from the last chunk to `end`, in ms; None without any."""
    spans_ms = [
        1000 * (ended - delivery.last_sent_at)
        for delivery in deliveries
        if delivery.last_sent_at is not None and (ended := end(delivery)) is not None
    ]
    if not spans_ms:
        return None
    values = np.percentile(spans_ms, (50, 95, 99, 100))
    return dict(zip(("p50", "p95", "p99", "max"), (round(float(value), 1) for value in values), strict=True))
