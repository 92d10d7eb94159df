"""Recipes of digits and emotion: labels, groups, sampling, background."""

import csv
from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus.corpus import BACKGROUND, PARTIAL_LABEL, Corpus, Recording
from models_tflite.training.corpus.datasets import emodb, esc50, fsdd, ravdess, urbansound8k
from models_tflite.training.recipes import digits, emotion


def write_labels(folder: Path, *rows: dict[str, str]) -> None:
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_word_that_is_no_label_is_background(tmp_path: Path) -> None:
    write_labels(
        tmp_path / "fsdd",
        {"file": "0.flac", "word": "zero", "speaker": "a"},
        {"file": "1.flac", "word": "one", "speaker": "b"},
    )

    words = list(fsdd(tmp_path, digits.LABELS))

    assert [word.label for word in words] == ["zero", BACKGROUND]
    assert [word.group for word in words] == ["fsdd-a", "fsdd-b"]


def test_an_actor_is_a_group_and_the_voice_a_site(tmp_path: Path) -> None:
    write_labels(
        tmp_path / "ravdess",
        {"file": "a.ogg", "emotion": "calm", "actor": "07"},
        {"file": "b.ogg", "emotion": "sad", "actor": "12"},
    )

    spoken = list(ravdess(tmp_path))

    assert [(one.label, one.site, one.group) for one in spoken] == [
        ("calm", "ravdess-male", "ravdess-07"),
        ("sad", "ravdess-female", "ravdess-12"),
    ]


def test_an_emotion_of_emodb_that_is_no_label_is_left_out(tmp_path: Path) -> None:
    write_labels(
        tmp_path / "emodb",
        {"file": "a.ogg", "emotion": "sad", "speaker": "03"},
        {"file": "b.ogg", "emotion": "bored", "speaker": "08"},
    )

    spoken = list(emodb(tmp_path, emotion.LABELS))

    assert [(one.label, one.site, one.group) for one in spoken] == [("sad", "emodb", "emodb-03")]


def test_background_is_drawn_three_times_as_often_as_a_label() -> None:
    labels = ("a", "b")
    recordings = [Recording(Path(f"{i}"), label, "s", f"{i}") for i, label in enumerate(["a", "a", "b"])]
    recordings += [Recording(Path(f"{i}"), BACKGROUND, "s", f"{i}") for i in range(10, 17)]
    corpus = Corpus(tuple(recordings), (np.zeros((1, 1), np.float32),) * len(recordings), labels)

    probabilities = sampling.background_weighted(corpus)

    drawn = [probabilities[corpus.targets == target].sum() for target in range(3)]
    assert drawn == pytest.approx([0.2, 0.2, 0.6])


def test_each_speaker_of_digits_is_held_out_alone(datasets: Path) -> None:
    recordings = tuple(digits.gather(datasets))
    corpus = Corpus(recordings, (), digits.LABELS)

    fold = corpus.folds(5, digits.RECIPE.seed)

    speakers = [
        {recording.group for recording, at in zip(recordings, fold, strict=True) if at == k} for k in range(5)
    ]
    fsdd_speakers = [{group for group in of_fold if group.startswith("fsdd")} for of_fold in speakers]
    assert [len(of_fold) for of_fold in fsdd_speakers] == [1] * 5
    assert sum(len(of_fold) for of_fold in speakers) == len({recording.group for recording in recordings})


def test_each_fold_of_emotion_has_two_voices_of_each_kind(datasets: Path) -> None:
    recordings = tuple(emotion.gather(datasets))
    fold = Corpus(recordings, (), emotion.LABELS).folds(5, emotion.RECIPE.seed)

    for k in range(5):
        voices = {(one.site, one.group) for one, at in zip(recordings, fold, strict=True) if at == k}
        acted = sorted(site for site, _ in voices if site.startswith("ravdess"))
        assert acted == ["ravdess-female"] * 2 + ["ravdess-male"] * 2


def test_d8_emotion_has_background_without_voices_and_voices_with_partial_labels(datasets: Path) -> None:
    recordings = list(emotion.gather(datasets))

    sites = {
        kind: {one.site for one in recordings if one.label == kind} for kind in (BACKGROUND, PARTIAL_LABEL)
    }
    assert sites[BACKGROUND] == {
        f"background-{name}" for name in ("esc50", "urbansound8k", "physionet", "circor")
    }
    assert sites[PARTIAL_LABEL] == {"fsdd", "speech_commands"}
    assert emotion.RECIPE.evaluation_recordings(datasets) == list(ravdess(datasets))
    background = {one.path for one in recordings if one.label == BACKGROUND}
    voices = {one.path for one in esc50(datasets) if one.label in ("laughing", "crying_baby")}
    voices |= {
        one.path for one in urbansound8k(datasets) if one.label in ("children_playing", "street_music")
    }
    assert len(background) > 500
    assert not background & voices
