"""The queue in which devices take turns."""

import queue
import threading

import pytest

from edge_worker.analysis.fair_queue import FairQueue


def drain(fair: FairQueue[str]) -> list[str]:
    return [fair.get(0) for _ in range(len(fair))]


def test_a_device_that_queues_little_waits_for_one_item_of_another_at_most() -> None:
    fair: FairQueue[str] = FairQueue()
    for number in range(1000):
        fair.put("flood", 10.0, f"flood-{number}")
    served = [fair.get(0) for _ in range(5)]
    fair.put("quiet", 1.0, "quiet-0")
    fair.put("quiet", 1.0, "quiet-1")
    served += [fair.get(0) for _ in range(4)]
    assert {"quiet-0", "quiet-1"} <= set(served)
    assert [each for each in served if each.startswith("flood")] == [f"flood-{n}" for n in range(7)]


def test_items_of_one_device_stay_in_order() -> None:
    fair: FairQueue[str] = FairQueue()
    for number in range(20):
        fair.put("st-01", 0.0 if number % 3 else 2.0, f"{number:02}")
        fair.put(f"other-{number}", 1.0, "other")
    of_device = [each for each in drain(fair) if each != "other"]
    assert of_device == sorted(of_device)


def test_long_items_take_turns_by_their_cost() -> None:
    fair: FairQueue[str] = FairQueue()
    for _ in range(10):
        fair.put("long", 10.0, "long")
        for _ in range(10):
            fair.put("short", 1.0, "short")
    first = drain(fair)[:44]
    assert 3 <= first.count("long") <= 5


def test_get_waits_for_what_another_thread_puts_and_gives_up_after_its_time() -> None:
    fair: FairQueue[str] = FairQueue()
    with pytest.raises(queue.Empty):
        fair.get(0.01)
    thread = threading.Timer(0.05, fair.put, ("st-01", 1.0, "late"))
    thread.start()
    assert fair.get(10.0) == "late"
    thread.join()


def test_wake_ends_one_wait_and_takes_no_item() -> None:
    fair: FairQueue[str] = FairQueue()
    thread = threading.Timer(0.05, fair.wake)
    thread.start()
    with pytest.raises(queue.Empty):
        fair.get(60.0)
    thread.join()
    fair.put("st-01", 1.0, "item")
    assert fair.get(0) == "item"
