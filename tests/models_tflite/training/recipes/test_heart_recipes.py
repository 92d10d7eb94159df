"""Recipes of heart2 and heart5: sampling probabilities and background."""

from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording
from models_tflite.training.corpus.datasets import non_heart_background
from models_tflite.training.recipes import heart2, heart5
from models_tflite.training.recipes.recipe import Recipe


def corpus_of(labels: tuple[str, ...], *recordings: tuple[str, str]) -> Corpus:
    items = tuple(Recording(Path("x"), label, site, "group") for label, site in recordings)
    return Corpus(items, tuple(np.zeros((10, 4), np.float32) for _ in items), labels)


def test_a_reweighted_label_is_drawn_so_many_times_as_often() -> None:
    corpus = corpus_of(("normal", "murmur"), ("normal", "a"), ("normal", "b"), ("murmur", "a"))

    probabilities = sampling.reweighted(sampling.class_balanced, {"murmur": 3.0}, corpus)

    np.testing.assert_allclose(probabilities, [1 / 8, 1 / 8, 3 / 4])


@pytest.mark.parametrize("recipe", [heart2.RECIPE, heart5.RECIPE], ids=lambda recipe: recipe.model)
def test_about_one_recording_drawn_in_eight_is_background(datasets: Path, recipe: Recipe) -> None:
    recordings = tuple(recipe.gather(datasets))
    corpus = Corpus(recordings, (), recipe.labels)

    probabilities = recipe.sampling(corpus)

    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[corpus.targets == len(recipe.labels)].sum() == pytest.approx(1 / 8, abs=0.02)


def test_background_without_hearts_comes_from_every_dataset(datasets: Path) -> None:
    recordings = list(non_heart_background(datasets))

    assert {recording.label for recording in recordings} == {BACKGROUND}
    assert {recording.site.removeprefix("background-") for recording in recordings} == {
        "esc50",
        "urbansound8k",
        "ravdess",
        "fsdd",
        "speech_commands",
    }
    assert not any(recording.fold for recording in recordings)


@pytest.mark.training
def test_c3_the_baseline_for_hearts_learns_and_gives_figures_by_site() -> None:
    pytest.importorskip("keras")
    from models_tflite.training import baseline_hearts  # noqa: PLC0415 TensorFlow

    random = np.random.default_rng(0)
    recordings, frames = [], []
    for number in range(40):
        label = ("normal", "abnormal")[number % 2]
        recordings.append(Recording(Path("x"), label, ("a", "b")[number // 20], str(number)))
        slope = np.linspace(0, 20, 128) * (1 if label == "abnormal" else -1)
        frames.append((slope - 50 + random.normal(0, 3, (80, 128))).astype(np.float32))
    corpus = Corpus(tuple(recordings), tuple(frames), ("normal", "abnormal"))

    figures = baseline_hearts.cross_validate(corpus, np.arange(40) // 2 % 2, epochs=2)

    assert figures["balanced_accuracy"] == 1
    assert figures["by_site"].keys() == {"a", "b"}  # type: ignore[attr-defined]  # figures are of object


def test_heart2_hears_each_site_that_it_is_judged_on(datasets: Path) -> None:
    labels = {(recording.site, recording.label) for recording in heart2.RECIPE.gather(datasets)}

    assert {site for site, label in labels if label} == set(heart2.SITES)
    for site in heart2.SITES:
        assert {label for of, label in labels if of == site} == {"normal", "abnormal"}


def test_heart5_does_not_start_from_layers_that_know_its_recordings(datasets: Path) -> None:
    pretraining = heart5.RECIPE.pretraining

    assert pretraining is not None
    assert not [each for each in pretraining.gather(datasets) if each.site.startswith("pascal")]
