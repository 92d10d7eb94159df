"""Labelled files are stored as clips, all or none, or refused with one sentence."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.database.store import Store
from edge_worker.database.training import TrainingTables
from edge_worker.errors import StethoError
from models_tflite.training.retraining import upload

LABELS = ("normal", "abnormal")
RATE = 2000


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[TrainingTables]:
    url = f"sqlite:///{tmp_path / 'stetho.db'}"
    Store.open(url).close()
    opened = TrainingTables.open(url)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings of each label, one of them in each of the formats."""
    for label in LABELS:
        for number, suffix in enumerate(("wav", "flac", "OGG")):
            write(tmp_path / "labelled" / label / f"{number}.{suffix}", seed=len(label) + number)
    return tmp_path / "labelled"


def write(path: Path, seed: int = 0, samples: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(seed).normal(0, 0.1, samples)
    soundfile.write(path, sound, RATE, format=path.suffix[1:].upper())


def add(tables: TrainingTables, data_dir: Path, folder: Path) -> int:
    uploads = list(upload.read_class_folders(folder, LABELS))
    return len(upload.add(tables, data_dir, "heart2", LABELS, uploads))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_e6_recordings_are_copied_under_their_digest_and_added_to_the_tables(
    tables: TrainingTables, folder: Path, tmp_path: Path
) -> None:
    assert add(tables, tmp_path / "data", folder) == 6
    clips = tables.clips("heart2")
    assert files(tmp_path / "data") == sorted(clip.file for clip in clips)
    for clip in clips:
        assert clip.file.startswith(f"training/heart2/{clip.label}/{clip.sha256}.")
        assert hashlib.sha256((tmp_path / "data" / clip.file).read_bytes()).hexdigest() == clip.sha256
    assert add(tables, tmp_path / "data", folder) == 0, "what is known is not new"
    assert len(tables.clips("heart2")) == 6


def test_a_folder_in_a_class_is_a_source_and_its_name_is_stored_nowhere(
    tables: TrainingTables, tmp_path: Path
) -> None:
    for number in range(4):
        write(tmp_path / "in" / "normal" / ("Ada", "Max")[number % 2] / f"{number}.wav", seed=number)
    assert add(tables, tmp_path / "data", tmp_path / "in") == 4
    clips = tables.clips("heart2")
    assert len({clip.source for clip in clips}) == 2
    assert sum(clip.held_out for clip in clips) == 2
    assert b"Ada" not in (tmp_path / "stetho.db").read_bytes()


@pytest.mark.parametrize("damage", ["one_example", "one_source"])
def test_recordings_of_one_source_are_taken_and_not_trained_on(
    tables: TrainingTables, folder: Path, tmp_path: Path, damage: str
) -> None:
    {"one_example": one_example, "one_source": one_source}[damage](folder)
    assert add(tables, tmp_path / "data", folder) >= 4
    with pytest.raises(StethoError, match="all recordings of normal are of one source"):
        upload.require_two_sources(tables.clips("heart2"), LABELS)
    write(tmp_path / "more" / "normal" / "another" / "1.wav", seed=99)
    assert add(tables, tmp_path / "data", tmp_path / "more") == 1
    upload.require_two_sources(tables.clips("heart2"), LABELS)


def odd_label(folder: Path) -> None:
    (folder / "normal").rename(folder / "usual")


def no_label(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def unreadable(folder: Path) -> None:
    (folder / "normal" / "9.wav").write_bytes(b"RIFF not a sound")


def empty(folder: Path) -> None:
    write(folder / "normal" / "9.wav", samples=0)


def no_sound(folder: Path) -> None:
    (folder / "normal" / "notes.txt").touch()


def one_example(folder: Path) -> None:
    for name in ("0.wav", "1.flac"):
        (folder / "normal" / name).unlink()


def one_source(folder: Path) -> None:
    shutil.move(folder / "normal", folder / "all")
    (folder / "normal").mkdir()
    shutil.move(folder / "all", folder / "normal" / "patient")


def two_labels(folder: Path) -> None:
    shutil.copyfile(folder / "normal" / "0.wav", folder / "abnormal" / "9.wav")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (odd_label, "usual is no label of this model: use normal, abnormal"),
        (no_label, "holds no class folders: make one for each of normal, abnormal"),
        (no_folder, "cannot be read (No such file or directory)"),
        (unreadable, "9.wav holds no sound that can be read"),
        (empty, "9.wav holds no sound that can be read"),
        (no_sound, "notes.txt is no wav, mp3, flac or ogg"),
        (two_labels, "decide which"),
    ],
)
def test_e6_wrong_folders_are_refused_with_one_sentence_and_nothing_is_written(
    tables: TrainingTables, folder: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(folder)
    with pytest.raises(StethoError) as caught:
        add(tables, tmp_path / "data", folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert tables.clips("heart2") == []
    assert not (tmp_path / "data").exists()


def test_the_same_sound_under_another_label_is_refused_later_too(
    tables: TrainingTables, folder: Path, tmp_path: Path
) -> None:
    add(tables, tmp_path / "data", folder)
    shutil.copyfile(folder / "normal" / "0.wav", tmp_path / "0.wav")
    with pytest.raises(StethoError, match="decide which"):
        upload.add(
            tables, tmp_path / "data", "heart2", LABELS, [upload.Upload(tmp_path / "0.wav", "abnormal")]
        )


def test_a_label_that_would_leave_the_directory_is_no_label(
    tables: TrainingTables, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(StethoError, match="is no label of heart2"):
        upload.add(
            tables, tmp_path / "data", "heart2", LABELS, [upload.Upload(folder / "normal" / "0.wav", "../..")]
        )


def test_a_disk_that_refuses_halfway_leaves_nothing(
    tables: TrainingTables, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "data" / "training" / "heart2").mkdir(parents=True)
    (tmp_path / "data" / "training" / "heart2" / "normal").touch()  # a file where a folder has to be
    with pytest.raises(StethoError, match="nothing was taken over"):
        add(tables, tmp_path / "data", folder)
    assert files(tmp_path / "data") == ["training/heart2/normal"]
    assert tables.clips("heart2") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_missing_permission_is_reported_with_one_sentence(
    tables: TrainingTables, folder: Path, tmp_path: Path
) -> None:
    (folder / "normal").chmod(0)
    with pytest.raises(StethoError, match="Permission denied"):
        add(tables, tmp_path / "data", folder)
    (folder / "normal").chmod(0o700)
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(StethoError, match="nothing was taken over"):
        add(tables, tmp_path / "data", folder)
