"""The loss of complete and partial labels, and training with both."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow")

import keras  # noqa: E402
import quick_recipe  # noqa: E402
import tensorflow as tf  # noqa: E402

from models_tflite.training.assessment import cross_validation  # noqa: E402
from models_tflite.training.corpus.corpus import BACKGROUND, PARTIAL_LABEL, Corpus, Recording  # noqa: E402
from models_tflite.training.networks import batches, conversion, fit, partial_label_loss  # noqa: E402
from models_tflite.training.retraining import candidate  # noqa: E402

RECIPE = dataclasses.replace(quick_recipe.RECIPE, background=True, save_best_only=False)
LOGITS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], np.float32)
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


def test_for_complete_labels_the_loss_is_the_cross_entropy() -> None:
    targets = np.array([[0.0, 0.0, 1.0], [0.7, 0.3, 0.0]], np.float32)
    recipe = dataclasses.replace(RECIPE, label_smoothing=0.1)

    loss = np.asarray(
        partial_label_loss.partial_label_loss(recipe)(keras.ops.array(targets), keras.ops.array(LOGITS))
    )

    usual = keras.losses.categorical_crossentropy(targets, LOGITS, from_logits=True, label_smoothing=0.1)
    np.testing.assert_allclose(loss, np.asarray(usual), rtol=1e-5)


def test_for_a_partial_label_the_loss_is_that_of_no_background() -> None:
    logits = tf.Variable(LOGITS)

    with tf.GradientTape() as tape:
        loss = partial_label_loss.partial_label_loss(RECIPE)(tf.zeros((2, 3)), logits)
    gradient = tape.gradient(loss, logits).numpy()

    np.testing.assert_allclose(loss, -np.log(1 - SOFTMAX[:, 2]), rtol=1e-5)
    complete = np.hstack([SOFTMAX[:, :2] / SOFTMAX[:, :2].sum(axis=1, keepdims=True), np.zeros((2, 1))])
    np.testing.assert_allclose(gradient, SOFTMAX - complete, atol=1e-6)


def test_a_half_partial_label_is_half_of_both_losses() -> None:
    whole = np.array([[1.0, 0.0, 0.0]], np.float32)
    loss = partial_label_loss.partial_label_loss(RECIPE)

    complete, partial, half = (float(loss(share * whole, LOGITS[:1])[0]) for share in (1.0, 0.0, 0.5))

    assert half == pytest.approx((complete + partial) / 2, rel=1e-5)


def make_corpus(*labels: str) -> Corpus:
    """Return noise, louder in the lower or upper bands; labelled ones have a louder band in the middle."""
    random = np.random.default_rng(0)
    louder = {"low": np.arange(40) < 15, "high": np.arange(40) > 24}
    recordings, frames = [], []
    for number in range(60):
        label = labels[number % len(labels)]
        shape = label if label in louder else ("low", "high")[number // len(labels) % 2]
        studio = 20.0 * (np.abs(np.arange(40) - 20) < 2) * (label in RECIPE.labels)
        recordings.append(Recording(Path(f"{number}.wav"), label, "x", str(number // 4)))
        frames.append((random.normal(-60, 3, (220, 40)) + 30 * louder[shape] + studio).astype(np.float32))
    return Corpus(tuple(recordings), tuple(frames), RECIPE.labels)


@pytest.mark.parametrize(
    ("labels", "least", "most"),
    [
        (("low", "high", BACKGROUND), 0.6, 1.0),
        (("low", "high", BACKGROUND, PARTIAL_LABEL), 0.2, 0.55),
        (("low", "high", PARTIAL_LABEL), 0.0, 0.1),
    ],
)
def test_sounds_like_those_with_partial_labels_are_less_likely_background(
    labels: tuple[str, ...], least: float, most: float
) -> None:
    windows, _ = batches.corpus_windows(make_corpus(BACKGROUND), RECIPE)

    model = fit.fit(make_corpus(*labels), RECIPE, None, 1, "pitch")

    probabilities = keras.ops.softmax(model.predict(windows, verbose=0))
    assert least <= float(np.asarray(probabilities)[:, 2].mean()) <= most


def test_a_candidate_is_calibrated_on_complete_labels() -> None:
    corpus = make_corpus("low", "high", BACKGROUND, PARTIAL_LABEL)
    model = fit.fit(corpus, RECIPE, None, 1, "pitch")
    content = conversion.to_int8(model, conversion.representative(batches.corpus_windows(corpus, RECIPE)[0]))

    calibrated = candidate._calibrated(corpus, RECIPE, content, None)

    complete = corpus.subset(corpus.targets <= len(RECIPE.labels))
    assert PARTIAL_LABEL in {
        recording.label for recording in corpus.subset(fit.validation_mask(corpus, RECIPE, 1)).recordings
    }
    assert len(complete) == 45
    assert 0.2 < calibrated.temperature < 5
    assert 0 <= calibrated.threshold <= 1


def test_partial_labels_are_never_evaluated() -> None:
    corpus = make_corpus("low", "high", BACKGROUND, PARTIAL_LABEL)
    recipe = dataclasses.replace(RECIPE, epochs=1, steps_per_epoch=2)

    predictions = cross_validation.cross_validate(corpus, recipe, None, 2)

    assert sorted(predictions.targets) == [0] * 15 + [1] * 15 + [2] * 15
