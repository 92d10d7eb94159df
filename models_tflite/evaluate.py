"""Command `stetho evaluate MODEL --labels FILE.csv`: metrics of a model on labelled recordings.

Every file is processed as by the worker: PCM, signal, signal quality, classifier.
"""

import argparse
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
from edge_worker.protocol import strict_json
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from models_tflite.evaluation import audio, cost, label_table
from models_tflite.evaluation.classification_report import LabelledPredictions, classification_report
from models_tflite.evaluation.label_table import Columns, Row

EXAMPLES: Final = """examples:
  stetho evaluate heart2 --labels D/physionet2016/labels.csv --by database
  stetho evaluate heart5 --labels D/pascal-heart/labels.csv --group-column group
  stetho evaluate digits --labels D/fsdd/labels.csv --label-column word --group-column speaker \\
      --others-as-background
  stetho evaluate esc50 --labels D/esc50/labels.csv --label-column category --by fold
  stetho evaluate us8k --labels D/urbansound8k/labels.csv --label-column class \\
      --group-column source_id --by fold
  stetho evaluate emotion --labels D/ravdess/labels.csv --label-column emotion \\
      --group-column actor --by actor
  stetho evaluate heart5 --labels mine.csv --root ~/recordings
  stetho evaluate heart2 --unseen-sites D       mean and worst over sites that each model never heard

Without --group-column each file is a group of its own; intervals are then too narrow if several files
are from one person.
"""
MODELS_DIR: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """Prediction for one file."""

    probabilities: tuple[float, ...]
    """In the order of the labels of the card."""
    accepted: bool
    """Whether the label is confident enough and the recording is usable."""
    took_ms: float
    """Time from decoded PCM to the prediction."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.unseen_sites is not None:
        return _unseen_sites(options.model, options.models_dir, options.unseen_sites)
    if options.labels is None:
        parser.error("give --labels FILE.csv, or --unseen-sites DIR")
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
    print(strict_json.write({**report, "cost": cost.measure(classifier, content)}, indent=1))
    return 0


def _unseen_sites(model: str, models_dir: Path, data: Path) -> int:
    from models_tflite import unseen_sites  # noqa: PLC0415 - only here the recipes are needed

    try:
        report = unseen_sites.measure(model, models_dir, data)
    except (StethoError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    print(strict_json.write(report, indent=1))
    return 0


def evaluate(classifier: Classifier, rows: list[Row], root: Path) -> dict[str, Any]:
    """Return the metrics of a classifier on labelled files below `root`; raises AudioError."""
    card = classifier.card
    files = [
        classify(classifier, audio.read(root / row.file)) for row in tqdm(rows, unit="file", disable=None)
    ]
    index = {label: i for i, label in enumerate((*card.labels, label_table.OTHER))}
    predictions = LabelledPredictions(
        np.array([index[row.label] for row in rows], dtype=np.intp),
        np.array([file.probabilities for file in files]),
        np.array([file.accepted for file in files]),
        np.array([row.group for row in rows]),
    )
    parts = np.array([row.part for row in rows])
    return {
        "model": card.model,
        "version": card.version,
        "sha256": card.sha256,
        "runtime": runtime_name(),
        **_named(classification_report(predictions, card.labels), card.labels),
        "by": {
            str(part): _named(
                classification_report(predictions.subset(parts == part), card.labels), card.labels
            )
            for part in np.unique(parts)
            if part
        },
        "ms_per_file": round(float(np.mean([file.took_ms for file in files])), 3),
    }


def classify(classifier: Classifier, signal: Signal) -> FilePrediction:
    """Return the prediction for one recording, accepted as by the worker."""
    start = time.perf_counter()
    is_heart = classifier.card.domain == "heart"
    sound_quality = quality.assess(signal) if is_heart else quality.assess_any_sound(signal)
    prediction = classifier.classify(signal)
    took_ms = (time.perf_counter() - start) * 1000
    return FilePrediction(
        tuple(prediction.probabilities.values()), prediction.accepted and sound_quality.usable, took_ms
    )


def _named(report: dict[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """Return a report whose confusion matrix is keyed by label, row by row."""
    if "confusion" not in report:
        return report
    rows = (dict(zip(labels, row, strict=True)) for row in report["confusion"])
    return {**report, "confusion": dict(zip(labels, rows, strict=True))}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho evaluate",
        description="Evaluate a model on labelled recordings (wav, flac, ogg, mp3; any rate and channels) "
        "and print one JSON object: metrics with 95 % intervals.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="heart2, heart5, digits, esc50, us8k, emotion or a model of your own")
    parser.add_argument("--labels", type=Path, help="CSV file with one row per recording")
    parser.add_argument(
        "--unseen-sites",
        type=Path,
        metavar="DIR",
        help="instead: measure models that were trained without a site on that site; DIR holds the datasets",
    )
    parser.add_argument(
        "--root", type=Path, help="directory of the files in the CSV (default: that of the CSV)"
    )
    for name, default in (("file", "file"), ("label", "label")):
        parser.add_argument(f"--{name}-column", default=default, metavar="NAME", help="default: %(default)s")
    parser.add_argument(
        "--group-column",
        metavar="NAME",
        help="column of the patient, speaker or source; intervals are over these",
    )
    parser.add_argument(
        "--by",
        metavar="NAME",
        help="column for whose values metrics are also given separately, such as site or fold",
    )
    parser.add_argument(
        "--others-as-background",
        action="store_true",
        help="count rows with other labels as sounds to reject (models with a background output)",
    )
    parser.add_argument(
        "--models-dir", type=Path, default=MODELS_DIR, help="directory of the models (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
