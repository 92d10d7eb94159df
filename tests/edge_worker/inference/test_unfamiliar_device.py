"""Unfamiliar devices: their familiarity, what the linear model says there, and which cards are refused."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.familiarity import DeviceDistance, Familiarity
from edge_worker.inference.state_contrasts import NUMBERS
from edge_worker.inference.unfamiliar_device import UnfamiliarDevice
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.device_spectrum import NUMBERS as SPECTRUM
from simulator.sound.heart_sound import synthesise

MODELS = Path(__file__).parents[3] / "models_tflite"


def unfamiliar(**changes: object) -> UnfamiliarDevice:
    """Return an entry whose linear model says abnormal with log odds 2."""
    familiarity = Familiarity(
        ("here", "there"),
        np.stack([np.zeros(SPECTRUM), np.full(SPECTRUM, 9.0)]),
        np.stack([np.eye(SPECTRUM)] * 2),
        inside=1.0,
        outside=3.0,
    )
    weights = np.zeros((3, NUMBERS + 1))
    weights[1, -1] = 2.0
    numbers: dict[str, Any] = {
        "familiarity": familiarity,
        "mean": np.zeros(NUMBERS),
        "deviation": np.ones(NUMBERS),
        "weights": weights,
        "max_strangeness": 3.0,
        "thresholds": (0.7, 1.0),
        "threshold": 0.9,
    }
    return UnfamiliarDevice(**{**numbers, **changes})


def test_the_network_counts_as_far_as_the_device_is_familiar() -> None:
    logits, contrasts = np.array([[3.0, 0.0, 0.0]], dtype=np.float32), np.zeros((1, NUMBERS))

    assert unfamiliar().blend(logits, contrasts, 1.0).tolist() == [[3.0, 2.0, 0.0]]
    assert unfamiliar().blend(logits, contrasts, 0.5).tolist() == [[1.5, 2.0, 0.0]]
    assert unfamiliar().blend(logits, contrasts, 0.0).tolist() == [[0.0, 2.0, 0.0]]


def test_familiarity_falls_with_the_distance_from_the_nearest_site() -> None:
    of = unfamiliar().familiarity
    spectra = np.stack([np.zeros(SPECTRUM), np.full(SPECTRUM, 7.6), np.full(SPECTRUM, 4.5)])

    distances = of.distances(spectra)

    assert distances[:, 0] == pytest.approx([0.0, 7.6**2, 4.5**2])
    assert distances.argmin(axis=1).tolist()[:2] == [0, 1]


def test_strange_contrasts_are_never_accepted_and_the_nearest_site_has_the_threshold() -> None:
    usual, strange = np.zeros((2, NUMBERS)), np.full((2, NUMBERS), 2.0)

    assert unfamiliar().threshold_for(DeviceDistance(0.8, 0), usual) == 0.7
    assert unfamiliar().threshold_for(DeviceDistance(0.8, 1), usual) == 1.0
    assert unfamiliar().threshold_for(DeviceDistance(0.2, 0), usual) == 0.9
    assert unfamiliar().threshold_for(DeviceDistance(0.8, 0), strange) == 1.0


def test_an_entry_is_read_as_it_was_written() -> None:
    written = unfamiliar()

    read = UnfamiliarDevice.parse(json.loads(json.dumps(written.document())), outputs=3)

    assert read.document() == written.document()
    assert read.familiarity.precisions == pytest.approx(written.familiarity.precisions)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("threshold",), 1.2, "from 0 to 1"),
        (("thresholds",), [0.5], "a threshold for each site"),
        (("mean",), [0.0], "means and deviations"),
        (("weights",), [[0.0]], "one weight more"),
        (("deviation",), [0.0] * NUMBERS, "above 0"),
        (("familiarity", "inside"), 5.0, "inside below outside"),
        (("familiarity", "sites", 0, "mean"), [1.0] * (SPECTRUM - 1), "."),
        (("familiarity", "sites", 0, "precision"), [0.0] * (SPECTRUM * (SPECTRUM + 1) // 2), "definite"),
    ],
)
def test_a_damaged_entry_is_refused(path: tuple[str | int, ...], value: object, reason: str) -> None:
    document: Any = copy.deepcopy(unfamiliar().document())
    entry = document
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = value

    with pytest.raises((ValueError, KeyError, TypeError), match=reason):
        UnfamiliarDevice.parse(document, outputs=3)


def test_the_shipped_model_knows_its_own_devices_and_no_others() -> None:
    """A heart through a filter that no stethoscope has is far from all of them, and nothing is accepted."""
    classifier = Classifier.load(MODELS, "heart2")
    sound = synthesise("normal", seconds=8, sample_rate=2000, bpm=72, seed=1)
    strange = np.diff(np.diff(np.diff(sound, prepend=0), prepend=0), prepend=0).astype(np.float32)

    prediction = classifier.classify(Signal(strange, 2000))

    assert prediction.familiarity is not None
    assert prediction.familiarity < 0.5
    assert prediction.threshold in {classifier.card.threshold, 1.0}


def test_a_network_without_states_is_no_model_for_unfamiliar_devices() -> None:
    card = json.loads((MODELS / "heart5.json").read_text())
    donor = json.loads((MODELS / "heart2.json").read_text())["unfamiliar_device"]
    donor["weights"] = [donor["weights"][0]] * (len(card["labels"]) + card["background"])
    from edge_worker.inference.model_card import ModelCard  # noqa: PLC0415

    with pytest.raises(ModelError, match="tensors of shape"):
        Classifier(
            ModelCard.parse(json.dumps({**card, "unfamiliar_device": donor})),
            (MODELS / "heart5.tflite").read_bytes(),
        )
