"""`python -m models_tflite.evaluate MODEL --labels FILE.csv`: how right a model is on labelled recordings.

Every file goes the worker's way: PCM, signal, heart rate, quality, classifier.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.interpreter import runtime_name
from edge_worker.signal import quality
from edge_worker.signal.features import Signal
from models_tflite.evaluation import audio, cost, label_table
from models_tflite.evaluation.classification_report import LabelledPredictions, classification_report
from models_tflite.evaluation.label_table import Columns, Row

EXAMPLES: Final = """examples:
  python -m models_tflite.evaluate heart2 --labels D/physionet2016/labels.csv --by database
  python -m models_tflite.evaluate heart5 --labels D/pascal-heart/labels.csv --group-column group
  python -m models_tflite.evaluate digits --labels D/fsdd/labels.csv --label-column word \\
      --group-column speaker --others-as-background
  python -m models_tflite.evaluate esc50 --labels D/esc50/labels.csv --label-column category --by fold
  python -m models_tflite.evaluate us8k --labels D/urbansound8k/labels.csv --label-column class \\
      --group-column source_id --by fold
  python -m models_tflite.evaluate emotion --labels D/ravdess/labels.csv --label-column emotion \\
      --group-column actor --by actor
  python -m models_tflite.evaluate heart5 --labels mine.csv --root ~/recordings

Without --group-column each file is a group of its own, and intervals are too narrow where several files
are of one person.
"""
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class FilePrediction:
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
    columns = Columns(options.file_column, options.label_column, options.group_column, options.by)
    try:
        classifier = Classifier.load(options.models_dir, options.model)
        rows = label_table.read(
            options.labels, columns, classifier.card, others_as_background=options.others_as_background
        )
        report = evaluate(classifier, rows, options.root or options.labels.parent)
        content = (options.models_dir / f"{options.model}.tflite").read_bytes()
    except (StethoError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    print(json.dumps({**report, "cost": cost.measure(classifier, content)}, indent=1))
    return 0


def evaluate(classifier: Classifier, rows: list[Row], root: Path) -> dict[str, Any]:
    """Return the figures of `classifier` on labelled files below `root`; raises AudioError."""
    card = classifier.card
    answers = [
        classify(classifier, audio.read(root / row.file)) for row in tqdm(rows, unit="file", disable=None)
    ]
    index = {label: i for i, label in enumerate((*card.labels, label_table.OTHER))}
    judged = LabelledPredictions(
        np.array([index[row.label] for row in rows], dtype=np.intp),
        np.array([answer.probabilities for answer in answers]),
        np.array([answer.accepted for answer in answers]),
        np.array([row.group for row in rows]),
    )
    parts = np.array([row.part for row in rows])
    return {
        "model": card.model,
        "version": card.version,
        "sha256": card.sha256,
        "runtime": runtime_name(),
        **_named(classification_report(judged, card.labels), card.labels),
        "by": {
            str(part): _named(classification_report(judged.subset(parts == part), card.labels), card.labels)
            for part in np.unique(parts)
            if part
        },
        "ms_per_file": round(float(np.mean([answer.took_ms for answer in answers])), 3),
    }


def classify(classifier: Classifier, signal: Signal) -> FilePrediction:
    """Judge one recording as the worker does."""
    start = time.perf_counter()
    sound = quality.assess(signal) if classifier.card.domain == "heart" else quality.assess_any_sound(signal)
    prediction = classifier.classify(signal)
    took_ms = (time.perf_counter() - start) * 1000
    return FilePrediction(
        tuple(prediction.probabilities.values()), prediction.accepted and sound.usable, took_ms
    )


def _named(report: dict[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """Return a report whose confusion matrix says which row and column is which label."""
    if "confusion" not in report:
        return report
    rows = (dict(zip(labels, row, strict=True)) for row in report["confusion"])
    return {**report, "confusion": dict(zip(labels, rows, strict=True))}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.evaluate",
        description="Evaluate a model on labelled recordings (wav, flac, ogg, mp3; any rate, any channels) "
        "and print one JSON object: figures with 95 % intervals.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="heart2, heart5, digits, esc50, us8k, emotion or one of your own")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with a row for each recording")
    parser.add_argument(
        "--root", type=Path, help="folder that the files are relative to (default: the CSV's)"
    )
    for name, default in (("file", "file"), ("label", "label")):
        parser.add_argument(f"--{name}-column", default=default, metavar="NAME", help="default: %(default)s")
    parser.add_argument(
        "--group-column", metavar="NAME", help="patient, speaker or source: intervals are over these"
    )
    parser.add_argument("--by", metavar="NAME", help="column to give figures for each value of: site, fold…")
    parser.add_argument(
        "--others-as-background",
        action="store_true",
        help="rows of unknown labels are to be rejected (models that know a background)",
    )
    parser.add_argument(
        "--models-dir", type=Path, default=HERE, help="where the models are (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
