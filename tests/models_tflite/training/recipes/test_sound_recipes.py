"""Recipes of esc50 and us8k: folds, background, sampling; the baseline of the source system."""

from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus import datasets as public
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording
from models_tflite.training.recipes import esc50, us8k
from models_tflite.training.recipes.recipe import Recipe


def corpus_of(*recordings: tuple[str, str], labels: tuple[str, ...]) -> Corpus:
    items = tuple(Recording(Path("x"), label, "x", group) for label, group in recordings)
    return Corpus(items, tuple(np.zeros((10, 4), np.float32) for _ in items), labels)


@pytest.mark.parametrize("recipe", [esc50.RECIPE, us8k.RECIPE])
def test_c1_a_source_of_both_datasets_is_in_the_fold_of_esc50(recipe: Recipe, datasets: Path) -> None:
    """Two sources of ESC-50 are in two of its own folds; every other source of the recipe is in one."""
    esc50_folds: dict[str, set[str]] = {}
    other_folds: dict[str, set[str]] = {}
    for recording in recipe.gather(datasets):
        fold_of = esc50_folds if recording.site == "esc50" else other_folds
        fold_of.setdefault(recording.group, set()).add(recording.fold)

    assert len(esc50_folds.keys() & other_folds.keys()) == 13
    assert all(other_folds[group] <= esc50_folds[group] for group in esc50_folds.keys() & other_folds.keys())
    assert {len(folds) for folds in other_folds.values()} == {1}
    assert set.union(*other_folds.values()) == set.union(*esc50_folds.values()) == {"1", "2", "3", "4"}


def test_c1_the_background_of_esc50_is_streets_speech_and_hearts(datasets: Path) -> None:
    recordings = list(esc50.gather(datasets))

    others = [recording for recording in recordings if recording.label == BACKGROUND]
    assert {recording.site for recording in others} == {
        "urbansound8k",
        "background-ravdess",
        "background-fsdd",
        "background-speech_commands",
        "background-physionet",
        "background-circor",
    }
    urban = {r.path: r.label for r in public.urbansound8k(datasets)}
    of_urban = {r.label: urban[r.path] for r in recordings if r.path in urban and r.label != BACKGROUND}
    assert of_urban == esc50.SHARED
    assert not {urban[r.path] for r in others if r.path in urban} & set(esc50.SHARED.values())
    assert esc50.RECIPE.evaluation_recordings(datasets) == list(public.esc50(datasets))


def test_c1_the_other_clips_of_urbansound8k_are_in_the_fold_of_its_authors(datasets: Path) -> None:
    in_both = {recording.group for recording in public.esc50(datasets)}
    own = {recording.path: recording.fold for recording in public.urbansound8k(datasets)}

    moved = {
        recording.group
        for recording in us8k.gather(datasets)
        if recording.path in own and recording.fold != own[recording.path]
    }

    assert moved <= in_both


def test_c1_the_background_of_us8k_is_houses_speech_and_hearts(datasets: Path) -> None:
    recordings = list(us8k.gather(datasets))

    others = [recording for recording in recordings if recording.label == BACKGROUND]
    assert {recording.site for recording in others} == {
        "esc50",
        "background-ravdess",
        "background-fsdd",
        "background-speech_commands",
        "background-physionet",
        "background-circor",
    }
    house = {r.path: r.label for r in public.esc50(datasets)}
    of_house = {house[r.path]: r.label for r in recordings if r.path in house and r.label != BACKGROUND}
    assert of_house == esc50.SHARED
    assert all(house[each.path] == each.kind for each in recordings if each.path in house)


def test_c1_every_label_of_esc50_and_us8k_is_in_the_data(datasets: Path) -> None:
    for recipe in (esc50.RECIPE, us8k.RECIPE):
        assert {recording.label for recording in recipe.gather(datasets)} == {*recipe.labels, BACKGROUND}


