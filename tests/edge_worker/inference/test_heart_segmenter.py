"""S1, S2 and heart rate with the shipped model, on the TFLite runtime that is installed.

Needs only numpy, scipy, soxr and a runtime, so that it also runs with tflite-runtime:
`pytest --noconftest tests/edge_worker/inference/test_heart_segmenter.py`.
"""

import hashlib
import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_worker.errors import ModelError
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.heart_cycle import HeartCycle, find_heart_cycle

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 2000


@pytest.fixture(scope="module")
def segmenter() -> HeartSegmenter:
    return HeartSegmenter.load(MODELS)


def heart(onsets_s: Float32Array, seconds: float, rate: int = RATE) -> Float32Array:
    """Return a low S1 of 0.12 s at each onset, a higher and shorter S2 after it, and background noise."""
    until_s2 = until_s2_s(onsets_s)
    random = np.random.default_rng(0)
    sound = random.normal(0, 0.001, round(seconds * rate))
    for onset_s in onsets_s:
        for onset, length, hz, level in ((onset_s, 0.12, 45, 0.4), (onset_s + until_s2, 0.09, 65, 0.3)):
            first, last = round(onset * rate), min(round((onset + length) * rate), len(sound))
            time = np.arange(last - first) / rate
            sound[first:last] += level * np.sin(2 * np.pi * hz * time) * np.sin(np.pi * time / length)
    return sound.astype(np.float32)


def until_s2_s(onsets_s: Float32Array) -> float:
    """Return the time from S1 to S2, which is shorter in fast hearts."""
    return 0.13 + 0.2 * float(np.median(np.diff(onsets_s)))


def beats(bpm: float, seconds: float, first_s: float = 0.2) -> Float32Array:
    return np.arange(first_s, seconds - 0.5, 60 / bpm).astype(np.float32)


def max_error_s(detected: tuple[float, ...], true: Float32Array) -> float:
    """Return the largest distance from a true onset to the nearest detected one, in seconds."""
    return float(np.abs(np.asarray(detected)[:, np.newaxis] - true).min(axis=0).max())


@pytest.mark.parametrize("bpm", [50, 60, 75, 100, 130])
@pytest.mark.parametrize("rate", [RATE, 4000, 44100])
def test_rate_and_onsets_of_a_synthesised_heart(segmenter: HeartSegmenter, bpm: float, rate: int) -> None:
    onsets = beats(bpm, 8)

    cycle = segmenter.segment(Signal(heart(onsets, 8, rate), rate))

    assert cycle.heart_rate_bpm == pytest.approx(bpm, abs=2)
    assert max_error_s(cycle.s1_s, onsets) < 0.06
    assert max_error_s(cycle.s2_s, onsets + until_s2_s(onsets)) < 0.06
    assert abs(len(cycle.s1_s) - len(onsets)) <= 1


def test_onsets_move_with_the_sound(segmenter: HeartSegmenter) -> None:
    sound = heart(beats(80, 8), 8)

    whole, later = segmenter.segment(Signal(sound, RATE)), segmenter.segment(Signal(sound[RATE:], RATE))

    assert max_error_s(whole.s1_s, np.array(later.s1_s) + 1) < 0.03


@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_onsets_do_not_depend_on_gain(segmenter: HeartSegmenter, gain: float) -> None:
    sound = heart(beats(80, 6), 6)

    cycle, unchanged = segmenter.segment(Signal(sound * gain, RATE)), segmenter.segment(Signal(sound, RATE))

    assert cycle.s1_s == pytest.approx(unchanged.s1_s, abs=0.01)


def test_an_early_beat_does_not_move_the_others(segmenter: HeartSegmenter) -> None:
    onsets = beats(70, 10)
    onsets[5] -= 0.15

    cycle = segmenter.segment(Signal(heart(onsets, 10), RATE))

    assert max_error_s(cycle.s1_s, onsets) < 0.06


