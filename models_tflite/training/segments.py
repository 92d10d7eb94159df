"""`segments`: which frame of a heart sound is S1, systole, S2 or diastole, learned from the marks of CirCor.

python -m models_tflite.training.segments --data ../shared/datasets --out /tmp/models
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.inference import heart_segmenter
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.signal import heart_cycle
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import normalise, windows
from models_tflite.evaluation import beat_score
from models_tflite.evaluation.beat_score import SegmentedRecording
from models_tflite.training.assessment import pair
from models_tflite.training.augmentation import heart_states
from models_tflite.training.augmentation.augmentation import Disturbance, disturb
from models_tflite.training.augmentation.heart_states import HeartStates
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.networks import conversion, state_network
from models_tflite.training.networks.state_network import HOP, HOP_S, LENGTH, WINDOW_S

VERSION: Final = "1.0.0"
THRESHOLD: Final = 0.35
EPOCHS: Final = 20
STEPS: Final = 50
BATCH: Final = 64
LEARNING_RATE: Final = 4e-3
FOLDS: Final = 4
SEED: Final = 1
HEARD: Final = Disturbance()

FACTS: Final[dict[str, Any]] = {
    "task": "Tells which frames of a heart sound are S1, systole, S2 and diastole: marks and heart rate.",
    "data": [
        "CirCor DigiScope (Oliveira et al. 2022): annotated stretches of the first 6 s of each recording"
    ],
    "licence_of_data": "ODC-By 1.0",
    "split": "by subject; every figure is of subjects that the judged network never heard",
    "baseline": "Autocorrelation of the loudness in low bands: a rate for 0.81 of the recordings, median "
    "error 1.1 bpm, 0.89 of the answers within 5 bpm; no marks",
    "good_quality": "annotated_throughout: what a person could annotate for 80 % of its length",
    "not_for": "Diagnosis, screening or any decision about a patient. Research and education. The annotated "
    "hearts are of children and young people. An irregular heart has no one rate; its marks are less sure.",
}


Beating = tuple[HeartStates, Float32Array]
"""A recording and its probabilities, (frames, 4)."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Windows of hearts of other rates through other stethoscopes; the same for the same seed."""

    def __init__(self, recordings: Sequence[HeartStates], seed: int) -> None:
        super().__init__(workers=1)
        self._recordings, self._seed, self._epoch = recordings, seed, 0
        annotated = np.sqrt([recording.shares.sum() for recording in recordings])
        self._chance = annotated / annotated.sum()

    def __len__(self) -> int:
        return STEPS

    def on_epoch_end(self) -> None:
        """Count epochs: each draws other windows."""
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[Float32Array, Float32Array, Float32Array]:
        random = np.random.default_rng((self._seed, self._epoch, index))
        drawn = random.choice(len(self._recordings), BATCH, p=self._chance)
        hearts = [heart_states.another_heart(self._recordings[i], LENGTH, random) for i in drawn]
        frames, shares = (np.stack(each) for each in zip(*hearts, strict=True))
        known = shares.sum(axis=-1)
        targets = shares / np.maximum(known, 1e-6)[..., np.newaxis]
        return disturb(frames, HEARD, random), targets, known / known.mean()


def fit(recordings: Sequence[HeartStates], epochs: int, seed: int, title: str) -> keras.Model:
    """Train a network; the average of its last weights is kept, so that no epoch has to be chosen."""
    keras.utils.set_random_seed(seed)
    model = state_network.build()
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * STEPS)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3, use_ema=True, ema_momentum=0.98),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    with tqdm(total=epochs, desc=title, unit="epoch", disable=None) as bar:
        advance = keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: bar.update())
        model.fit(Batches(recordings, seed), epochs=epochs, callbacks=[advance], verbose=0)
    return model


def to_int8(model: keras.Model, recordings: Sequence[HeartStates]) -> bytes:
    """Return the network in int8; ranges come from the recordings that it learned from."""
    seen = np.concatenate([normalise(windows(recording.frames, LENGTH, HOP)) for recording in recordings])
    return conversion.to_int8(model, conversion.representative(seen))


