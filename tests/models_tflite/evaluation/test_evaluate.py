"""Command `stetho evaluate`, run as a program on generated files and on wrong input."""

import csv
import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.errors import AudioError
from edge_worker.inference.classifier import Classifier
from edge_worker.signal.audio_signal import Signal
from models_tflite import evaluate
from models_tflite.evaluation import label_table

ROOT = Path(__file__).parents[3]
KEYS = {
    "n",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "auc",
    "per_class",
    "confusion",
    "accepted_fraction",
    "accuracy_when_accepted",
    "ms_per_file",
    "expected_calibration_error",
    "intervals",
    "reliability",
    "cost",
}
MODELS = ROOT / "models_tflite"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "models_tflite.evaluate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_sounds(folder: Path) -> list[str]:
    """Write the same four seconds as wav, flac, ogg and mp3, at different rates and channel counts."""
    names = []
    for suffix, rate, channels in (("wav", 44100, 2), ("flac", 4000, 1), ("ogg", 16000, 1), ("mp3", 8000, 1)):
        noise = np.random.default_rng(0).normal(size=(4 * rate, channels)) * 0.1
        soundfile.write(folder / f"sound.{suffix}", noise, rate)
        names.append(f"sound.{suffix}")
    return names


def test_the_report_is_complete_for_any_audio_format(tmp_path: Path) -> None:
    rows = [
        {"file": name, "label": label, "comment": "ignored"}
        for name, label in zip(make_sounds(tmp_path), ("normal", "abnormal", "normal", "normal"), strict=True)
    ]

    done = run("heart2", "--labels", write_csv(tmp_path / "labels.csv", rows))

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report.keys() >= KEYS
    assert report["n"] == report["groups"] == 4
    assert sum(sum(row.values()) for row in report["confusion"].values()) == 4
    assert 0 <= report["auc"] <= 1
    assert report["cost"]["bytes"] == (MODELS / "heart2.tflite").stat().st_size
    assert report["cost"]["features_ms"] > 0 < report["cost"]["inference_ms"]
    assert report["accepted_fraction"] == 0, "noise is never accepted"
    assert report["accuracy_when_accepted"] is None


