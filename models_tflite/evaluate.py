"""`python -m models_tflite.evaluate MODEL --labels FILE.csv`: how right a model is on labelled recordings.

Every file goes the worker's way: PCM, signal, heart rate, quality, classifier.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge_worker import heart_rate, quality
from edge_worker.classifier import Classifier
from edge_worker.errors import AudioError, StethoError
from edge_worker.features import Signal
from edge_worker.network import runtime_name
from models_tflite import audio, metrics

EXAMPLES = """examples:
  python -m models_tflite.evaluate heart2 --labels ../shared/datasets/physionet2016/labels.csv
  python -m models_tflite.evaluate heart5 --labels mine.csv --root ~/recordings
"""
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Judged:
    """What came out for one file."""

    probabilities: tuple[float, ...]
    """In the order of the card's labels."""
    accepted: bool
    """Confident enough, and the sound was usable."""
    took_ms: float
    """From decoded PCM to the answer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        classifier = Classifier.load(options.models_dir, options.model)
        report = evaluate(classifier, options.labels, options.root or options.labels.parent)
    except (StethoError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1))
    return 0


def evaluate(classifier: Classifier, labels: Path, root: Path) -> dict[str, Any]:
    """Return the figures of `classifier` on the files of a CSV with the columns file and label."""
    rows = read_labels(labels, classifier.card.labels)
    judged = [judge(classifier, audio.read(root / file)) for file, _ in tqdm(rows, unit="file", disable=None)]
    truth = np.array([classifier.card.labels.index(label) for _, label in rows], dtype=np.intp)
    return _report(classifier, truth, judged)


def judge(classifier: Classifier, signal: Signal) -> Judged:
    """Judge one recording as the worker does."""
    start = time.perf_counter()
    usable = quality.assess(signal, heart_rate.estimate(signal)).usable
    prediction = classifier.classify(signal)
    took_ms = (time.perf_counter() - start) * 1000
    return Judged(tuple(prediction.probabilities.values()), prediction.accepted and usable, took_ms)


def read_labels(path: Path, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (file, label) of every row; raises AudioError with a sentence when the CSV does not fit."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            reader = csv.DictReader(table)
            missing = {"file", "label"} - set(reader.fieldnames or ())
            rows = [] if missing else [(row["file"] or "", row["label"] or "") for row in reader]
    except FileNotFoundError as error:
        raise AudioError(f"{path} is missing: give --labels a CSV with the columns file and label") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AudioError(f"{path} is not a CSV in UTF-8 ({error}): save it as one") from error
    if missing:
        raise AudioError(f"{path} has no column {' and no column '.join(sorted(missing))}: add it")
    if not rows:
        raise AudioError(f"{path} has no rows: there is nothing to evaluate")
    for number, (file, label) in enumerate(rows, start=2):
        if not file:
            raise AudioError(f"{path} line {number} names no file: complete or remove the line")
        if label not in known:
            raise AudioError(
                f"{path} line {number}: the model does not know {label!r}, only {', '.join(known)}"
            )
    return rows


def _report(classifier: Classifier, truth: metrics.IntArray, judged: list[Judged]) -> dict[str, Any]:
    labels = classifier.card.labels
    probabilities = np.array([item.probabilities for item in judged])
    accepted = np.array([item.accepted for item in judged])
    predicted = probabilities.argmax(axis=1)
    correct = predicted == truth
    counts = metrics.confusion(truth, predicted, len(labels))
    positive = _positive(labels)
    return {
        "model": classifier.card.model,
        "version": classifier.card.version,
        "sha256": classifier.card.sha256,
        "runtime": runtime_name(),
        "n": len(judged),
        "accuracy": metrics.accuracy(counts),
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_f1": metrics.macro_f1(counts),
        "auc": None if positive is None else metrics.auc(truth == positive, probabilities[:, positive]),
        "per_class": metrics.per_class(counts, labels),
        "confusion": {
            label: dict(zip(labels, row, strict=True))
            for label, row in zip(labels, counts.tolist(), strict=True)
        },
        "accepted_fraction": float(accepted.mean()),
        "accuracy_when_accepted": float(correct[accepted].mean()) if accepted.any() else None,
        "ms_per_file": float(np.mean([item.took_ms for item in judged])),
    }


def _positive(labels: tuple[str, ...]) -> int | None:
    """Return the index of the label that the ROC curve is about: the last of two."""
    return 1 if len(labels) == 2 else None  # noqa: PLR2004 a curve needs exactly two


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.evaluate",
        description="Evaluate a model on labelled recordings (wav, flac, ogg; any rate, any channels) "
        "and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="name of the model, such as heart2")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with the columns file and label")
    parser.add_argument(
        "--root", type=Path, help="folder that the files are relative to (default: the CSV's)"
    )
    parser.add_argument(
        "--models-dir", type=Path, default=HERE, help="where the models are (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
