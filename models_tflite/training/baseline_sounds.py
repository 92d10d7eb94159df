"""`stetho train baseline-sounds`: the source system's NRDT and small SELU network, to compare with.

Prints the accuracy on each fold of the dataset's authors. A clip is one window of NRDT (44.1 kHz, 1000
samples), each delay brought to mean 0 and deviation 1; three convolutions with SELU (Klambauer et al. 2017),
and the best epoch by accuracy on a tenth of the training groups.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
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
from models_tflite.training.corpus.corpus import Corpus, load_corpus
from models_tflite.training.recipes.registry import recipe_of

FEATURES = NrdtParameters(sample_rate=44100, window=1000, relative=False)
SECONDS = {"esc50": 5.0, "us8k": 4.0}
EPOCHS = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho train baseline-sounds",
        description="Cross-validate the source system's NRDT and SELU network for environmental sounds.",
    )
    parser.add_argument("model", choices=sorted(SECONDS))
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the dataset")
    options = parser.parse_args(arguments)
    recipe = recipe_of(options.model)
    try:
        corpus = load_corpus(recipe.evaluation_recordings(options.data), recipe.labels, FEATURES)
    except StethoError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 2
    for fold, accuracy, balanced in cross_validate(corpus, SECONDS[options.model], EPOCHS):
        print(f"fold {fold}: accuracy {accuracy:.3f}, balanced {balanced:.3f}")
    return 0


def cross_validate(corpus: Corpus, seconds: float, epochs: int) -> list[tuple[str, float, float]]:
    """Return (fold, accuracy, balanced accuracy) of each fold, by a network trained without it."""
    folds = np.array([recording.fold for recording in corpus.recordings])
    clips = np.stack([windows(frames, FEATURES.frame_count(seconds), 1)[0] for frames in corpus.features])
    figures = []
    for fold in np.unique(folds):
        is_held_out = folds == fold
        training = corpus.subset(~is_held_out)
        is_validation = training.folds(10, seed=1) == 0
        mean, deviation = clips[~is_held_out].mean(axis=(0, 1)), clips[~is_held_out].std(axis=(0, 1))
        inputs = (clips - mean) / deviation
        model = _fit(inputs[~is_held_out], training.targets, is_validation, len(corpus.labels), epochs)
        predicted = model.predict(inputs[is_held_out], verbose=0).argmax(axis=1)
        counts = metrics.confusion(corpus.targets[is_held_out], predicted, len(corpus.labels))
        figures.append((str(fold), float(metrics.accuracy(counts)), float(metrics.balanced_accuracy(counts))))
    return figures


def _fit(
    inputs: Float32Array,
    targets: npt.NDArray[np.intp],
    is_validation: npt.NDArray[np.bool_],
    labels: int,
    epochs: int,
) -> keras.Model:
    """Return a network trained on all but the validation part, of the epoch that is best there."""
    keras.utils.set_random_seed(1)
    model = _build(inputs.shape[1:], labels)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        model.fit(
            inputs[~is_validation],
            targets[~is_validation],
            epochs=epochs,
            validation_data=(inputs[is_validation], targets[is_validation]),
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
