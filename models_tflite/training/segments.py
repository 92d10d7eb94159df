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
from keras import layers
from tqdm import tqdm

from edge_worker import heart_cycle
from edge_worker.errors import StethoError
from edge_worker.features import HEART, Float32Array, normalise, windows
from edge_worker.network import Network
from models_tflite import beat_score
from models_tflite.beat_score import Case
from models_tflite.training import conversion, heart_states, pair
from models_tflite.training.augmentation import Disturbance, disturb
from models_tflite.training.corpus import TrainingError
from models_tflite.training.heart_states import HeartStates

VERSION: Final = "1.0.0"
WINDOW_S: Final = 4.0
HOP_S: Final = 2.0
LENGTH: Final = HEART.frames(WINDOW_S)
HOP: Final = round(HOP_S * HEART.sample_rate / HEART.hop_length)
THRESHOLD: Final = 0.35
WIDTH: Final = 48
DILATIONS: Final = (1, 2, 4, 8, 16)
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


def network() -> keras.Model:
    """Return an untrained network from windows (frames, bands) to logits (frames, 4).

    Dilated depthwise-separable convolutions over time (Bai et al. 2018, without their causality) on bands
    as channels: each frame sees 1.3 s to either side. Only operators that tflite-runtime 2.14 knows.
    """
    inputs = keras.Input((LENGTH, HEART.n_mels))
    x = layers.Reshape((LENGTH, 1, HEART.n_mels))(inputs)
    x = _activated(layers.Conv2D(WIDTH, (3, 1), padding="same", use_bias=False)(x))
    for dilation in DILATIONS:
        around = layers.DepthwiseConv2D((5, 1), dilation_rate=(dilation, 1), padding="same", use_bias=False)(
            x
        )
        mixed = layers.Conv2D(WIDTH, 1, use_bias=False)(_activated(around))
        x = layers.ReLU()(layers.Add()([x, layers.BatchNormalization(momentum=0.9)(mixed)]))
    x = layers.Conv2D(len(heart_cycle.LABELS), 1)(layers.Dropout(0.1)(x))
    return keras.Model(inputs, layers.Reshape((LENGTH, len(heart_cycle.LABELS)))(x))


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def fit(recordings: Sequence[HeartStates], epochs: int, seed: int, title: str) -> keras.Model:
    """Train a network; the average of its last weights is kept, so that no epoch has to be chosen."""
    keras.utils.set_random_seed(seed)
    model = network()
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
        runs = {"int8": Network(to_int8(model, learned)).run, "float": model.predict_on_batch}
        for form, run in runs.items():
            found[form] += [
                (each, heart_cycle.probabilities(each.frames, run, LENGTH, HOP)) for each in unheard
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


def _case(found: Beating, threshold: float) -> Case:
    recording, probabilities = found
    return Case(heart_cycle.beating(probabilities, threshold), recording.annotation, recording.subject)


def train(data: Path, out: Path, folds: int = FOLDS, epochs: int = EPOCHS, seed: int = SEED) -> None:
    """Train on the annotated recordings of CirCor, judge by `folds`, and replace the pair in `out`."""
    if folds < 2 or epochs < 1:  # noqa: PLR2004 one part to learn from, one to judge
        raise TrainingError("--folds must be 2 or more, --epochs 1 or more")
    pair.check_writable(out)
    recordings = heart_states.load(data)
    found = cross_validated(recordings, folds, epochs, seed)
    judged = {form: figures(of_form) for form, of_form in found.items()}
    model = fit(recordings, epochs, seed, "all recordings")
    content = to_int8(model, recordings)
    card = {
        "kind": "segments",
        "model": heart_cycle.MODEL,
        "version": VERSION,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(heart_cycle.LABELS),
        "features": {"kind": "log_mel", **asdict(HEART)},
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
    stem = out / heart_cycle.MODEL
    pair.replace({stem.with_suffix(".tflite"): content, stem.with_suffix(".json"): text.encode()})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = _parser().parse_args(arguments)
    try:
        train(options.data, options.out, options.folds, options.epochs, options.seed)
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
    parser.add_argument("--folds", type=int, default=FOLDS, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
