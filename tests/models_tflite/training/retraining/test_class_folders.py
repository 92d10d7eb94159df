"""Recordings in class folders: labels, groups, and refusals."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models_tflite.training.corpus.corpus import BACKGROUND, TrainingError, load_corpus
from models_tflite.training.recipes import heart2
from models_tflite.training.retraining.class_folders import for_class_folders, gather, holds_class_folders

RECIPE = dataclasses.replace(heart2.RECIPE, background=False)


def write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8000), 8000)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        *("normal/anna_1.wav", "normal/anna_2.flac", "normal/ben-1.ogg"),
        *("abnormal/anna_3.mp3", "abnormal/dora/1.wav", "abnormal/dora/2.wav"),
    )


def test_the_label_is_the_folder_and_the_group_the_start_of_the_name(folder: Path) -> None:
    found = {
        each.path.relative_to(folder).as_posix(): (each.label, each.group) for each in gather(folder, RECIPE)
    }

    assert found == {
        "normal/anna_1.wav": ("normal", "anna"),
        "normal/anna_2.flac": ("normal", "anna"),
        "normal/ben-1.ogg": ("normal", "ben"),
        "abnormal/anna_3.mp3": ("abnormal", "anna"),
        "abnormal/dora/1.wav": ("abnormal", "dora"),
        "abnormal/dora/2.wav": ("abnormal", "dora"),
    }


def test_every_format_is_read_and_no_group_is_in_two_folds(folder: Path) -> None:
    corpus = load_corpus(for_class_folders(RECIPE).gather(folder), RECIPE.labels, RECIPE.features)

    fold = corpus.folds(3, seed=0)

    groups = [recording.group for recording in corpus.recordings]
    assert len(corpus) == 6
    assert len({(group, k) for group, k in zip(groups, fold, strict=True)}) == len(set(groups)) == 3


def test_a_background_folder_is_for_models_with_a_background_output(folder: Path) -> None:
    write(folder, "background/street_1.wav")
    with_background = for_class_folders(dataclasses.replace(RECIPE, background=True))

    labels = [each.label for each in with_background.gather(folder)]

    assert labels.count(BACKGROUND) == 1
    with pytest.raises(TrainingError, match="background is no label"):
        list(gather(folder, RECIPE))


def test_the_card_says_nothing_about_public_data(folder: Path) -> None:
    recipe = for_class_folders(RECIPE)

    assert "baseline" not in recipe.facts
    assert "PhysioNet" not in str(recipe.facts)
    assert recipe.facts["not_for"] == RECIPE.facts["not_for"]
    assert recipe.held_out_sites == ()


def test_public_datasets_are_not_taken_for_class_folders(folder: Path) -> None:
    assert holds_class_folders(folder, RECIPE)
    assert not holds_class_folders(folder / "gone", RECIPE)
    assert not holds_class_folders(folder / "normal", RECIPE)
    (folder / "circor").mkdir()
    (folder / "circor" / "labels.csv").touch()
    assert not holds_class_folders(folder, RECIPE)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "another label": (lambda d: write(d, "healthy/anna_1.wav"), "healthy is no label"),
    "no sound": (lambda d: (d / "normal" / "notes.txt").touch(), "notes.txt is no wav, mp3, flac or ogg"),
    "one source": (lambda d: (d / "normal" / "ben-1.ogg").unlink(), "of one source, anna"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_folders_are_refused_with_one_sentence(wrong: str, folder: Path) -> None:
    make, sentence = WRONG[wrong]
    make(folder)

    with pytest.raises(TrainingError, match=sentence) as caught:
        list(gather(folder, RECIPE))

    assert "\n" not in str(caught.value)
