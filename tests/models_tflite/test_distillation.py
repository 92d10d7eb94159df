"""A small network is taught by a larger one, which stays as it is."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow")

import keras  # noqa: E402

from models_tflite.training import architecture, distillation, fit, residual_network  # noqa: E402
from models_tflite.training.corpus import Corpus, Recording  # noqa: E402
from models_tflite.training.recipe import Recipe  # noqa: E402

FRAMES, BANDS, LABELS = 24, 16, 3


def networks() -> tuple[keras.Model, keras.Model]:
    """Return an untrained network and a larger one."""
    keras.utils.set_random_seed(1)
    small = architecture.build(FRAMES, BANDS, LABELS, widths=(8, 16), halving=(0,), dropout=0.0)
    return small, residual_network.build(FRAMES, BANDS, LABELS, widths=(8, 16, 16, 24, 24), dropout=0.0)


def seen(windows: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(windows, FRAMES, BANDS)).astype(np.float32)


def test_beside_says_logits_and_then_what_the_teacher_holds_likely() -> None:
    model, teacher = networks()
    windows = seen(5)
    meant = keras.ops.convert_to_numpy(
        keras.ops.softmax(teacher.predict(windows, verbose=0) / distillation.TEMPERATURE)
    )

    said = distillation.beside(model, teacher).predict(windows, verbose=0)

    np.testing.assert_allclose(said[:, :LABELS], model.predict(windows, verbose=0), atol=1e-5)
    np.testing.assert_allclose(said[:, LABELS:], meant, atol=1e-5)


def test_a_network_learns_its_teachers_answers_where_labels_say_nothing() -> None:
    model, _ = networks()
    teacher = keras.Sequential(
        [keras.Input((FRAMES, BANDS)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(LABELS)]
    )
    louder_or_softer = np.tile([[1.0, 0.0, -1.0]], (BANDS, 1)) * 2 / BANDS
    teacher.layers[-1].set_weights([louder_or_softer, np.zeros(LABELS)])
    windows = seen(256) + np.linspace(-2, 2, 256, dtype=np.float32)[:, np.newaxis, np.newaxis]
    meant = teacher.predict(windows, verbose=0)
    taught = distillation.beside(model, teacher)
    taught.compile(keras.optimizers.Adam(1e-2), distillation.loss(LABELS, 0.0))

    taught.fit(windows, np.full((256, LABELS), 1 / LABELS, np.float32), epochs=20, verbose=0)

    said = model.predict(windows, verbose=0)
    assert np.corrcoef(said[:, 0] - said[:, 2], meant[:, 0] - meant[:, 2])[0, 1] > 0.9
    np.testing.assert_allclose(teacher.layers[-1].get_weights()[0], louder_or_softer, rtol=1e-6)


def test_the_loss_is_of_labels_and_of_what_the_teacher_says() -> None:
    likely = np.array([[0.7, 0.2, 0.1]], np.float32)
    as_meant = np.log(likely) * distillation.TEMPERATURE
    wanted = np.array([[1.0, 0.0, 0.0]], np.float32)

    loss = float(distillation.loss(LABELS, 0.0)(wanted, np.hstack([as_meant, likely]))[0])

    entropy = -(likely * np.log(likely)).sum()
    of_label = np.log(np.exp(as_meant).sum()) - as_meant[0, 0]
    assert loss == pytest.approx(0.3 * of_label + 0.7 * 4 * entropy, rel=1e-5)


def test_a_recipes_teacher_is_trained_first_and_every_epoch_is_told() -> None:
    random = np.random.default_rng(0)
    recordings = tuple(
        Recording(Path(f"{n}.wav"), "high" if n % 2 else "low", "x", str(n // 2)) for n in range(40)
    )
    loud = np.arange(40) % 2
    frames = tuple(
        (random.normal(-60, 3, (220, 40)) + 30 * (np.arange(40) // 20 == high)).astype(np.float32)
        for high in loud
    )
    recipe = Recipe(
        model="pitch",
        version="0",
        labels=("low", "high"),
        gather=lambda _data: iter(recordings),
        judged_on="",
        facts={},
        epochs=2,
        steps=120,  # weights are averaged over the last hundred or so
        batch=16,
        overlaid=0.5,
    )
    taught = dataclasses.replace(
        recipe,
        teacher=dataclasses.replace(recipe, network="residual", widths=(8, 16, 16, 16), epochs=3),
    )
    epochs: list[int] = []

    heard = Corpus(recordings, frames, recipe.labels)
    model = fit.fit(heard, taught, None, 1, "taught", on_epoch=epochs.append)

    assert epochs == [1, 2, 3, 4, 5]
    windows, owner = fit.windows_of(heard, recipe)
    said = model.predict(windows, verbose=0)
    assert said.shape[1] == 2
    assert (said.argmax(axis=1) == loud[owner]).mean() > 0.9


def test_a_quick_try_shortens_the_teacher_too() -> None:
    recipe = Recipe(
        model="x", version="0", labels=("a", "b"), gather=lambda _data: iter(()), judged_on="", facts={}
    )
    short = dataclasses.replace(recipe, teacher=recipe, start=recipe).shortened(1)
    assert short.teacher is not None
    assert short.start is not None
    assert (short.epochs, short.teacher.epochs, short.start.epochs, short.all_epochs) == (1, 1, 1, 2)
    assert recipe.shortened(None) is recipe
