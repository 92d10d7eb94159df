"""Audio gate, tested with the vectors that the firmware is tested with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_worker.signal.gate import Event, Gate, GateSettings

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "gate.json").read_text())["cases"]
SMALL = GateSettings(attack=2, hold=5, release=3, pre_roll=2, max=20)


def sound(sample_rate: int, levels: list[int]) -> "np.ndarray[Any, np.dtype[np.int16]]":
    """Return blocks whose samples alternate between +level and -level."""
    block = np.resize(np.array([1, -1], np.int16), sample_rate // 100)
    return np.concatenate([block * np.int16(level) for level in levels])


def events(gate: Gate, samples: "np.ndarray[Any, np.dtype[np.int16]]", size: int) -> list[Event]:
    parts = (samples[start : start + size] for start in range(0, len(samples), size))
    return [event for part in parts for event in gate.feed(part)]


def test_vectors_exist() -> None:
    assert len(VECTORS) >= 8


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_c4_events_equal_those_of_the_vectors(vector: dict[str, Any]) -> None:
    samples = sound(vector["sample_rate"], vector["levels"])
    expected = [Event(each["start"], each["end"], each["reason"]) for each in vector["events"]]
    for size in (len(samples), 37):
        gate = Gate(vector["sample_rate"], GateSettings(**vector["settings"]))
        assert events(gate, samples, size) == expected, f"fed {size} samples at a time"


LEVELS = st.lists(st.sampled_from([0, 600, 655, 656, 20000]), max_size=60)


@given(levels=LEVELS, cut=st.integers(0, 60))
def test_c4_a_restored_gate_continues(levels: list[int], cut: int) -> None:
    samples = sound(1000, levels) if levels else np.empty(0, np.int16)
    gate = Gate(1000, SMALL)
    whole = gate.feed(samples)
    first = Gate(1000, SMALL)
    before = first.feed(samples[: cut * 7])
    second = Gate.restore(1000, json.loads(json.dumps(first.document())))
    assert before + second.feed(samples[cut * 7 :]) == whole
    assert second.open_start == gate.open_start


@given(before=LEVELS, samples=st.integers(0, 5000), after=LEVELS)
def test_c4_skipped_samples_count_as_silence(before: list[int], samples: int, after: list[int]) -> None:
    skipping, feeding = Gate(1000, SMALL), Gate(1000, SMALL)
    silence = np.zeros(samples, np.int16)
    closed = [events(gate, sound(1000, [0, *before]), 100) for gate in (skipping, feeding)]
    closed[0] += skipping.skip(samples)
    closed[1] += feeding.feed(silence)
    closed[0] += skipping.feed(sound(1000, [0, *after]))
    closed[1] += feeding.feed(sound(1000, [0, *after]))
    assert closed[0] == closed[1]


def test_c4_the_length_of_events_is_limited() -> None:
    gate = Gate(4000, GateSettings())
    closed = gate.feed(sound(4000, [20000] * 3500))
    assert [event.reason for event in closed] == ["limit"] * 3
    assert [event.end - event.start for event in closed] == [1000 * 40] * 3
    assert gate.finish(3500 * 40)[0] == Event(3000 * 40, 3500 * 40, "end")
    assert gate.finish(3500 * 40) == []
