"""The source systems' methods for voices, to compare with, in their simplest form.

    python -m models_tflite.training.baseline_speech emotion --data ../shared/datasets

prints the accuracy on each fold of groups that the recipe of the same name is judged on. `emotion`: the mean
of 40 MFCC over a recording, standardised, and a random forest. `digits`: a CNN of two layers on 64 mel bands
of one second, which knows no other words; what it gives less than 0.8 is rejected.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from edge_worker.signal.mfcc import mfcc
from models_tflite.evaluation import metrics
from models_tflite.training.corpus import corpus
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.recipes.registry import recipe_of

LIBROSA_MEL: Final = LogMelParameters(
    sample_rate=16000, n_fft=2048, hop_length=512, n_mels=128, fmin=0, fmax=8000
)
"""What `librosa.feature.mfcc` starts from when nothing else is said."""
WORD_MEL: Final = LogMelParameters(
    sample_rate=16000, n_fft=1024, hop_length=512, n_mels=64, fmin=0, fmax=8000
)
FOLDS: Final = 5
REJECTED_UNDER: Final = 0.8
EPOCHS: Final = 15

Targets = npt.NDArray[np.intp]
Judge = Callable[[Corpus, npt.NDArray[np.bool_]], npt.NDArray[np.floating]]
"""Learns from the recordings that are not chosen and gives the probabilities of those that are."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models_tflite.training.baseline_speech")
    parser.add_argument("model", choices=("digits", "emotion"))
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    options = parser.parse_args(arguments)
    features, judge = {"digits": (WORD_MEL, words), "emotion": (LIBROSA_MEL, emotions)}[options.model]
    recipe = recipe_of(options.model)
    try:
        heard = corpus.load(recipe.gather(options.data), recipe.labels, features)
    except StethoError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 2
    fold = heard.folds(FOLDS, recipe.seed)
    probabilities = np.zeros((len(heard), len(recipe.labels)))
    for k in range(FOLDS):
        probabilities[fold == k] = judge(heard, fold == k)
        print(f"fold {k}: {_said(probabilities[fold == k], heard.subset(fold == k))}", flush=True)
    for site in np.unique(heard.sites[heard.targets <= len(heard.labels)]):
        print(f"{site}: {_said(probabilities[heard.sites == site], heard.subset(heard.sites == site))}")
    print(f"all: {_said(probabilities, heard)}")
    return 0


def emotions(heard: Corpus, away: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """Judge by the mean of 40 MFCC and a random forest that learns from what has a label alone."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 seconds, and not for digits
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    means = np.stack([mfcc(frames, 40).mean(axis=0) for frames in heard.frames])
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(300, random_state=1))
    known = ~away & (heard.targets < len(heard.labels))
    forest.fit(means[known], heard.targets[known])
    judged: npt.NDArray[np.floating] = forest.predict_proba(means[away])
    return judged


def words(heard: Corpus, away: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """Judge by a CNN of two layers that learns from the digits alone."""
    import keras  # noqa: PLC0415 seconds, and not for emotions
    from keras import layers  # noqa: PLC0415

    length, bands = WORD_MEL.frame_count(1.0), WORD_MEL.bands
    seen = np.stack([_one_second(frames, length) for frames in heard.frames])[..., np.newaxis]
    known = ~away & (heard.targets < len(heard.labels))
    mean, deviation = seen[known].mean(), seen[known].std()
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((length, bands, 1))])
    for width in (32, 64):
        model.add(layers.Conv2D(width, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dropout(0.3), layers.Dense(64, activation="relu")):
        model.add(layer)
    model.add(layers.Dense(len(heard.labels), activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit((seen[known] - mean) / deviation, heard.targets[known], epochs=EPOCHS, verbose=0)
    judged: npt.NDArray[np.floating] = model.predict((seen[away] - mean) / deviation, verbose=0)
    return judged


def _one_second(frames: Float32Array, length: int) -> Float32Array:
    """Return the first frames, or all of them and silence."""
    missing = max(0, length - len(frames))
    return np.pad(frames[:length], ((0, missing), (0, 0)), constant_values=-100)


def _said(probabilities: npt.NDArray[np.floating], heard: Corpus) -> str:
    labels, targets = len(heard.labels), heard.targets
    known = targets < labels
    said = []
    if known.any():
        counts = metrics.confusion(targets[known], probabilities[known].argmax(axis=1), labels)
        said.append(f"accuracy {float(metrics.accuracy(counts)):.3f}")
        said.append(f"balanced {float(metrics.balanced_accuracy(counts)):.3f}")
    others = targets == labels
    if others.any():
        rejected = probabilities[others].max(axis=1) < REJECTED_UNDER
        said.append(f"others rejected {rejected.mean():.3f}")
    return ", ".join(said)


if __name__ == "__main__":
    sys.exit(main())
