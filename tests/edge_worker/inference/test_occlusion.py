"""Occlusion maps of a classifier that responds to one event, and their picture."""

import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from edge_worker.inference.classifier import Classifier
from edge_worker.inference.familiarity import DeviceDistance
from edge_worker.inference.model_card import ModelCard
from edge_worker.inference.occlusion import BANDS, MAX_TIMES, occlude
from edge_worker.inference.occlusion_picture import svg
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL

CARD = {
    "model": "corner",
    "version": "1.0.0",
    "sha256": "0" * 64,
    "labels": ["nothing", "knock"],
    "features": {
        "sample_rate": 2000,
        "n_fft": 200,
        "hop_length": 40,
        "n_mels": 40,
        "fmin": 20,
        "fmax": 800,
    },
    "window_s": 4.0,
    "hop_s": 1.0,
    "temperature": 1.0,
    "threshold": 0.5,
    "max_missing_fraction": 0.1,
}


class KnockDetector(Classifier):
    """Classifier that responds to the maximum of the low bands over their mean."""

    def __init__(self, **changes: object) -> None:
        self.card = ModelCard.parse(json.dumps(CARD | changes))

    def probabilities(
        self, inputs: Float32Array, device: DeviceDistance | None = None
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        loudest = inputs[:, :, :10].max(axis=(1, 2)) - inputs[:, :, :10].mean(axis=(1, 2))
        knock = 1 / (1 + np.exp(-(loudest - 30.0) / 5))
        return np.stack([1 - knock, knock], axis=1).astype(np.float64)


def knock_at(second: float, seconds: float = 4.0) -> Signal:
    time = np.arange(round(seconds * 2000)) / 2000
    sound = 1e-3 * np.random.default_rng(0).normal(size=len(time))
    after = time - second
    sound += np.where(after > 0, 0.8 * np.exp(-after.clip(0) / 0.03) * np.sin(2 * np.pi * 60 * after), 0)
    return Signal(sound.astype(np.float32), 2000)


@pytest.mark.parametrize("second", [0.5, 1.1, 3.3])
def test_the_map_is_highest_at_the_event(second: float) -> None:
    occlusion = occlude(KnockDetector(), knock_at(second))

    assert occlusion.label == "knock"
    time, band = np.unravel_index(occlusion.drop.argmax(), occlusion.drop.shape)
    assert occlusion.time_edges_s[time] - 0.15 <= second <= occlusion.time_edges_s[time + 1] + 0.15
    assert occlusion.hz_edges is not None
    assert occlusion.hz_edges[band] < 100
    assert occlusion.drop.max() > 10 * np.median(np.abs(occlusion.drop))


def test_another_label_can_be_explained() -> None:
    occlusion = occlude(KnockDetector(), knock_at(2.1), "nothing")

    assert occlusion.label == "nothing"
    assert occlusion.drop.min() < -0.01, "the knock is evidence against the label nothing"
    with pytest.raises(ValueError, match="not in tuple"):
        occlude(KnockDetector(), knock_at(2.1), "music")


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0, 2.0, 100.0])
def test_any_length_has_a_bounded_map(seconds: float) -> None:
    occlusion = occlude(KnockDetector(), Signal(np.zeros(round(seconds * 2000), dtype=np.float32), 2000))

    assert len(occlusion.drop) == len(occlusion.time_edges_s) - 1 <= MAX_TIMES
    assert occlusion.drop.shape[1] == BANDS
    assert np.isfinite(occlusion.drop).all()


def test_trimmed_frames_are_not_on_the_map() -> None:
    quiet = np.zeros(4000, dtype=np.float32)
    signal = Signal(np.concatenate([quiet, knock_at(1.0, 2.0).samples]), 2000)

    occlusion = occlude(KnockDetector(trim_db=30.0), signal)

    assert 2.5 < occlusion.time_edges_s[0] < 3.1
    assert occlusion.time_edges_s[-1] < 3.6


def test_the_picture_is_well_formed_and_labelled() -> None:
    occlusion = occlude(KnockDetector(), knock_at(3.3))

    picture = svg(occlusion)

    root = ET.fromstring(picture)  # noqa: S314 - our own output
    assert root.attrib["role"] == "img"
    text = " ".join(root.itertext())
    assert "Knock, " in text
    assert ", version 1.0.0" in text
    assert "not a medical device" in text
    rectangles = root.findall("{http://www.w3.org/2000/svg}rect")[1:]
    strongest = max(rectangles, key=lambda r: float(r.attrib["fill-opacity"]))
    assert float(strongest.attrib["x"]) == pytest.approx(56 + 720 * 3.3 / 4, abs=40)
    assert HEART_LOG_MEL.n_mels == occlusion.frames.shape[1]
