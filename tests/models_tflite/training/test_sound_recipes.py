"""Environmental sounds: what their models may learn from, and how the source system did it."""

from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus import datasets as public
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording
from models_tflite.training.recipes import esc50, us8k


def corpus_of(*recordings: tuple[str, str], labels: tuple[str, ...]) -> Corpus:
    items = tuple(Recording(Path("x"), label, "x", group) for label, group in recordings)
    return Corpus(items, tuple(np.zeros((10, 4), np.float32) for _ in items), labels)


def test_c1_us8k_starts_from_no_source_that_it_is_judged_on(datasets: Path) -> None:
    """Both datasets come from Freesound; clips of thirteen sources are in both."""
    judged = {recording.group for recording in us8k.gather(datasets) if recording.site == "urbansound8k"}

    assert len(judged & {recording.group for recording in public.esc50(datasets)}) == 13
    assert not judged & {recording.group for recording in us8k.gather_pretraining(datasets)}


def test_c1_us8k_hears_a_source_of_both_datasets_in_one_fold_only(datasets: Path) -> None:
    fold = dict[str, str]()
    for recording in us8k.gather(datasets):
        assert fold.setdefault(recording.group, recording.fold) == recording.fold
    assert set(fold.values()) == {"1", "2"}


def test_c1_a_source_of_both_datasets_is_in_the_fold_of_esc50(datasets: Path) -> None:
    """Two sources of ESC-50 are in two of its own folds; all that esc50 hears besides is in one."""
    own: dict[str, set[str]] = {}
    besides: dict[str, set[str]] = {}
    for recording in esc50.gather(datasets):
        fold_of = own if recording.site == "esc50" else besides
        fold_of.setdefault(recording.group, set()).add(recording.fold)

    assert len(own.keys() & besides.keys()) == 13
    assert all(besides[group] <= own[group] for group in own.keys() & besides.keys())
    assert {len(folds) for folds in besides.values()} == {1}
    assert set.union(*besides.values()) == set.union(*own.values()) == {"1", "2", "3", "4"}


def test_c1_esc50_learns_what_is_none_of_its_kinds_from_streets_speech_and_hearts(datasets: Path) -> None:
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


def test_c1_every_label_of_esc50_and_us8k_is_in_the_data(datasets: Path) -> None:
    for recipe in (esc50.RECIPE, us8k.PRETRAINING, us8k.RECIPE):
        others = {BACKGROUND} if recipe.background else set[str]()
        assert {recording.label for recording in recipe.gather(datasets)} == {*recipe.labels, *others}


def test_a_source_cut_into_many_clips_is_drawn_by_the_root_of_their_number() -> None:
    corpus = corpus_of(*[("bell", "long")] * 16, ("bell", "short"), ("rain", "one"), labels=("bell", "rain"))

    chance = sampling.class_and_source_balanced(corpus)

    assert chance.sum() == pytest.approx(1)
    assert chance[-1] == pytest.approx(0.5)
    assert chance[:16].sum() / chance[16] == pytest.approx(4)


def test_us8k_and_its_baseline_are_judged_on_the_same_recordings_and_none_of_esc50(datasets: Path) -> None:
    judged = us8k.RECIPE.evaluation_recordings(datasets)

    assert judged == list(public.urbansound8k(datasets))
    assert len(judged) < len(list(us8k.gather(datasets)))


@pytest.mark.training
def test_fused_batch_normalisation_equals_that_of_keras() -> None:
    keras = pytest.importorskip("keras")
    from models_tflite.training.networks.batch_normalization import BatchNormalization  # noqa: PLC0415 TensorFlow

    inputs = np.random.default_rng(0).normal(3, 2, (8, 5, 4, 3)).astype(np.float32)
    fused, plain = BatchNormalization(momentum=0.5), keras.layers.BatchNormalization(momentum=0.5)

    for training in (True, True, False):
        shown, wanted = (np.asarray(layer(inputs, training=training)) for layer in (fused, plain))
        np.testing.assert_allclose(shown, wanted, atol=1e-4 if training else 0.02)


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
