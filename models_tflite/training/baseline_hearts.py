"""The source systems' method for heart sounds, to compare with: a CNN on 128 mel bands at 4 kHz.

    python -m models_tflite.training.baseline_hearts heart2 --data ../shared/datasets

judges the first 5 s of the recordings that the model is judged on, in its very folds, and prints the figures
as JSON. It learns from that dataset alone, as it is: nothing is disturbed, drawn evenly or blended.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from edge_worker.signal.windowing import windows
from models_tflite.evaluation import metrics
from models_tflite.training.corpus import corpus
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import recipe_of

FEATURES: Final = LogMelParameters(
    sample_rate=4000, n_fft=1024, hop_length=256, n_mels=128, fmin=0, fmax=2000
)
SECONDS: Final = 5.0
EPOCHS: Final = {"heart2": 12, "heart5": 30}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models_tflite.training.baseline_hearts")
    parser.add_argument("model", choices=sorted(EPOCHS))
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--folds", type=int, default=3, help="as the model was judged (default: %(default)s)")
    options = parser.parse_args(arguments)
    recipe = recipe_of(options.model)
    try:
        heard, fold = judged_on(recipe, options.data, options.folds)
    except StethoError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 2
    print(json.dumps(judge(heard, fold, EPOCHS[options.model]), indent=1))
    return 0


def judged_on(recipe: Recipe, data: Path, folds: int) -> tuple[Corpus, npt.NDArray[np.intp]]:
    """Return the recordings that a model is judged on, and the folds that it was judged in."""
    recordings = tuple(recipe.gather(data))
    fold = Corpus(recordings, (), recipe.labels).folds(folds, recipe.seed)
    judged = np.array([recording.site.startswith(recipe.judged_on) for recording in recordings])
    chosen = [recordings[i] for i in np.flatnonzero(judged)]
    return corpus.load(chosen, recipe.labels, FEATURES), fold[judged]


def judge(heard: Corpus, fold: npt.NDArray[np.intp], epochs: int) -> dict[str, object]:
    """Return the figures of every recording, judged by a network that never heard its fold."""
    shown = np.stack([windows(frames, FEATURES.frame_count(SECONDS), 1)[0] for frames in heard.frames])
    probabilities = np.zeros((len(heard), len(heard.labels)))
    for k in np.unique(fold):
        mean, deviation = shown[fold != k].mean(), shown[fold != k].std()
        model = _fit((shown[fold != k] - mean) / deviation, heard.targets[fold != k], heard.labels, epochs)
        probabilities[fold == k] = model.predict((shown[fold == k] - mean) / deviation, verbose=0)
    sites = {
        str(site): _figures(
            probabilities[heard.sites == site], heard.targets[heard.sites == site], heard.labels
        )
        for site in np.unique(heard.sites)
    }
    method = "CNN on 128 mel bands at 4 kHz, first 5 s, its own dataset alone, no augmentation"
    return {"method": method, **_figures(probabilities, heard.targets, heard.labels), "by_site": sites}


def _figures(
    probabilities: npt.NDArray[np.float64], targets: npt.NDArray[np.intp], labels: tuple[str, ...]
) -> dict[str, object]:
    counts = metrics.confusion(targets, probabilities.argmax(axis=1), len(labels))
    figures: dict[str, object] = {
        "accuracy": metrics.number(metrics.accuracy(counts)),
        "balanced_accuracy": metrics.number(metrics.balanced_accuracy(counts)),
        "per_class": metrics.per_class(counts, labels),
    }
    if len(labels) == 2:  # noqa: PLR2004 normal or not
        figures["auc"] = metrics.number(metrics.auc(targets == 1, probabilities[:, 1]))
    return figures


def _fit(
    shown: Float32Array, targets: npt.NDArray[np.intp], labels: tuple[str, ...], epochs: int
) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input(shown.shape[1:])
    x = layers.Reshape((*shown.shape[1:], 1))(inputs)
    for width in (16, 32, 64):
        x = layers.MaxPooling2D(2)(layers.Conv2D(width, 3, padding="same", activation="relu")(x))
    x = layers.Dropout(0.3)(layers.Dense(64, activation="relu")(layers.Flatten()(x)))
    model = keras.Model(inputs, layers.Dense(len(labels), activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(shown, targets, epochs=epochs, batch_size=32, verbose=0)
    return model


if __name__ == "__main__":
    sys.exit(main())
