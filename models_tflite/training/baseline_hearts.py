"""`stetho train baseline-hearts`: the source systems' CNN on 128 mel bands at 4 kHz, to compare with.

It classifies the first 5 s of the recordings that the model is evaluated on, in the same folds, and prints
the figures as JSON. It is trained on that dataset alone, as it is: no augmentation, no balanced sampling, no
mixup.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from edge_worker.errors import StethoError
from edge_worker.protocol import strict_json
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from edge_worker.signal.windowing import windows
from models_tflite.evaluation import metrics
from models_tflite.training.corpus.corpus import Corpus, load_corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import recipe_of

FEATURES: Final = LogMelParameters(
    sample_rate=4000, n_fft=1024, hop_length=256, n_mels=128, fmin=0, fmax=2000
)
SECONDS: Final = 5.0
EPOCHS: Final = {"heart2": 12, "heart5": 30}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho train baseline-hearts",
        description="Cross-validate the source systems' CNN for heart sounds.",
    )
    parser.add_argument("model", choices=sorted(EPOCHS))
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument(
        "--folds", type=int, default=3, help="of the model's cross-validation (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    recipe = recipe_of(options.model)
    try:
        corpus, fold = load_evaluated(recipe, options.data, options.folds)
    except StethoError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 2
    print(strict_json.write(cross_validate(corpus, fold, EPOCHS[options.model]), indent=1))
    return 0


def load_evaluated(recipe: Recipe, data: Path, folds: int) -> tuple[Corpus, npt.NDArray[np.intp]]:
    """Return the recordings that a model is evaluated on, and their folds, (recordings,)."""
    recordings = tuple(recipe.gather(data))
    fold = Corpus(recordings, (), recipe.labels).folds(folds, recipe.seed)
    is_evaluated = np.array([recording.site.startswith(recipe.evaluated_on) for recording in recordings])
    chosen = [recordings[i] for i in np.flatnonzero(is_evaluated)]
    return load_corpus(chosen, recipe.labels, FEATURES), fold[is_evaluated]


def cross_validate(corpus: Corpus, fold: npt.NDArray[np.intp], epochs: int) -> dict[str, object]:
    """Return the figures of out-of-fold predictions, each by a network trained without the fold."""
    inputs = np.stack([windows(frames, FEATURES.frame_count(SECONDS), 1)[0] for frames in corpus.features])
    probabilities = np.zeros((len(corpus), len(corpus.labels)))
    for k in np.unique(fold):
        mean, deviation = inputs[fold != k].mean(), inputs[fold != k].std()
        model = _fit((inputs[fold != k] - mean) / deviation, corpus.targets[fold != k], corpus.labels, epochs)
        probabilities[fold == k] = model.predict((inputs[fold == k] - mean) / deviation, verbose=0)
    sites = {
        str(site): _figures(
            probabilities[corpus.sites == site], corpus.targets[corpus.sites == site], corpus.labels
        )
        for site in np.unique(corpus.sites)
    }
    method = "CNN on 128 mel bands at 4 kHz, first 5 s, its own dataset alone, no augmentation"
    return {"method": method, **_figures(probabilities, corpus.targets, corpus.labels), "by_site": sites}


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
    inputs: Float32Array, targets: npt.NDArray[np.intp], labels: tuple[str, ...], epochs: int
) -> keras.Model:
    keras.utils.set_random_seed(1)
    window = keras.Input(inputs.shape[1:])
    x = layers.Reshape((*inputs.shape[1:], 1))(window)
    for width in (16, 32, 64):
        x = layers.MaxPooling2D(2)(layers.Conv2D(width, 3, padding="same", activation="relu")(x))
    x = layers.Dropout(0.3)(layers.Dense(64, activation="relu")(layers.Flatten()(x)))
    model = keras.Model(window, layers.Dense(len(labels), activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(inputs, targets, epochs=epochs, batch_size=32, verbose=0)
    return model


if __name__ == "__main__":
    sys.exit(main())