def cross_validated(
    recordings: Sequence[HeartStates], folds: int, epochs: int, seed: int
) -> dict[str, list[Beating]]:
    """Return each recording with its probabilities by a network that never heard its subject.

    In `int8`, as it is shipped, and in `float`, as it was before its conversion.
    """
    found: dict[str, list[Beating]] = {"int8": [], "float": []}
    fold = heart_states.folds(recordings, folds, seed)
    for k in range(folds):
        learned = [each for each, its in zip(recordings, fold, strict=True) if its != k]
        unheard = [each for each, its in zip(recordings, fold, strict=True) if its == k]
        model = fit(learned, epochs, seed + k, f"fold {k + 1} of {folds}")
        runs = {"int8": ModelInterpreter(to_int8(model, learned)).run, "float": model.predict_on_batch}
        for form, run in runs.items():
            found[form] += [
                (each, heart_segmenter.probabilities(each.frames, run, LENGTH, HOP)) for each in unheard
            ]
    return found


def figures(found: Sequence[Beating]) -> dict[str, Any]:
    """Return how right what was found is: of all recordings and of good ones, with and without threshold."""
    chosen = {
        "all": found,
        "annotated_throughout": [each for each in found if each[0].is_throughout],
    }
    return {
        f"{name}{suffix}": beat_score.report([_case(each, threshold) for each in of_kind])
        for name, of_kind in chosen.items()
        if of_kind
        for suffix, threshold in (("", THRESHOLD), ("_without_threshold", 0.0))
    }


def _case(found: Beating, threshold: float) -> SegmentedRecording:
    recording, probabilities = found
    return SegmentedRecording(
        heart_cycle.find_heart_cycle(probabilities, threshold), recording.annotation, recording.subject
    )


def train(
    data: Path,
    out: Path,
    folds: int = FOLDS,
    epochs: int = EPOCHS,
    seed: int = SEED,
    *,
    weights: Path | None = None,
) -> None:
    """Train on the annotated recordings of CirCor, judge by `folds`, and replace the pair in `out`.

    `weights` also gets the network as it was before int8: `heart_network` holds it.
    """
    if folds < 2 or epochs < 1:  # noqa: PLR2004 one part to learn from, one to judge
        raise TrainingError("--folds must be 2 or more, --epochs 1 or more")
    for folder in {out, weights.parent if weights else out}:
        pair.check_writable(folder)
    recordings = heart_states.load(data)
    found = cross_validated(recordings, folds, epochs, seed)
    judged = {form: figures(of_form) for form, of_form in found.items()}
    model = fit(recordings, epochs, seed, "all recordings")
    content = to_int8(model, recordings)
    card = {
        "kind": "segments",
        "model": heart_segmenter.MODEL,
        "version": VERSION,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(heart_cycle.LABELS),
        "features": {"kind": "log_mel", **asdict(HEART_LOG_MEL)},
        "window_s": WINDOW_S,
        "hop_s": HOP_S,
        "threshold": THRESHOLD,
        **FACTS,
        "training": {
            "recordings": len(recordings),
            "epochs": epochs,
            "steps": STEPS,
            "batch": BATCH,
            "learning_rate": LEARNING_RATE,
            "seed": seed,
            "parameters": model.count_params(),
            "model_bytes": len(content),
        },
        "figures": {"cross_validation": {"folds": folds, **judged}},
    }
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    stem = out / heart_segmenter.MODEL
    kept = {weights: state_network.weights(model)} if weights else {}
    pair.replace(kept | {stem.with_suffix(".tflite"): content, stem.with_suffix(".json"): text.encode()})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
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
        prog="python -m models_tflite.training.segments",
        description="Learn S1, systole, S2 and diastole from CirCor, judge it on subjects never heard, and "
        "write the pair segments.tflite + segments.json.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds circor")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1], help="default: %(default)s")
    parser.add_argument("--weights", type=Path, help="also keep the float weights there, for heart2 (.npz)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
