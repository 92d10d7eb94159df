"""The source system's method for environmental sounds, to compare with: NRDT and a small SELU network.

    python -m models_tflite.training.baseline_sounds esc50 --data ../shared/datasets

prints the accuracy on each fold of the dataset's authors. A clip is one window of NRDT (44.1 kHz, 1000
samples), each delay brought to mean 0 and deviation 1; three convolutions with SELU (Klambauer et al. 2017),
and the best epoch by accuracy on a tenth of the groups that it may learn from.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.nrdt import NrdtParameters
from edge_worker.signal.windowing import windows
from models_tflite.evaluation import metrics
from models_tflite.training.corpus import corpus
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.recipes.registry import recipe_of

FEATURES = NrdtParameters(sample_rate=44100, window=1000, relative=False)
SECONDS = {"esc50": 5.0, "us8k": 4.0}
EPOCHS = 30


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models_tflite.training.baseline_sounds")
    parser.add_argument("model", choices=sorted(SECONDS))
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the dataset")
    options = parser.parse_args(arguments)
    recipe = recipe_of(options.model)
    try:
        heard = corpus.load(recipe.judged(options.data), recipe.labels, FEATURES)
    except StethoError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 2
    for fold, accuracy, balanced in judge(heard, SECONDS[options.model], EPOCHS):
        print(f"fold {fold}: accuracy {accuracy:.3f}, balanced {balanced:.3f}")
    return 0


def judge(heard: Corpus, seconds: float, epochs: int) -> list[tuple[str, float, float]]:
    """Return (fold, accuracy, balanced accuracy) of each fold, by a network that never heard it."""
    folds = np.array([recording.fold for recording in heard.recordings])
    clips = np.stack([windows(frames, FEATURES.frame_count(seconds), 1)[0] for frames in heard.frames])
    figures = []
    for fold in np.unique(folds):
        away = folds == fold
        known = heard.subset(~away)
        choosing = known.folds(10, seed=1) == 0
        mean, deviation = clips[~away].mean(axis=(0, 1)), clips[~away].std(axis=(0, 1))
        shown = (clips - mean) / deviation
        model = _fit(shown[~away], known.targets, choosing, len(heard.labels), epochs)
        predicted = model.predict(shown[away], verbose=0).argmax(axis=1)
        counts = metrics.confusion(heard.targets[away], predicted, len(heard.labels))
        figures.append((str(fold), float(metrics.accuracy(counts)), float(metrics.balanced_accuracy(counts))))
    return figures


def _fit(
    shown: Float32Array,
    targets: npt.NDArray[np.intp],
    choosing: npt.NDArray[np.bool_],
    labels: int,
    epochs: int,
) -> keras.Model:
    """Train on what is not `choosing`, and keep the epoch that is best on what is."""
    keras.utils.set_random_seed(1)
    model = _build(shown.shape[1:], labels)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        model.fit(
            shown[~choosing],
            targets[~choosing],
            epochs=epochs,
            validation_data=(shown[choosing], targets[choosing]),
            callbacks=[
                keras.callbacks.ModelCheckpoint(
                    best, "val_accuracy", save_best_only=True, save_weights_only=True
                )
            ],
            verbose=0,
        )
        model.load_weights(best)
    return model


def _build(shape: tuple[int, ...], labels: int) -> keras.Model:
    inputs = keras.Input(shape)
    x = layers.Reshape((*shape, 1))(inputs)
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 3, padding="same", activation="selu", kernel_initializer="lecun_normal")(x)
        x = layers.MaxPooling2D((4, 2), padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.AlphaDropout(0.3)(x)
    x = layers.Dense(64, activation="selu", kernel_initializer="lecun_normal")(x)
    return keras.Model(inputs, layers.Dense(labels, activation="softmax")(x))


if __name__ == "__main__":
    sys.exit(main())
