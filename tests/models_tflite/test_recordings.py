"""The shipped models on real recordings: a fixed few of each label, and figures on a fixed subset.

The shipped models were trained on most of these: this guards against a broken pair, a broken feature or
a broken runtime. What models reach on groups they never heard is in their cards.
"""

import csv
from pathlib import Path

import pytest

from edge_worker.classifier import Classifier
from models_tflite import audio, evaluate

MODELS = Path(evaluate.__file__).parent


def subset(folder: Path, where: dict[str, str], step: int) -> list[Path]:
    """Return every `step`-th recording of a dataset whose columns are as in `where`."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if where.items() <= row.items()]
    assert len(rows) > step, f"no recordings with {where} in {folder}"
    return [folder / row["file"] for row in rows[::step]]


def recall(classifier: Classifier, files: list[Path], label: str) -> float:
    return sum(classifier.classify(audio.read(file)).label == label for file in files) / len(files)


@pytest.mark.parametrize(
    ("label", "step", "least"),
    [
        ("artifact", 3, 0.6),
        ("extrahls", 2, 0.6),
        ("extrastole", 3, 0.5),
        ("murmur", 8, 0.6),
        ("normal", 20, 0.5),
    ],
)
def test_heart5_knows_every_label(label: str, step: int, least: float, datasets: Path) -> None:
    files = subset(datasets / "pascal-heart", {"label": label}, step)

    assert recall(Classifier.load(MODELS, "heart5"), files, label) >= least


def test_heart2_tells_normal_from_abnormal(datasets: Path) -> None:
    """All sites together, as its card counts; some sites alone are much weaker: docs/models.md."""
    classifier = Classifier.load(MODELS, "heart2")
    good = {"good_quality": "1"}
    normal = subset(datasets / "physionet2016", {"label": "normal"} | good, 15)
    abnormal = subset(datasets / "physionet2016", {"label": "abnormal"} | good, 5)

    balanced = (recall(classifier, normal, "normal") + recall(classifier, abnormal, "abnormal")) / 2

    assert balanced > 0.8


def test_heart2_hears_murmurs_of_another_device(datasets: Path) -> None:
    classifier = Classifier.load(MODELS, "heart2")
    murmurs = subset(datasets / "circor", {"murmur_at_site": "Present"}, 10)
    quiet = subset(datasets / "circor", {"murmur_at_site": "Absent"}, 40)

    assert (recall(classifier, murmurs, "abnormal") + recall(classifier, quiet, "normal")) / 2 > 0.7


@pytest.mark.parametrize("model", ["heart2", "heart5"])
def test_rain_speech_and_engines_are_hardly_ever_accepted(model: str, datasets: Path) -> None:
    """Quality and threshold together: sounds of 50 kinds that are no hearts."""
    classifier = Classifier.load(MODELS, model)
    files = subset(datasets / "esc50", {}, 16)

    accepted = sum(evaluate.judge(classifier, audio.read(file)).accepted for file in files)

    assert len(files) >= 90
    assert accepted / len(files) < 0.3
