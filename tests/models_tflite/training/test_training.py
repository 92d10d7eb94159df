"""`stetho train MODEL`: from a folder of recordings to files that load, and refusals of wrong data."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.inference.classifier import Classifier
from edge_worker.signal.audio_signal import Signal
from models_tflite import card_page
from models_tflite.evaluation import audio

pytest.importorskip(
    "tensorflow", reason="TensorFlow is not installed: pip install -r requirements/training.txt"
)

import tiny_datasets

from models_tflite.training.__main__ import main
from models_tflite.training.corpus import datasets
from models_tflite.training.recipes import digits, heart2

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def short_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart2, "RECIPE", tiny_datasets.RECIPE)
    monkeypatch.setattr(
        digits,
        "RECIPE",
        dataclasses.replace(digits.RECIPE, pretraining=None, steps_per_epoch=2, epochs=1, batch_size=16),
    )


def test_training_writes_network_card_and_page_that_load(tmp_path: Path) -> None:
    data, out = tiny_datasets.make_data(tmp_path / "data"), tmp_path / "models"

    status = main(["heart2", "--data", str(data), "--out", str(out), "--epochs", "1", "--folds", "2"])

    assert status == 0
    assert sorted(path.name for path in out.iterdir()) == ["heart2.json", "heart2.md", "heart2.tflite"]
    classifier = Classifier.load(out, "heart2")
    assert classifier._interpreter._input["dtype"] == np.int8
    classifier.classify(Signal(np.zeros(8000, dtype=np.float32), 4000))
    card = json.loads((out / "heart2.json").read_text())
    assert card["figures"]["cross_validation"]["n"] == 24, "every recording is predicted exactly once"
    assert card["figures"]["by_site"]["physionet-b"]["n"] == 24
    assert card["figures"]["before_int8"]["same_label"] > 0.8
    assert card["figures"]["cross_validation"]["groups"] == 24
    assert card["check"]["n"] == 24
    assert card["cost"]["bytes"] == (out / "heart2.tflite").stat().st_size
    assert (out / "heart2.md").read_text() == card_page.page(card)


def make_words(folder: Path) -> Path:
    """Write a folder per digit, four speakers each: words are tones of different pitch."""
    time = np.arange(12000) / 16000
    random = np.random.default_rng(0)
    for number, word in enumerate(digits.LABELS):
        (folder / word).mkdir(parents=True)
        for speaker in ("anna", "ben", "carl", "dora"):
            tone = np.sin(2 * np.pi * (300 + 500 * number) * time) * np.exp(-time / 0.3)
            soundfile.write(
                folder / word / f"{speaker}_1.flac", 0.3 * tone + random.normal(0, 0.002, len(time)), 16000
            )
    return folder


def test_b4_digits_train_on_class_folders(tmp_path: Path) -> None:
    folder, out = make_words(tmp_path / "words"), tmp_path / "models"

    status = main(["digits", "--data", str(folder), "--out", str(out), "--folds", "2", "--seed", "3"])

    assert status == 0
    classifier = Classifier.load(out, "digits")
    card = classifier.card.document
    assert set(classifier.card.labels) == {"eight", "nine", "six", "two", "zero"}
    assert card["data"] == ["recordings in a folder per label"]
    assert card["training"]["recordings"] == 20
    assert card["training"]["seed"] == 3
    assert card["figures"]["cross_validation"]["groups"] == 4
    assert "nine" in (out / "digits.md").read_text()
    classifier.classify(audio.read(folder / "nine" / "anna_1.flac"))


def test_wrong_class_folders_are_refused_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_words(tmp_path / "words")
    arguments = ["digits", "--data", str(folder), "--out", str(tmp_path / "models")]

    for path in sorted((folder / "six").iterdir())[1:]:
        path.unlink()
    assert "all recordings labelled six are of one source" in refused(arguments, capsys)
    (folder / "six" / "eve_1.wav").write_text("no sound")
    assert "eve_1.wav is no " in refused(arguments, capsys)  # sound; or wav, mp3, …, where there is no ffmpeg
    soundfile.write(folder / "six" / "eve_1.wav", np.zeros(0), 8000)
    assert "eve_1.wav holds no sound" in refused(arguments, capsys)
    (folder / "ten").mkdir()
    assert "ten is no label" in refused(arguments, capsys)
    assert not (tmp_path / "models").exists()


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert len(lines) == 1
    return lines[0]


def test_wrong_data_is_refused_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_datasets.make_data(tmp_path, recordings=4)
    arguments = ["heart2", "--data", str(data), "--out", str(tmp_path / "models"), "--epochs", "1"]
    labels = tmp_path / "physionet2016" / "labels.csv"
    good = labels.read_text()

    assert "labels.csv is missing" in refused(["heart2", "--data", str(tmp_path / "gone")], capsys)
    labels.write_text(good.replace("good_quality", "quality"))
    assert "no column good_quality" in refused(arguments, capsys)
    labels.write_text(good.replace("b0000.wav", "b9999.wav"))
    assert "b9999.wav is missing" in refused(arguments, capsys)
    labels.write_text(good.replace("b0000.wav", "nonsense.wav"))
    assert "nonsense" in refused(arguments, capsys)
    labels.write_text(good.replace("abnormal", "odd"))
    assert "is labelled 'odd'" in refused(arguments, capsys)
    labels.write_text(good.replace("abnormal", "?"))
    assert "is labelled '?'" in refused(arguments, capsys)
    labels.write_text(good.replace("abnormal", ""))
    assert "labels.csv has no label: fill it in" in refused(arguments, capsys)
    labels.write_text(good)
    (tmp_path / "file").touch()
    assert "cannot be written" in refused([*arguments, "--out", str(tmp_path / "file" / "models")], capsys)
    circor = tmp_path / "circor" / "labels.csv"
    circor.write_text(circor.read_text().replace("Present", "Unknown"))
    labels.write_text(good.replace("abnormal", "normal"))
    assert "fewer than two recordings labelled abnormal" in refused(arguments, capsys)
    assert not (tmp_path / "models").exists()


def test_a_dataset_is_found_by_its_parent_or_by_itself(tmp_path: Path) -> None:
    tiny_datasets.make_data(tmp_path, recordings=2)

    assert datasets.dataset_folder(tmp_path, "circor") == tmp_path / "circor"
    assert datasets.dataset_folder(tmp_path / "circor", "circor") == tmp_path / "circor"
