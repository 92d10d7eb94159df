"""The network of heart2: what it does not hear, that it knows the states of a heart, and its int8."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_worker.inference.interpreter import ModelInterpreter

pytest.importorskip("tensorflow", reason="pip install -r requirements/training.txt")

import keras

from edge_worker.signal import heart_cycle
from edge_worker.signal.windowing import normalise
from models_tflite.training.augmentation.augmentation import Disturbance
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording
from models_tflite.training.networks import conversion, fit, heart_network, state_network
from models_tflite.training.recipes import heart2

pytestmark = [pytest.mark.training, pytest.mark.timeout(300)]

WINDOWS = np.random.default_rng(0).normal(0, 1, (40, 196, 40)).astype(np.float32)


def test_the_course_is_deaf_to_the_colour_of_a_microphone() -> None:
    inputs = keras.Input((196, 1, 40))
    states = keras.Input((196, 1, 4))
    course = keras.Model([inputs, states], heart_network._course(inputs, states, (8, 12, 12), (0,)))
    colour = np.linspace(-2, 2, 40, dtype=np.float32)
    even = np.full((40, 196, 1, 4), 0.25, dtype=np.float32)

    plain, coloured = (
        course.predict((seen[:, :, np.newaxis], even), verbose=0) for seen in (WINDOWS, WINDOWS + colour)
    )

    np.testing.assert_allclose(plain, coloured, atol=1e-4)
    assert np.ptp(plain, axis=0).max() > 1e-3


def test_in_int8_it_gives_what_it_gave() -> None:
    keras.utils.set_random_seed(0)
    model = heart_network.build(196, 40, 3, widths=(8, 12, 12), halving=(0,), dropout=0.3)

    found = ModelInterpreter(conversion.to_int8(model, WINDOWS)).run(WINDOWS)

    expected = model.predict(WINDOWS, verbose=0)
    assert np.abs(found - expected).max() < 0.1 * np.ptp(expected)


def beats(seconds: float, period_s: float = 0.8) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return a spectrogram in dB, 50 frames a second, of low sounds: S1, and S2 0.3 s after it."""
    at = np.arange(int(50 * seconds)) / 50 % period_s
    sounds = np.exp(-(((at - 0.1) / 0.03) ** 2)) + 0.7 * np.exp(-(((at - 0.4) / 0.025) ** 2))
    low = np.exp(-np.arange(40) / 6)
    return (10 * np.log10(np.outer(sounds, low) + 1e-4)).astype(np.float32)


def test_it_knows_where_the_heart_is_in_its_cycle() -> None:
    model = heart_network.build(196, 40, 3, widths=(8, 12), halving=(), dropout=0.0)
    sound = beats(3.92)

    of_window = heart_network.states_of_windows(model, normalise(sound[np.newaxis]))[0]
    (of_recording,) = heart_network.states_of([sound])

    assert of_window.shape == (196, 4)
    np.testing.assert_allclose(of_window.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(of_window, of_recording, atol=1e-5)
    seconds = np.arange(196) / 50 % 0.8
    for state, when_s in ((0, 0.1), (1, 0.25), (2, 0.4), (3, 0.65)):
        there = of_window[np.abs(seconds - when_s) < 0.011]
        assert (there.argmax(axis=1) == state).mean() > 0.7, heart_cycle.LABELS[state]


def test_what_is_told_changes_what_it_says_and_what_it_takes_for_true_changes_nothing() -> None:
    keras.utils.set_random_seed(0)
    model = heart_network.build(196, 40, 3, widths=(8, 12), halving=(), dropout=0.0)
    states = heart_network.states_of_windows(model, WINDOWS)
    told = heart_network.told(model)

    itself = told.predict((WINDOWS, states), verbose=0)
    other = told.predict((WINDOWS, states[..., ::-1]), verbose=0)

    np.testing.assert_allclose(itself, model.predict(WINDOWS, verbose=0), atol=1e-5)
    assert np.abs(other - itself).max() > 1e-3


def test_training_leaves_the_part_that_hears_states_as_it_is(tmp_path: Path) -> None:
    recipe = dataclasses.replace(heart2.RECIPE, epochs=1, steps=2, batch=8, widths=(8, 12), halving=())
    labels = [*recipe.labels, BACKGROUND]
    recordings = tuple(
        Recording(tmp_path / f"{i}.wav", labels[i % 3], "physionet-a", str(i)) for i in range(30)
    )
    corpus = Corpus(recordings, tuple(beats(5, 0.7 + 0.01 * i) for i in range(30)), recipe.labels)

    model = fit.fit(corpus, recipe, None, 1, "short")

    keras.utils.set_random_seed(1)  # as `fit` does: it began with these
    untrained = fit._untrained(recipe)
    sound = normalise(beats(3.92)[np.newaxis])
    before, after = (heart_network.states_of_windows(each, sound) for each in (untrained, model))
    np.testing.assert_array_equal(after, before)
    model.save(tmp_path / "whole.keras")
    began, ended = (each.get_layer(heart_network.HEARD).get_weights() for each in (untrained, model))
    assert all(np.abs(new - old).max() > 0 for old, new in zip(began, ended, strict=True))


def test_it_is_told_of_the_sound_as_it_was_not_as_it_is_disturbed(tmp_path: Path) -> None:
    loud = Disturbance(stretch=0.0, response_db=20.0, noisy=1.0, time_masks=(3, 60))
    recipe = dataclasses.replace(heart2.RECIPE, disturbance=loud, batch=8)
    recordings = tuple(
        Recording(tmp_path / f"{i}.wav", recipe.labels[i % 2], "physionet-a", str(i)) for i in range(4)
    )
    sound = beats(3.92)
    corpus = Corpus(recordings, (sound,) * 4, recipe.labels)

    (windows, states), _ = fit.Batches(corpus, recipe, 1, fit._targets(corpus, recipe))[0]

    assert (windows.shape, states.shape) == ((8, 196, 40), (8, 196, 4))
    np.testing.assert_allclose(states, np.stack(heart_network.states_of([sound]) * 8), atol=1e-5)
    assert np.abs(windows - normalise(sound[np.newaxis])).mean() > 0.1


def test_weights_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keras.utils.set_random_seed(3)
    model = state_network.build(100)
    (tmp_path / "other.npz").write_bytes(state_network.weights(model))
    monkeypatch.setattr(state_network, "TRAINED", tmp_path / "other.npz")
    windows = WINDOWS[:2, :100]

    again = state_network.trained(100)

    np.testing.assert_allclose(
        again.predict(windows, verbose=0), model.predict(windows, verbose=0), atol=1e-6
    )
    assert again.trainable_weights == []
