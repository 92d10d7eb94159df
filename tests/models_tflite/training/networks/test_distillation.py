"""Knowledge distillation from a frozen teacher."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow")

import keras  # noqa: E402
import quick_recipe  # noqa: E402

from edge_worker.inference.classifier import Classifier  # noqa: E402
from models_tflite.training.__main__ import main  # noqa: E402
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording  # noqa: E402
from models_tflite.training.networks import (  # noqa: E402
    batches,
    convolutional_network,
    distillation,
    fit,
    residual_network,
)
from models_tflite.training.recipes import esc50  # noqa: E402
from models_tflite.training.retraining import candidate  # noqa: E402

FRAMES, BANDS, LABELS = 24, 16, 3
BY_LABEL = functools.partial(keras.losses.categorical_crossentropy, from_logits=True)


def networks() -> tuple[keras.Model, keras.Model]:
    """Return an untrained network and a larger one."""
    keras.utils.set_random_seed(1)
    small = convolutional_network.build(
        FRAMES, BANDS, LABELS, widths=(8, 16), strided_layers=(0,), dropout=0.0
    )
    return small, residual_network.build(
        FRAMES, BANDS, LABELS, widths=(8, 16, 16, 24, 24), strided_layers=(0, 1, 2), dropout=0.0
    )


def random_windows(windows: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(windows, FRAMES, BANDS)).astype(np.float32)


def test_the_outputs_are_the_logits_and_the_softmax_of_the_teacher() -> None:
    model, teacher = networks()
    windows = random_windows(5)
    expected = keras.ops.convert_to_numpy(
        keras.ops.softmax(teacher.predict(windows, verbose=0) / distillation.TEMPERATURE)
    )

    predicted = distillation.with_teacher_output(model, teacher).predict(windows, verbose=0)

    np.testing.assert_allclose(predicted[:, :LABELS], model.predict(windows, verbose=0), atol=1e-5)
    np.testing.assert_allclose(predicted[:, LABELS:], expected, atol=1e-5)


def test_a_network_learns_from_its_teacher_where_labels_are_uninformative() -> None:
    model, _ = networks()
    teacher = keras.Sequential(
        [keras.Input((FRAMES, BANDS)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(LABELS)]
    )
    louder_or_softer = np.tile([[1.0, 0.0, -1.0]], (BANDS, 1)) * 2 / BANDS
    teacher.layers[-1].set_weights([louder_or_softer, np.zeros(LABELS)])
    windows = random_windows(256) + np.linspace(-2, 2, 256, dtype=np.float32)[:, np.newaxis, np.newaxis]
    expected = teacher.predict(windows, verbose=0)
    trained = distillation.with_teacher_output(model, teacher)
    trained.compile(keras.optimizers.Adam(1e-2), distillation.loss(LABELS, BY_LABEL))

    trained.fit(windows, np.full((256, LABELS), 1 / LABELS, np.float32), epochs=20, verbose=0)

    predicted = model.predict(windows, verbose=0)
    assert np.corrcoef(predicted[:, 0] - predicted[:, 2], expected[:, 0] - expected[:, 2])[0, 1] > 0.9
    np.testing.assert_allclose(teacher.layers[-1].get_weights()[0], louder_or_softer, rtol=1e-6)


def test_the_loss_weighs_labels_and_teacher() -> None:
    likely = np.array([[0.7, 0.2, 0.1]], np.float32)
    as_meant = np.log(likely) * distillation.TEMPERATURE
    targets = np.array([[1.0, 0.0, 0.0]], np.float32)

    loss = float(distillation.loss(LABELS, BY_LABEL)(targets, np.hstack([as_meant, likely]))[0])

    entropy = -(likely * np.log(likely)).sum()
    of_label = np.log(np.exp(as_meant).sum()) - as_meant[0, 0]
    assert loss == pytest.approx(0.3 * of_label + 0.7 * 4 * entropy, rel=1e-5)


RECIPE = dataclasses.replace(quick_recipe.RECIPE, overlay_probability=0.5)
DISTILLED = dataclasses.replace(
    RECIPE, teacher=dataclasses.replace(RECIPE, network="residual", widths=(8, 16, 16, 16), epochs=3)
)


def low_and_high() -> tuple[Corpus, np.ndarray]:
    """Return noise that is louder in the lower or in the upper bands, and which."""
    random, is_high = np.random.default_rng(0), np.arange(40) % 2
    recordings = tuple(
        Recording(Path(f"{n}.wav"), RECIPE.labels[high], "x", str(n // 2)) for n, high in enumerate(is_high)
    )
    frames = tuple(
        (random.normal(-60, 3, (220, 40)) + 30 * (np.arange(40) // 20 == high)).astype(np.float32)
        for high in is_high
    )
    return Corpus(recordings, frames, RECIPE.labels), is_high


def test_the_teacher_is_trained_first_then_distilled_and_every_epoch_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus, is_high = low_and_high()
    pairs: list[tuple[keras.Model, keras.Model, keras.Model]] = []
    with_teacher_output = distillation.with_teacher_output

    def record(model: keras.Model, teacher: keras.Model) -> Any:  # noqa: ANN401 keras ships no types
        pairs.append((model, teacher, with_teacher_output(model, teacher)))
        return pairs[-1][2]

    monkeypatch.setattr(distillation, "with_teacher_output", record)
    epochs: list[int] = []

    model = fit.fit(corpus, DISTILLED, None, 1, "taught", on_epoch=epochs.append)

    assert epochs == [1, 2, 3, 4, 5]
    ((student, teacher, trained),) = pairs
    assert model is student
    assert int(trained.optimizer.iterations) == 240, "it was trained with its teacher"
    windows, owner = batches.corpus_windows(corpus, RECIPE)
    for network in (teacher, model):
        assert (network.predict(windows, verbose=0).argmax(axis=1) == is_high[owner]).mean() > 0.9


@pytest.mark.parametrize(("overlay_probability", "are_shared"), [(0.0, False), (1.0, True)])
def test_batches_overlay_sounds_with_the_probability_of_the_recipe(
    overlay_probability: float, *, are_shared: bool
) -> None:
    corpus, _ = low_and_high()
    recipe = dataclasses.replace(
        RECIPE, overlay_probability=overlay_probability, mixup_alpha=1e-3
    )  # next to none
    drawn = batches.TrainingBatches(corpus, recipe, 1, np.eye(2, dtype=np.float32)[corpus.targets])

    _, targets = drawn[0]

    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    assert (targets.max(axis=1) < 0.99).any() == are_shared


def test_a_model_and_its_teacher_train_on_class_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe of esc50, but for its length and two of its labels."""
    random, time = np.random.default_rng(0), np.arange(3 * 16000) / 16000
    for label, hertz in (("dog", 400), ("rain", 4000)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for number in range(4):
            sound = np.sin(2 * np.pi * hertz * time) * 0.3 + random.normal(0, 0.002, len(time))
            soundfile.write(tmp_path / "sounds" / label / f"{label}{number}_1.wav", sound, 16000)
    quick: dict[str, Any] = {
        "labels": ("dog", "rain"),
        "steps_per_epoch": 1,
        "batch_size": 4,
        "validation_folds": 3,
    }
    assert esc50.RECIPE.teacher is not None
    teacher = dataclasses.replace(esc50.RECIPE.teacher, **quick)
    monkeypatch.setattr(esc50, "RECIPE", dataclasses.replace(esc50.RECIPE, **quick, teacher=teacher))
    out = tmp_path / "models"

    given = ["esc50", "--data", str(tmp_path / "sounds"), "--out", str(out), "--epochs", "1", "--folds", "2"]
    assert main(given) == 0

    training = json.loads((out / "esc50.json").read_text())["training"]
    assert training["overlaid"] == 0.5
    assert training["teacher"] == {"network": "residual", "widths": list(teacher.widths), "epochs": 1}
    assert Classifier.load(out, "esc50").card.labels == ("dog", "rain")


def test_progress_counts_the_epochs_of_the_teacher() -> None:
    notes: list[dict[str, object]] = []

    candidate._epoch_reporter(notes.append, "training", DISTILLED)(4)

    assert [(note["epoch"], note["epochs"]) for note in notes] == [(0, 5), (4, 5)]


def test_a_teacher_has_the_outputs_of_its_student() -> None:
    recipe = dataclasses.replace(DISTILLED, background=True)
    recipe = dataclasses.replace(recipe, teacher=dataclasses.replace(recipe, teacher=None))
    of_labels, of_nothing = (Recording(Path("x"), label, "x", "x") for label in ("low", BACKGROUND))

    for recordings, outputs in (((of_labels,), 2), ((of_labels, of_nothing), 3)):
        adapted = recipe.adapted_to(iter(recordings))
        assert adapted.teacher is not None
        assert (adapted.outputs, adapted.teacher.outputs) == (outputs, outputs)


def test_with_epochs_applies_to_teacher_and_pretraining() -> None:
    short = dataclasses.replace(DISTILLED, pretraining=RECIPE).with_epochs(1)

    assert short.teacher is not None
    assert short.pretraining is not None
    assert (short.epochs, short.teacher.epochs, short.pretraining.epochs, short.total_epochs) == (1, 1, 1, 2)
    assert DISTILLED.with_epochs(None) is DISTILLED