def test_files_are_below_root_and_one_class_has_no_auc(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    names = make_sounds(tmp_path / "sounds")
    labels = write_csv(tmp_path / "labels.csv", [{"file": name, "label": "normal"} for name in names])

    done = run("heart5", "--labels", labels, "--root", tmp_path / "sounds")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["auc"] is None
    assert report["per_class"]["murmur"]["recall"] is None
    assert report["accuracy"] == report["balanced_accuracy"] == report["per_class"]["normal"]["recall"]


def test_columns_groups_and_parts_are_selectable(tmp_path: Path) -> None:
    names = make_sounds(tmp_path)
    rows = [
        {"path": name, "finding": "normal", "patient": str(number // 2), "site": "ward" if number else ""}
        for number, name in enumerate(names)
    ]
    labels = write_csv(tmp_path / "labels.csv", rows)
    columns = ("--file-column", "path", "--label-column", "finding", "--group-column", "patient")

    done = run("heart2", "--labels", labels, *columns, "--by", "site")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["n"] == 4
    assert report["groups"] == 2
    assert report["intervals"]["accuracy"] is None, "two patients are too few for an interval"
    assert report["by"].keys() == {"ward"}
    assert report["by"]["ward"]["n"] == 3
    assert_refused(run("heart2", "--labels", labels, *columns, "--by", "age"), "has no column age")


def test_other_labels_count_as_background_on_request(tmp_path: Path) -> None:
    names = make_sounds(tmp_path)
    rows = [
        {"file": name, "label": label} for name, label in zip(names, ("murmur", "a", "b", "c"), strict=True)
    ]
    labels = write_csv(tmp_path / "labels.csv", rows)
    command = ("heart5", "--labels", labels)

    done = run(*command, "--others-as-background")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["n"] == 1
    assert report["background"]["n"] == 3
    assert report["background"]["rejected"] in (0, 0.3333, 0.6667, 1)
    assert_refused(run(*command), "does not know 'a'.*--others-as-background")


def test_a_model_without_background_output_refuses_other_labels(tmp_path: Path) -> None:
    rows = [{"file": "a.wav", "label": "normal"}, {"file": "b.wav", "label": "engine"}]
    labels = write_csv(tmp_path / "labels.csv", rows)
    card = dataclasses.replace(Classifier.load(MODELS, "heart2").card, background=False)

    with pytest.raises(AudioError, match="heart2 has no background output: leave out --others-as-background"):
        label_table.read(labels, label_table.Columns(), card, others_as_background=True)


def test_a_model_of_any_sound_needs_no_heartbeat() -> None:
    """Its recordings must be loud enough and not clipped; they need no heartbeat."""
    classifier = Classifier.load(MODELS, "esc50")
    rain = np.random.default_rng(0).normal(0, 0.1, 4 * 44100).astype(np.float32)

    assert evaluate.classify(classifier, Signal(rain, 44100)).accepted
    assert not evaluate.classify(classifier, Signal(np.sign(rain), 44100)).accepted
    assert not evaluate.classify(classifier, Signal(rain * 1e-5, 44100)).accepted
    classifier.card = dataclasses.replace(classifier.card, domain="heart")
    assert not evaluate.classify(classifier, Signal(rain, 44100)).accepted


def no_samples(folder: Path) -> dict[str, str]:
    soundfile.write(folder / "empty.wav", np.zeros(0), 4000)
    return {"file": "empty.wav", "label": "normal"}


def no_audio(folder: Path) -> dict[str, str]:
    (folder / "text.wav").write_text("this is not audio")
    return {"file": "text.wav", "label": "normal"}


WRONG: dict[str, tuple[Callable[[Path], dict[str, str]], str]] = {
    "missing file": (lambda _: {"file": "gone.wav", "label": "normal"}, "gone.wav is missing"),
    "a folder": (lambda _: {"file": ".", "label": "normal"}, "is missing"),
    "unknown label": (lambda _: {"file": "sound.wav", "label": "healthy"}, "does not know 'healthy'"),
    "no label column": (lambda _: {"file": "sound.wav"}, "no column label"),
    "no file column": (lambda _: {"path": "sound.wav", "label": "normal"}, "no column file"),
    "no file named": (lambda _: {"file": "", "label": "normal"}, "line 2 names no file"),
    "empty audio": (no_samples, "holds no sound"),
    "unreadable audio": (no_audio, "is no sound that can be decoded"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_rows_get_one_sentence(wrong: str, tmp_path: Path) -> None:
    make_sounds(tmp_path)
    make, sentence = WRONG[wrong]

    assert_refused(run("heart2", "--labels", write_csv(tmp_path / "labels.csv", [make(tmp_path)])), sentence)


def test_wrong_arguments_get_one_sentence(tmp_path: Path) -> None:
    rows = [{"file": name, "label": "normal"} for name in make_sounds(tmp_path)]
    labels = write_csv(tmp_path / "labels.csv", rows)
    (tmp_path / "header.csv").write_text("file,label\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")

    assert_refused(run("heart2", "--labels", tmp_path / "gone.csv"), "gone.csv is missing")
    assert_refused(run("heart2", "--labels", tmp_path), "labels.csv|is a directory|Is a directory")
    assert_refused(run("heart2", "--labels", tmp_path / "header.csv"), "no rows")
    assert_refused(run("heart2", "--labels", tmp_path / "binary.csv"), "not a CSV in UTF-8")
    assert_refused(run("heart9", "--labels", labels), r"heart9\.json cannot be read")
    assert_refused(
        run("heart2", "--labels", labels, "--models-dir", tmp_path), r"heart2\.json cannot be read"
    )


def assert_refused(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    messages = [line for line in done.stderr.splitlines() if line.startswith("evaluate: ")]
    assert len(messages) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(sentence, messages[0])


def test_help_shows_examples() -> None:
    done = run("--help")

    assert done.returncode == 0
    assert "examples:" in done.stdout
    for model in ("heart2", "heart5", "digits", "esc50", "us8k", "emotion"):
        assert f"stetho evaluate {model} --labels" in done.stdout