def test_c1_the_labels_of_us8k_are_the_outputs_of_the_head_that_it_keeps(datasets: Path) -> None:
    recordings, lessons = list(us8k.gather(datasets)), us8k.LESSONS

    kind_of = {recording.label: recording.kind for recording in recordings if recording.label}
    assert lessons.heads[lessons.head] == tuple(kind_of[label] for label in us8k.RECIPE.labels)
    assert {recording.kind for recording in recordings} == {*lessons.kinds, ""}
    assert lessons.outputs == 51 + 11


def test_sites_are_drawn_by_size_and_weight_and_a_source_by_the_root_of_its_clips() -> None:
    def recording(site: str, kind: str, group: str) -> Recording:
        return Recording(Path("x"), kind, site, group, "1", kind)

    recordings = [
        *[recording("esc50", "bell", "a")] * 4,
        recording("esc50", "bell", "b"),
        *[recording("esc50", "rain", "c")] * 5,
        *[recording("background-words", "", "d")] * 10,
    ]

    probabilities = sampling.by_site_kind_and_source(recordings, {"esc50": 1.0, "background": 0.5})

    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[:10].sum() == pytest.approx(2 / 3)
    assert probabilities[:5].sum() == pytest.approx(1 / 3)
    assert probabilities[:4].sum() == pytest.approx(2 * probabilities[4])


def test_a_source_cut_into_many_clips_is_drawn_by_the_root_of_their_number() -> None:
    corpus = corpus_of(*[("bell", "long")] * 16, ("bell", "short"), ("rain", "one"), labels=("bell", "rain"))

    probabilities = sampling.class_and_source_balanced(corpus)

    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[-1] == pytest.approx(0.5)
    assert probabilities[:16].sum() / probabilities[16] == pytest.approx(4)


def test_us8k_and_its_baseline_are_evaluated_on_the_same_recordings_and_none_of_esc50(datasets: Path) -> None:
    evaluated = us8k.RECIPE.evaluation_recordings(datasets)

    assert {each.path: each.label for each in evaluated if each.site == "urbansound8k"} == {
        each.path: each.label for each in public.urbansound8k(datasets)
    }
    assert {each.site for each in evaluated} == {"urbansound8k"}
    assert len(evaluated) < len(list(us8k.gather(datasets)))


@pytest.mark.training
def test_fused_batch_normalisation_equals_that_of_keras() -> None:
    keras = pytest.importorskip("keras")
    from models_tflite.training.networks.batch_normalization import BatchNormalization  # noqa: PLC0415 TensorFlow

    inputs = np.random.default_rng(0).normal(3, 2, (8, 5, 4, 3)).astype(np.float32)
    fused, plain = BatchNormalization(momentum=0.5), keras.layers.BatchNormalization(momentum=0.5)

    for training in (True, True, False):
        outputs, expected = (np.asarray(layer(inputs, training=training)) for layer in (fused, plain))
        np.testing.assert_allclose(outputs, expected, atol=1e-4 if training else 0.02)


@pytest.mark.training
def test_c3_the_baseline_learns_and_keeps_the_best_epoch() -> None:
    pytest.importorskip("keras")
    from models_tflite.training import baseline_sounds  # noqa: PLC0415 TensorFlow

    random = np.random.default_rng(0)
    recordings, frames = [], []
    for number in range(40):
        label = ("hum", "hiss")[number % 2]
        recordings.append(Recording(Path("x"), label, "x", str(number), fold=str(number // 2 % 2)))
        slope = np.linspace(0, 20, 12) * (1 if label == "hiss" else -1)
        frames.append((slope - 50 + random.normal(0, 3, (44, 12))).astype(np.float32))
    corpus = Corpus(tuple(recordings), tuple(frames), ("hiss", "hum"))

    figures = baseline_sounds.cross_validate(corpus, seconds=1.0, epochs=3)

    assert [fold for fold, _, _ in figures] == ["0", "1"]
    assert min(balanced for _, _, balanced in figures) > 0.9
