"""The network of heart2: its branches, its states of the heart cycle, its int8 form."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_worker.inference.interpreter import ModelInterpreter

pytest.importorskip("tensorflow", reason="pip install -r requirements/training.txt")

import keras

from edge_worker.signal import heart_cycle
from edge_worker.signal.windowing import normalise
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording
from models_tflite.training.networks import batches, conversion, fit, heart_network, hint_head, state_network
from models_tflite.training.recipes import heart2

pytestmark = [pytest.mark.training, pytest.mark.timeout(300)]

WINDOWS = np.random.default_rng(0).normal(0, 1, (40, 196, 40)).astype(np.float32)


def test_the_temporal_branch_ignores_the_frequency_response_of_a_microphone() -> None:
    inputs = keras.Input((196, 1, 40))
    states = keras.Input((196, 1, 4))
    branch = keras.Model([inputs, states], heart_network._temporal_branch(inputs, states, (8, 12, 12), (0,)))
    colour = np.linspace(-2, 2, 40, dtype=np.float32)
    even = np.full((40, 196, 1, 4), 0.25, dtype=np.float32)

    plain, coloured = (
        branch.predict((windows[:, :, np.newaxis], even), verbose=0)
        for windows in (WINDOWS, WINDOWS + colour)
    )

    np.testing.assert_allclose(plain, coloured, atol=1e-4)
    assert np.ptp(plain, axis=0).max() > 1e-3


def test_the_int8_network_gives_the_outputs_of_the_float_one() -> None:
    keras.utils.set_random_seed(0)
    model = heart_network.build(196, 40, 3, widths=(8, 12, 12), strided_layers=(0,), dropout=0.3)

    outputs = ModelInterpreter(conversion.to_int8(model, WINDOWS)).run(WINDOWS)

    expected = model.predict(WINDOWS, verbose=0)
    assert np.abs(outputs - expected).max() < 0.1 * np.ptp(expected)


def make_beats(seconds: float, period_s: float = 0.8) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return a spectrogram in dB, 50 frames a second, of low sounds: S1, and S2 0.3 s after it."""
    at = np.arange(int(50 * seconds)) / 50 % period_s
    sounds = np.exp(-(((at - 0.1) / 0.03) ** 2)) + 0.7 * np.exp(-(((at - 0.4) / 0.025) ** 2))
    low = np.exp(-np.arange(40) / 6)
    return (10 * np.log10(np.outer(sounds, low) + 1e-4)).astype(np.float32)


def test_the_states_follow_the_heart_cycle() -> None:
    model = heart_network.build(196, 40, 3, widths=(8, 12), strided_layers=(), dropout=0.0)
    sound = make_beats(3.92)

    of_window = heart_network.predict_window_states(model, normalise(sound[np.newaxis]))[0]
    (of_recording,) = heart_network.predict_states([sound])

    assert of_window.shape == (196, 4)
    np.testing.assert_allclose(of_window.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(of_window, of_recording, atol=1e-5)
    seconds = np.arange(196) / 50 % 0.8
    for state, when_s in ((0, 0.1), (1, 0.25), (2, 0.4), (3, 0.65)):
        there = of_window[np.abs(seconds - when_s) < 0.011]
        assert (there.argmax(axis=1) == state).mean() > 0.7, heart_cycle.LABELS[state]


def test_other_states_as_input_change_the_output_and_its_own_do_not() -> None:
    keras.utils.set_random_seed(0)
    model = heart_network.build(196, 40, 3, widths=(8, 12), strided_layers=(), dropout=0.0)
    states = heart_network.predict_window_states(model, WINDOWS)
    with_states = heart_network.with_state_input(model)

    own = with_states.predict((WINDOWS, states), verbose=0)
    other = with_states.predict((WINDOWS, states[..., ::-1]), verbose=0)

    np.testing.assert_allclose(own, model.predict(WINDOWS, verbose=0), atol=1e-5)
    assert np.abs(other - own).max() > 1e-3


def test_training_leaves_the_state_network_frozen(tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        heart2.RECIPE, epochs=1, steps_per_epoch=2, batch_size=8, widths=(8, 12), strided_layers=()
    )
    labels = [*recipe.labels, BACKGROUND]
    recordings = tuple(
        Recording(tmp_path / f"{i}.wav", labels[i % 3], "physionet-a", str(i)) for i in range(30)
    )
    corpus = Corpus(recordings, tuple(make_beats(5, 0.7 + 0.01 * i) for i in range(30)), recipe.labels)

    model = fit.fit(corpus, recipe, None, 1, "short")

    keras.utils.set_random_seed(1)  # as `fit` does: it began with these
    untrained = fit.build(recipe)
    sound = normalise(make_beats(3.92)[np.newaxis])
    before, after = (heart_network.predict_window_states(each, sound) for each in (untrained, model))
    np.testing.assert_array_equal(after, before)
    model.save(tmp_path / "whole.keras")
    began, ended = (each.get_layer(heart_network.BRANCHES).get_weights() for each in (untrained, model))
    assert all(np.abs(new - old).max() > 0 for old, new in zip(began, ended, strict=True))


def test_the_states_of_a_batch_are_those_of_the_clean_sound(tmp_path: Path) -> None:
    strong = Augmentation(
        time_stretch=0.0, frequency_response_db=20.0, noise_probability=1.0, time_masks=(3, 60)
    )
    recipe = dataclasses.replace(heart2.RECIPE, augmentation=strong, batch_size=8)
    recordings = tuple(
        Recording(tmp_path / f"{i}.wav", recipe.labels[i % 2], "physionet-a", str(i)) for i in range(4)
    )
    sound = make_beats(3.92)
    corpus = Corpus(recordings, (sound,) * 4, recipe.labels)

    (windows, states), _ = batches.TrainingBatches(
        corpus, recipe, 1, hint_head.training_targets(corpus, recipe)
    )[0]

    assert (windows.shape, states.shape) == ((8, 196, 40), (8, 196, 4))
    np.testing.assert_allclose(states, np.stack(heart_network.predict_states([sound]) * 8), atol=1e-5)
    assert np.abs(windows - normalise(sound[np.newaxis])).mean() > 0.1


def test_serialized_weights_are_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keras.utils.set_random_seed(3)
    model = state_network.build(100)
    (tmp_path / "other.npz").write_bytes(state_network.serialize_weights(model))
    monkeypatch.setattr(state_network, "WEIGHTS", tmp_path / "other.npz")
    windows = WINDOWS[:2, :100]

    loaded = state_network.load_trained(100)

    np.testing.assert_allclose(
        loaded.predict(windows, verbose=0), model.predict(windows, verbose=0), atol=1e-6
    )
    assert loaded.trainable_weights == []
