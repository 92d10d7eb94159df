"""Event extractor: the sound of an event, from its pre-roll to its end."""

import numpy as np

from edge_worker.live.event_extractor import EventAudio, EventExtractor
from edge_worker.signal.gate import GateSettings


def test_c4_an_event_has_its_sound_from_the_pre_roll_to_the_end() -> None:
    rate = 8000
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)[:, np.newaxis]
    quiet = np.zeros((rate, 1), np.int16)
    pcm = np.concatenate((quiet, tone, quiet, quiet, tone[: rate // 2]))
    extractor = EventExtractor(rate, GateSettings(), 0)
    events: list[EventAudio] = []
    for start in range(0, len(pcm), 333):
        events += extractor.process(start, pcm[start : start + 333])
    events += extractor.finish()
    (first, sound), (second, _) = events
    assert (first.start, first.reason) == (rate - 20 * 80, "quiet")
    assert first.end == 2 * rate + 30 * 80
    np.testing.assert_array_equal(sound, pcm[first.start : first.end])
    assert second.reason == "end"
    assert extractor.overlaps(rate, rate + 1)
    assert not extractor.overlaps(0, 10)
