"""Hints: embeddings of recordings as training targets."""

import csv
from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.corpus import hints
from models_tflite.training.corpus.corpus import Corpus, Recording

LABELS = ("bell", "rain")


def corpus_of(*recordings: tuple[str, str, str]) -> Corpus:
    """Return a corpus of recordings given as name, label and group."""
    items = tuple(Recording(Path(name), label, "x", group) for name, label, group in recordings)
    return Corpus(items, tuple(np.zeros((10, 4), np.float32) for _ in items), LABELS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hints.npz"
    embeddings = np.array([[1, 10], [3, 10], [5, 40]], dtype=np.float16)
    np.savez(
        path, names=np.array(["esc50/audio/a.ogg", "esc50/audio/b.ogg", "other/c.ogg"]), embeddings=embeddings
    )
    return path


def test_hints_are_matched_by_dataset_and_name_and_have_mean_0(file: Path) -> None:
    loaded = hints.load(
        corpus_of(("/d/esc50/audio/b.ogg", "bell", "1"), ("/d/esc50/audio/a.ogg", "rain", "2")), file
    )

    assert loaded is not None
    np.testing.assert_allclose(loaded[:, 0], 1)
    np.testing.assert_allclose(loaded[:, 1:].mean(axis=0), 0, atol=1e-6)
    assert loaded[0, 1] > loaded[1, 1]


def test_a_recording_without_hints_is_marked(file: Path) -> None:
    loaded = hints.load(corpus_of(("/d/esc50/audio/a.ogg", "bell", "1"), ("/mine/x.wav", "rain", "2")), file)

    assert loaded is not None
    assert loaded[:, 0].tolist() == [1, 0]
    assert not loaded[1].any()


def test_recordings_of_no_public_dataset_have_no_hints(file: Path) -> None:
    assert hints.load(corpus_of(("/mine/x.wav", "bell", "1"), ("/mine/y.wav", "rain", "2")), file) is None


def test_every_public_word_has_hints(datasets: Path) -> None:
    with np.load(hints.WORDS) as stored:
        known = set(stored["names"].tolist())
    there = set()
    for dataset in ("fsdd", "speech_commands"):
        with (datasets / dataset / "labels.csv").open(newline="", encoding="utf-8") as table:
            there |= {f"{dataset}/{row['file']}" for row in csv.DictReader(table)}

    assert len(there) > 1000
    assert there == known


@pytest.mark.training
def test_the_loss_counts_labels_and_hints_that_are_known() -> None:
    keras = pytest.importorskip("keras")
    from models_tflite.training.networks import hint_head  # noqa: PLC0415 TensorFlow
    from models_tflite.training.recipes import digits  # noqa: PLC0415

    recipe = digits.RECIPE  # five labels and the background: six outputs
    loaded = np.zeros((2, 6 + 2), dtype=np.float32)
    targets = np.zeros((2, 6 + 1 + 2), dtype=np.float32)
    targets[:, 3] = 1
    targets[1, 6] = 1  # its hint is known
    targets[:, 7:] = 2

    loss = np.asarray(
        hint_head.label_and_hint_loss(recipe)(keras.ops.array(targets), keras.ops.array(loaded))
    )

    of_label, of_hint = np.log(6), recipe.hint_weight * 4
    np.testing.assert_allclose(loss, [of_label, of_label + of_hint], rtol=1e-5)
