"""S1, S2 and rate with the shipped network, on whichever TFLite runtime is installed.

Needs numpy, scipy, soxr and a runtime only, so that it runs beside tflite-runtime too:
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


def heart(begins_s: Float32Array, seconds: float, rate: int = RATE) -> Float32Array:
    """A low S1 of 0.12 s at each of these moments, a higher and shorter S2 after it, a quiet room."""
    until_s2 = until_s2_s(begins_s)
    random = np.random.default_rng(0)
    sound = random.normal(0, 0.001, round(seconds * rate))
    for begin in begins_s:
        for onset, length, hz, level in ((begin, 0.12, 45, 0.4), (begin + until_s2, 0.09, 65, 0.3)):
            first, last = round(onset * rate), min(round((onset + length) * rate), len(sound))
            time = np.arange(last - first) / rate
            sound[first:last] += level * np.sin(2 * np.pi * hz * time) * np.sin(np.pi * time / length)
    return sound.astype(np.float32)


def until_s2_s(begins_s: Float32Array) -> float:
    """Return the time from S1 to S2, which is shorter in fast hearts."""
    return 0.13 + 0.2 * float(np.median(np.diff(begins_s)))


def beats(bpm: float, seconds: float, first_s: float = 0.2) -> Float32Array:
    return np.arange(first_s, seconds - 0.5, 60 / bpm).astype(np.float32)


def far(found: tuple[float, ...], true: Float32Array) -> float:
    """Return how far the found mark next to each true one is at most, in seconds."""
    return float(np.abs(np.asarray(found)[:, np.newaxis] - true).min(axis=0).max())


@pytest.mark.parametrize("bpm", [50, 60, 75, 100, 130])
@pytest.mark.parametrize("rate", [RATE, 4000, 44100])
def test_rate_and_marks_of_a_synthesised_heart(segmenter: HeartSegmenter, bpm: float, rate: int) -> None:
    begins = beats(bpm, 8)

    found = segmenter.segment(Signal(heart(begins, 8, rate), rate))

    assert found.heart_rate_bpm == pytest.approx(bpm, abs=2)
    assert far(found.s1_s, begins) < 0.06
    assert far(found.s2_s, begins + until_s2_s(begins)) < 0.06
    assert abs(len(found.s1_s) - len(begins)) <= 1


def test_marks_move_with_the_sound(segmenter: HeartSegmenter) -> None:
    sound = heart(beats(80, 8), 8)

    whole, later = segmenter.segment(Signal(sound, RATE)), segmenter.segment(Signal(sound[RATE:], RATE))

    assert far(whole.s1_s, np.array(later.s1_s) + 1) < 0.03


@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_gain_changes_nothing(segmenter: HeartSegmenter, gain: float) -> None:
    sound = heart(beats(80, 6), 6)

    found, as_it_was = segmenter.segment(Signal(sound * gain, RATE)), segmenter.segment(Signal(sound, RATE))

    assert found.s1_s == pytest.approx(as_it_was.s1_s, abs=0.01)


def test_an_early_beat_does_not_move_the_others(segmenter: HeartSegmenter) -> None:
    begins = beats(70, 10)
    begins[5] -= 0.15

    found = segmenter.segment(Signal(heart(begins, 10), RATE))

    assert far(found.s1_s, begins) < 0.06


@pytest.mark.parametrize("samples", [0, 1, 150, 1000, 3000, 7999])
def test_short_sound_is_no_error(segmenter: HeartSegmenter, samples: int) -> None:
    found = segmenter.segment(Signal(heart(beats(75, 6), 6)[:samples], RATE))

    assert 0 <= found.certainty <= 1
    assert all(0 <= mark <= samples / RATE for mark in (*found.s1_s, *found.s2_s))


def nothing(found: HeartCycle) -> bool:
    return found.heart_rate_bpm is None and found.s1_s == found.s2_s == ()


@pytest.mark.parametrize("seconds", [0.5, 4, 30])
def test_silence_hum_and_noise_have_no_beats(segmenter: HeartSegmenter, seconds: float) -> None:
    time = np.arange(round(seconds * RATE)) / RATE
    random = np.random.default_rng(1)
    for sound in (0 * time, 0.5 + 0 * time, 0.3 * np.sin(100 * np.pi * time)):
        assert nothing(segmenter.segment(Signal(sound.astype(np.float32), RATE)))
    for _ in range(10):
        white = random.normal(0, 0.1, len(time)).astype(np.float32)
        assert nothing(segmenter.segment(Signal(white, RATE)))
        assert nothing(segmenter.segment(Signal((np.cumsum(white) / 10).astype(np.float32), RATE)))


def test_ten_minutes_lose_no_beat_and_need_little_memory(segmenter: HeartSegmenter) -> None:
    """The rate drifts from 60 to 100 bpm, as no single cycle length could follow."""
    begins = np.cumsum(60 / np.linspace(60, 100, 790)).astype(np.float32)
    signal = Signal(heart(begins, 600), RATE)
    segmenter.segment(Signal(signal.samples[: 8 * RATE], RATE))
    tracemalloc.start()

    found = segmenter.segment(signal)

    peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    begins = begins[begins < 599.9]
    assert far(found.s1_s, begins) < 0.06
    assert np.diff(found.s1_s).min() > 0.4
    assert 0 <= len(found.s1_s) - len(begins) <= 1, "one more begins in the last 0.1 s"
    assert found.heart_rate_bpm == pytest.approx(79, abs=5)
    assert peak_mb < 150


def test_certainty_below_the_threshold_says_nothing() -> None:
    state = np.arange(200) % 40 // 10
    sure = np.full((200, 4), 0.02, dtype=np.float32)
    sure[np.arange(200), state] = 0.94

    assert find_heart_cycle(sure, threshold=0.5).heart_rate_bpm == pytest.approx(75, abs=0.5)
    assert nothing(find_heart_cycle(sure, threshold=0.999))
    assert nothing(find_heart_cycle(np.full((200, 4), 0.25, dtype=np.float32), threshold=0.0))


def copied(folder: Path, **changes: object) -> Path:
    """Copy the shipped pair, with these words of its card changed."""
    shutil.copy(MODELS / "segments.tflite", folder)
    card = json.loads((MODELS / "segments.json").read_text())
    (folder / "segments.json").write_text(json.dumps(card | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "0" * 64}, "do not belong together"),
        ({"labels": ["S2", "systole", "S1", "diastole"]}, "its labels must be"),
        ({"model": "heart2"}, "its model must be"),
        ({"features": {"kind": "nrdt"}}, "its features must be"),
        ({"threshold": 2}, "a threshold from 0 to 1"),
        ({"window_s": 3}, "tensors of shape"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        HeartSegmenter.load(copied(tmp_path, **changes))


def test_a_pair_that_is_not_there_or_broken_is_refused(tmp_path: Path) -> None:
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