@pytest.mark.parametrize("samples", [0, 1, 150, 1000, 3000, 7999])
def test_short_recordings_are_accepted(segmenter: HeartSegmenter, samples: int) -> None:
    cycle = segmenter.segment(Signal(heart(beats(75, 6), 6)[:samples], RATE))

    assert 0 <= cycle.certainty <= 1
    assert all(0 <= onset_s <= samples / RATE for onset_s in (*cycle.s1_s, *cycle.s2_s))


def is_empty(cycle: HeartCycle) -> bool:
    return cycle.heart_rate_bpm is None and cycle.s1_s == cycle.s2_s == ()


@pytest.mark.parametrize("seconds", [0.5, 4, 30])
def test_silence_hum_and_noise_have_no_beats(segmenter: HeartSegmenter, seconds: float) -> None:
    time = np.arange(round(seconds * RATE)) / RATE
    random = np.random.default_rng(1)
    for sound in (0 * time, 0.5 + 0 * time, 0.3 * np.sin(100 * np.pi * time)):
        assert is_empty(segmenter.segment(Signal(sound.astype(np.float32), RATE)))
    for _ in range(10):
        white = random.normal(0, 0.1, len(time)).astype(np.float32)
        assert is_empty(segmenter.segment(Signal(white, RATE)))
        assert is_empty(segmenter.segment(Signal((np.cumsum(white) / 10).astype(np.float32), RATE)))


def test_ten_minutes_lose_no_beat_and_need_little_memory(segmenter: HeartSegmenter) -> None:
    """The rate drifts from 60 to 100 bpm, which no single cycle length fits."""
    onsets = np.cumsum(60 / np.linspace(60, 100, 790)).astype(np.float32)
    signal = Signal(heart(onsets, 600), RATE)
    segmenter.segment(Signal(signal.samples[: 8 * RATE], RATE))
    tracemalloc.start()

    cycle = segmenter.segment(signal)

    peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    onsets = onsets[onsets < 599.9]
    assert max_error_s(cycle.s1_s, onsets) < 0.06
    assert np.diff(cycle.s1_s).min() > 0.4
    assert 0 <= len(cycle.s1_s) - len(onsets) <= 1, "one more onsets in the last 0.1 s"
    assert cycle.heart_rate_bpm == pytest.approx(79, abs=5)
    assert peak_mb < 150


def test_nothing_is_reported_below_the_threshold() -> None:
    state = np.arange(200) % 40 // 10
    probabilities = np.full((200, 4), 0.02, dtype=np.float32)
    probabilities[np.arange(200), state] = 0.94

    assert find_heart_cycle(probabilities, threshold=0.5).heart_rate_bpm == pytest.approx(75, abs=0.5)
    assert is_empty(find_heart_cycle(probabilities, threshold=0.999))
    assert is_empty(find_heart_cycle(np.full((200, 4), 0.25, dtype=np.float32), threshold=0.0))


def copied(folder: Path, **changes: object) -> Path:
    """Copy the shipped pair, with changes to its card."""
    shutil.copy(MODELS / "segments.tflite", folder)
    card = json.loads((MODELS / "segments.json").read_text())
    (folder / "segments.json").write_text(json.dumps(card | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "do not belong together"),
        ({"labels": ["S2", "systole", "S1", "diastole"]}, "its labels must be"),
        ({"model": "heart2"}, "its model must be"),
        ({"features": {"kind": "nrdt"}}, "its features must be"),
        ({"threshold": 2}, "a threshold from 0 to 1"),
        ({"window_s": 3}, "tensors of shape"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        HeartSegmenter.load(copied(tmp_path, **changes))


def test_a_missing_or_damaged_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"segments\.json cannot be read"):
        HeartSegmenter.load(tmp_path)
    copied(tmp_path)
    (tmp_path / "segments.json").write_text("[]")
    with pytest.raises(ModelError, match="is not a card of segments"):
        HeartSegmenter.load(tmp_path)
    copied(tmp_path, sha256=hashlib.sha256(b"x").hexdigest())
    (tmp_path / "segments.tflite").write_bytes(b"x")
    with pytest.raises(ModelError, match="copy it again"):
        HeartSegmenter.load(tmp_path)
