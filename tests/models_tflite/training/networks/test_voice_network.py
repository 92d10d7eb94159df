"""The encoder of voices: its conversion to int8, and the training of its last layer."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip(
    "tensorflow", reason="TensorFlow is not installed: pip install -r requirements/training.txt"
)

from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.signal.arrays import Float32Array
from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus.corpus import Corpus, Recording, TrainingError
from models_tflite.training.networks import batches, conversion, fit, voice_network
from models_tflite.training.recipes import emotion
from models_tflite.training.teachers import voice_encoder
from models_tflite.training.teachers.compression import Arrays

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]

FRAMES, WIDTH = 198, 16
RECIPE = dataclasses.replace(
    emotion.RECIPE,
    labels=("low", "high"),
    background=False,
    sampling=sampling.uniform,
    epochs=2,
    steps_per_epoch=1,
)


def small_encoder() -> Arrays:
    """Return random weights of an encoder of 16 numbers."""
    rng = np.random.default_rng(0)
    shapes = {"conv1": (240, WIDTH), "conv2": (3 * WIDTH, WIDTH), "project": (WIDTH, WIDTH)}
    for layer in range(2):
        shapes |= {f"attention_{layer}/in": (WIDTH, 3 * WIDTH), f"attention_{layer}/out": (WIDTH, WIDTH)}
        shapes |= {f"hidden_{layer}/in": (WIDTH, 2 * WIDTH), f"hidden_{layer}/out": (2 * WIDTH, WIDTH)}
    arrays = {
        f"{name}/weight": (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        for name, shape in shapes.items()
    }
    arrays |= {f"{name}/bias": np.zeros(shape[1], np.float32) for name, shape in shapes.items()}
    return arrays | {"positions": np.zeros((FRAMES // 2, WIDTH), np.float32)}


def corpus_of_tones() -> Corpus:
    """Return twelve sounds in dB, loudest in the lower or in the upper bands."""
    rng = np.random.default_rng(1)
    recordings, features = [], []
    for n in range(12):
        frames: Float32Array = rng.normal(-40, 3, (FRAMES, 80)).astype(np.float32)
        frames[:, 10:20] += 25 * (n % 2 == 0)
        frames[:, 50:60] += 25 * (n % 2 == 1)
        recordings.append(Recording(Path(f"{n}.wav"), RECIPE.labels[n % 2], "site", f"{n}"))
        features.append(frames)
    return Corpus(tuple(recordings), tuple(features), RECIPE.labels)


def test_the_int8_network_computes_what_the_float_one_does() -> None:
    windows, _ = batches.corpus_windows(corpus_of_tones(), RECIPE)
    model = voice_network.build(small_encoder())

    content = conversion.to_int8(model, windows)

    given, expected = ModelInterpreter(content).run(windows), model.predict(windows, verbose=0)
    assert np.corrcoef(given.ravel(), expected.ravel())[0, 1] > 0.95


def test_the_last_layer_learns_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "encoder.npz"
    path.write_bytes(voice_encoder.content(small_encoder()))
    monkeypatch.setattr(voice_encoder, "ENCODER", path)
    corpus, epochs = corpus_of_tones(), list[int]()

    model = fit.fit(corpus, RECIPE, None, 1, "voice", on_epoch=epochs.append)

    windows, owner = batches.corpus_windows(corpus, RECIPE)
    assert (model.predict(windows, verbose=0).argmax(axis=1) == corpus.targets[owner]).all()
    assert epochs == [1, 2]
    kept = voice_network.build(voice_encoder.load(path)).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(kept, model.get_weights(), strict=False))


def test_training_without_the_encoder_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_encoder, "ENCODER", tmp_path / "none.npz")

    advice = r"none\.npz is missing: make it, as `.* train encoder --help` says"
    with pytest.raises(TrainingError, match=advice):
        fit.fit(corpus_of_tones(), RECIPE, None, 1, "voice")
