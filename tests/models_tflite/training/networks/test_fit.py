"""Fitting of a network: the best epoch, hints, reproducibility."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip(
    "tensorflow", reason="TensorFlow is not installed: pip install -r requirements/training.txt"
)

import keras
import tiny_datasets

from models_tflite.training.corpus import hints
from models_tflite.training.networks import batches, fit, hint_head

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]


def test_c3_the_epoch_with_the_lowest_validation_loss_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With so large a learning rate that training diverges, the last epoch is not the best."""
    corpus = tiny_datasets.make_corpus(tmp_path)
    recipe = dataclasses.replace(tiny_datasets.RECIPE, epochs=6, learning_rate=0.5, validation_folds=3)
    losses: list[float] = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _epoch, logs: losses.append(logs["val_loss"])
    )
    monkeypatch.setattr(fit, "_progress", lambda *_: callback)
    recorded = []
    make_validation_data = batches.validation_data

    def record(*given: Any) -> Any:  # noqa: ANN401 whatever it takes and gives
        recorded.append(make_validation_data(*given))
        return recorded[-1]

    monkeypatch.setattr(fit, "validation_data", record)

    model = fit.fit(corpus, recipe, None, recipe.seed, "best epoch")

    windows, targets, weights = recorded[0]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    loss_of_kept = float(loss(targets, model.predict(windows, verbose=0), weights))
    assert len(losses) == 6
    assert min(losses) < losses[-1]
    assert loss_of_kept == pytest.approx(min(losses), rel=1e-3)


def test_a_network_with_hints_learns_to_predict_them_and_outputs_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tiny_datasets.make_corpus(tmp_path)
    embeddings = np.array([[1.0, -2.0], [-1.0, 2.0]], np.float16)[corpus.targets]
    file = tmp_path / "hints.npz"
    np.savez(file, names=[hints.name(each.path) for each in corpus.recordings], embeddings=embeddings)
    recipe = dataclasses.replace(
        tiny_datasets.RECIPE, epochs=4, steps_per_epoch=60, batch_size=16, hints=file, hint_weight=5.0
    )
    trained = []
    make_head = hint_head.with_hint_head

    def record(*given: Any) -> Any:  # noqa: ANN401 whatever it takes and gives
        trained.append(make_head(*given))
        return trained[-1]

    monkeypatch.setattr(hint_head, "with_hint_head", record)

    model = fit.fit(corpus, recipe, None, recipe.seed, "hints")

    windows, owner = batches.corpus_windows(corpus, recipe)
    predicted = trained[0].predict(windows, verbose=0)
    assert model.output_shape == (None, recipe.outputs)
    np.testing.assert_allclose(predicted[:, : recipe.outputs], model.predict(windows, verbose=0), atol=1e-5)
    for number in range(2):
        assert np.corrcoef(predicted[:, recipe.outputs + number], embeddings[owner, number])[0, 1] > 0.5


def test_another_run_gives_the_same_probabilities(tmp_path: Path) -> None:
    """The tolerance that docs/models.md states: probabilities within 0.02."""
    corpus = tiny_datasets.make_corpus(tmp_path)
    windows, _ = batches.corpus_windows(corpus, tiny_datasets.RECIPE)

    first, second = (
        keras.ops.softmax(fit.fit(corpus, tiny_datasets.RECIPE, None, 1, "twice").predict(windows, verbose=0))
        for _ in range(2)
    )

    np.testing.assert_allclose(first, second, atol=0.02)
