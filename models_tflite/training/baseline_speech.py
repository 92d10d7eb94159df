"""`stetho train baseline-speech`: the source systems' methods for words and emotions, to compare with.

Prints the accuracy on each fold of groups that the recipe of the same name is evaluated on. `emotion`: the
mean of 40 MFCC over a recording, standardised, and a random forest. `digits`: a CNN of two layers on 64 mel
bands of one second, trained on no other words; a confidence under 0.8 is rejected.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters, mfcc
from models_tflite.evaluation import metrics
from models_tflite.training.corpus.corpus import Corpus, load_corpus
from models_tflite.training.recipes.registry import recipe_of

LIBROSA_MEL: Final = LogMelParameters(
    sample_rate=16000, n_fft=2048, hop_length=512, n_mels=128, fmin=0, fmax=8000
)
"""The defaults of `librosa.feature.mfcc`."""
WORD_MEL: Final = LogMelParameters(
    sample_rate=16000, n_fft=1024, hop_length=512, n_mels=64, fmin=0, fmax=8000
)
FOLDS: Final = 5
REJECTED_UNDER: Final = 0.8
EPOCHS: Final = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho train baseline-speech",
        description="Cross-validate the source systems' methods for words and emotions.",
    )
    parser.add_argument("model", choices=("digits", "emotion"))
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    options = parser.parse_args(arguments)
    features, predict = {"digits": (WORD_MEL, predict_words), "emotion": (LIBROSA_MEL, predict_emotions)}[
        options.model
    ]
    recipe = recipe_of(options.model)
    try:
        corpus = load_corpus(recipe.gather(options.data), recipe.labels, features)
    except StethoError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 2
    fold = corpus.folds(FOLDS, recipe.seed)
    probabilities = np.zeros((len(corpus), len(recipe.labels)))
    for k in range(FOLDS):
        probabilities[fold == k] = predict(corpus, fold == k)
        print(f"fold {k}: {_summary(probabilities[fold == k], corpus.subset(fold == k))}", flush=True)
    for site in np.unique(corpus.sites[corpus.targets <= len(corpus.labels)]):
        print(f"{site}: {_summary(probabilities[corpus.sites == site], corpus.subset(corpus.sites == site))}")
    print(f"all: {_summary(probabilities, corpus)}")
    return 0


def predict_emotions(corpus: Corpus, is_held_out: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """Return predictions by the mean of 40 MFCC and a random forest, trained on labelled recordings alone."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 seconds, and not for digits
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    means = np.stack([mfcc(frames, 40).mean(axis=0) for frames in corpus.features])
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(300, random_state=1))
    is_training = ~is_held_out & (corpus.targets < len(corpus.labels))
    forest.fit(means[is_training], corpus.targets[is_training])
    probabilities: npt.NDArray[np.floating] = forest.predict_proba(means[is_held_out])
    return probabilities


def predict_words(corpus: Corpus, is_held_out: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """Return predictions by a CNN of two layers, trained on the digits alone."""
    import keras  # noqa: PLC0415 seconds, and not for emotions
    from keras import layers  # noqa: PLC0415

    length, bands = WORD_MEL.frame_count(1.0), WORD_MEL.bands
    inputs = np.stack([_one_second(frames, length) for frames in corpus.features])[..., np.newaxis]
    is_training = ~is_held_out & (corpus.targets < len(corpus.labels))
    mean, deviation = inputs[is_training].mean(), inputs[is_training].std()
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((length, bands, 1))])
    for width in (32, 64):
        model.add(layers.Conv2D(width, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dropout(0.3), layers.Dense(64, activation="relu")):
        model.add(layer)
    model.add(layers.Dense(len(corpus.labels), activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit((inputs[is_training] - mean) / deviation, corpus.targets[is_training], epochs=EPOCHS, verbose=0)
    probabilities: npt.NDArray[np.floating] = model.predict(
        (inputs[is_held_out] - mean) / deviation, verbose=0
    )
    return probabilities


def _one_second(frames: Float32Array, length: int) -> Float32Array:
    """Return the first `length` frames, or all of them padded with silence."""
    missing = max(0, length - len(frames))
    return np.pad(frames[:length], ((0, missing), (0, 0)), constant_values=-100)


def _summary(probabilities: npt.NDArray[np.floating], corpus: Corpus) -> str:
    """Return accuracy, balanced accuracy and the share of rejected background as text."""
    labels, targets = len(corpus.labels), corpus.targets
    is_labelled = targets < labels
    parts = []
    if is_labelled.any():
        counts = metrics.confusion(targets[is_labelled], probabilities[is_labelled].argmax(axis=1), labels)
        parts.append(f"accuracy {float(metrics.accuracy(counts)):.3f}")
        parts.append(f"balanced {float(metrics.balanced_accuracy(counts)):.3f}")
    is_background = targets == labels
    if is_background.any():
        rejected = probabilities[is_background].max(axis=1) < REJECTED_UNDER
        parts.append(f"others rejected {rejected.mean():.3f}")
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
