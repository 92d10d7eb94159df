"""The queue of the live analysis: bounded for each device, which take turns."""

import threading

from edge_worker.ingest.intake_event import StreamAudio
from edge_worker.ingest.stream import Stream
from edge_worker.live.live_queue import LiveQueue


def audio(device_id: str, samples: int, first_sample: int = 0, rate: int = 44_100) -> StreamAudio:
    stream = Stream(device_id, 1, 0.0, sample_rate=rate, channels=1)
    return StreamAudio(stream, first_sample, bytes(2 * samples), 1.0)


def test_sound_of_one_device_that_waits_leaves_room_for_the_others() -> None:
    queue = LiveQueue(lambda: True)
    for number in range(70):
        assert queue.has_room("st-01") == (number <= 64)
        queue.put(audio("st-01", 32_768, number * 32_768))
    assert queue.has_room("st-02")
    queue.put(audio("st-02", 1000))
    served = [queue.get(0) for _ in range(3)]
    assert "st-02" in [each.stream.device_id for each in served if isinstance(each, StreamAudio)]
    while len(queue):
        queue.get(0)
    assert queue.has_room("st-01")
    assert queue.waiting_bytes == 0


def test_seconds_of_sound_count_and_not_bytes() -> None:
    queue = LiveQueue(lambda: True)
    for number in range(20):
        queue.put(audio("slow", 1000, number * 1000, rate=1000))
        queue.put(audio("fast", 44_100 // 4, number * 11_025))
    served = [queue.get(0) for _ in range(20)]
    devices = [each.stream.device_id for each in served if isinstance(each, StreamAudio)]
    assert devices.count("fast") > 2 * devices.count("slow")


def test_what_waits_in_all_is_bounded_while_somebody_reads() -> None:
    queue = LiveQueue(lambda: True)
    for number in range(600):
        if queue.waiting_bytes > 2**25:
            break
        queue.put(audio(f"st-{number}", 32_768))
    reader = threading.Timer(0.05, lambda: [queue.get(1.0) for _ in range(5)])
    reader.start()
    queue.put(audio("late", 1000))
    reader.join()
    assert queue.waiting_bytes <= 2**25 + 2000
