"""`stetho train segments`: train the network that finds S1, systole, S2 and diastole on CirCor.

stetho train segments --data ../shared/datasets --out /tmp/models
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from edge_worker.errors import StethoError
from edge_worker.inference import heart_segmenter
from edge_worker.protocol import strict_json
from edge_worker.signal import heart_cycle
from edge_worker.signal.log_mel import HEART_LOG_MEL
from models_tflite.training.assessment import model_files, state_assessment
from models_tflite.training.corpus import annotated_recording
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.networks import state_fit, state_network

VERSION: Final = "1.0.0"
EPOCHS: Final = 20
FOLDS: Final = 4
SEED: Final = 1

FACTS: Final[dict[str, Any]] = {
    "task": "Tells which frames of a heart sound are S1, systole, S2 and diastole: marks and heart rate.",
    "data": [
        "CirCor DigiScope (Oliveira et al. 2022): annotated stretches of the first 6 s of each recording"
    ],
    "licence_of_data": "ODC-By 1.0",
    "split": "by subject; every figure is of subjects that the network was trained without",
    "baseline": "Autocorrelation of the loudness in low bands: a rate for 0.81 of the recordings, median "
    "error 1.1 bpm, 0.89 of the answers within 5 bpm; no marks",
    "good_quality": "annotated_throughout: what a person could annotate for 80 % of its length",
    "not_for": "Diagnosis, screening or any decision about a patient. Research and education. The annotated "
    "hearts are of children and young people. An irregular heart has no one rate; its marks are less sure.",
}


def train(
    data: Path,
    out: Path,
    folds: int = FOLDS,
    epochs: int = EPOCHS,
    seed: int = SEED,
    *,
    weights: Path | None = None,
) -> None:
    """Train on the annotated recordings of CirCor, cross-validate, and replace segments.tflite and its card.

    Args:
        data: folder of the datasets.
        out: folder of the two files.
        folds: of the cross-validation.
        epochs: of each network.
        seed: of folds, weights and batches.
        weights: file for the float weights of the shipped network, which `heart_network` holds.

    Raises:
        TrainingError, AudioError: wrong arguments or data, or no permission; nothing was written.
    """
    if folds < 2 or epochs < 1:  # noqa: PLR2004 one to train on, one to evaluate
        raise TrainingError("--folds must be 2 or more, --epochs 1 or more")
    for folder in {out, weights.parent if weights else out}:
        model_files.check_writable(folder)
    recordings = annotated_recording.load(data)
    predictions = state_assessment.cross_validate(recordings, folds, epochs, seed)
    figures = {form: state_assessment.figures(of_form) for form, of_form in predictions.items()}
    shipped = state_assessment.SHIPPED_FORM
    figures[shipped] |= state_assessment.figures_by_rate(predictions[shipped])
    model = state_fit.fit(recordings, epochs, seed, "all recordings")
    content = state_fit.to_int8(model, recordings)
    schedule = {"epochs": epochs, "seed": seed, "parameters": model.count_params()}
    card = _card(content, len(recordings), schedule, {"cross_validation": {"folds": folds, **figures}})
    text = strict_json.write(card, indent=1) + "\n"
    stem = out / heart_segmenter.MODEL
    files = {weights: state_network.serialize_weights(model)} if weights else {}
    files |= {stem.with_suffix(".tflite"): content, stem.with_suffix(".json"): text.encode()}
    model_files.replace(files)


def _card(
    content: bytes, recordings: int, schedule: dict[str, int], figures: dict[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "segments",
        "model": heart_segmenter.MODEL,
        "version": VERSION,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(heart_cycle.LABELS),
        "features": {"kind": "log_mel", **asdict(HEART_LOG_MEL)},
        "window_s": state_network.WINDOW_S,
        "hop_s": state_network.HOP_S,
        "threshold": state_assessment.THRESHOLD,
        **FACTS,
        "training": {
            "recordings": recordings,
            "epochs": schedule["epochs"],
            "steps": state_fit.STEPS_PER_EPOCH,
            "batch": state_fit.BATCH_SIZE,
            "learning_rate": state_fit.LEARNING_RATE,
            "seed": schedule["seed"],
            "parameters": schedule["parameters"],
            "model_bytes": len(content),
        },
        "figures": figures,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = _parser().parse_args(arguments)
    try:
        train(options.data, options.out, options.folds, options.epochs, options.seed, weights=options.weights)
    except (StethoError, OSError) as error:
        print(f"segments: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho train segments",
        description="Train the network that finds S1, systole, S2 and diastole on CirCor, cross-validate it "
        "by subject, and write segments.tflite and its card segments.json.",
        epilog="example:\n  stetho train segments --data ../shared/datasets --out /tmp/models",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds circor")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1], help="default: %(default)s")
    parser.add_argument("--weights", type=Path, help="file for the float weights that heart2 holds (.npz)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
