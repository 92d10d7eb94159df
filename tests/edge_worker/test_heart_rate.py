"""Heart rate of synthesised hearts, of what is no heart, and of annotated recordings."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker import heart_rate
from edge_worker.features import Float32Array, Signal
from models_tflite import signal_report


def heart(bpm: float, seconds: float = 8.0, rate: int = 4000, noise: float = 0.002) -> Float32Array:
    """S1 at 50 Hz, a softer and higher S2 at a third of the cycle, and a quiet room."""
    time = np.arange(round(seconds * rate)) / rate
    sound = noise * np.random.default_rng(0).normal(size=len(time))
    cycle = 60 / bpm
    systole = min(0.32, 0.4 * cycle)
    for beat in np.arange(0, seconds, cycle):
        for onset, pitch_hz, level in ((beat, 50, 0.5), (beat + systole, 75, 0.3)):
            after = time - onset
            sound += np.where(
                after > 0, level * np.exp(-after.clip(0) / 0.02) * np.sin(2 * np.pi * pitch_hz * after), 0
            )
    return sound.astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(bpm=st.floats(40, 190))
def test_rate_of_a_synthesised_heart(bpm: float) -> None:
    found = heart_rate.estimate(Signal(heart(bpm), 4000))

    assert found == pytest.approx(bpm, abs=2)


def test_rate_does_not_depend_on_sample_rate() -> None:
    rates = [heart_rate.estimate(Signal(heart(72, rate=rate), rate)) for rate in (2000, 8000, 44100)]

    assert rates == pytest.approx([72, 72, 72], abs=1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("seconds", [0.0, 0.5, 4.0, 8.0])
def test_noise_has_no_rate(seed: int, seconds: float) -> None:
    white = np.random.default_rng(seed).normal(size=round(seconds * 4000)).astype(np.float32) * 0.1

    assert heart_rate.estimate(Signal(white, 4000)) is None
    assert heart_rate.estimate(Signal(np.cumsum(white), 4000)) is None


def test_silence_hum_and_direct_current_have_no_rate() -> None:
    time = np.arange(16000, dtype=np.float32) / 4000
    for samples in (0 * time, 0.5 + 0 * time, 0.3 * np.sin(2 * np.pi * 50 * time)):
        assert heart_rate.estimate(Signal(samples.astype(np.float32), 4000)) is None
        assert heart_rate.strength(Signal(samples.astype(np.float32), 4000)) < heart_rate.MIN_STRENGTH


def test_rate_of_annotated_recordings(datasets: Path) -> None:
    """CirCor: every eighth recording. docs/models.md has the figures of all of them."""
    report = signal_report.rate_report(datasets / "circor", every=8)

    assert report["n"] > 100
    assert report["answered"] > 0.75
    assert report["median_error_bpm"] < 1.5
    assert report["within_5_bpm_of_answered"] > 0.8


def test_annotated_rate_counts_only_cycles_without_a_hole(tmp_path: Path) -> None:
    marks = tmp_path / "marks.tsv"
    marks.write_text("0 .1 1\n.1 .5 2\n.8 .9 1\n1.6 1.7 1\n1.7 4 0\n4 4.1 1\n4.8 4.9 1\n9 9.1 1\n")

    assert signal_report.annotated_rate(marks, until_s=6) == pytest.approx(75)
    assert signal_report.annotated_rate(marks, until_s=1) is None
