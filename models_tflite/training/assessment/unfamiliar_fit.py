"""Fit of the linear model of state contrasts and of the familiarity of devices, for `UnfamiliarDevice`.

Their logits are those of the worker: `Classifier` computes them, from a card at temperature 1.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.classifier import Classifier
from edge_worker.inference.familiarity import DeviceDistance
from edge_worker.inference.model_card import ModelCard
from edge_worker.inference.softmax import softmax
from edge_worker.inference.state_contrasts import state_contrasts
from edge_worker.inference.unfamiliar_device import UnfamiliarDevice
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import normalise, windows
from models_tflite.training.assessment import contrast_regression, familiarity_fit, out_of_fold
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, TrainingError
from models_tflite.training.networks import state_network
from models_tflite.training.recipes.recipe import Recipe

BACKGROUND_SHARE: Final = 0.36
"""Weight of background, relative to that of a label: loud murmurs are not far from noise."""
LEAST_PROBABILITY: Final = 1e-12
"""Added before the logarithm."""
MIN_DEVIATION: Final = 1e-3
"""Added to the standard deviation of each contrast, so that none is divided by 0."""
MAX_STRANGENESS: Final = 3.0
"""98 % of the recordings of training have less, and so have those of unseen sites, but for most of database f
of PhysioNet: left out, the linear model is sure and wrong there."""


def fit(corpus: Corpus, recipe: Recipe) -> UnfamiliarDevice | None:
    """Return the fit to a corpus, None when the recipe asks for none.

    Each recording counts with the mean of the contrasts of its windows; labels count alike, and within a
    label sites by the square root of their size. Thresholds are still to be fitted.

    Raises:
        TrainingError: the recipe trains a network without states of the heart cycle.
    """
    if not recipe.contrasts:
        return None
    if recipe.network != "heart":
        raise TrainingError(f"{recipe.model} needs the network heart for its contrasts")
    contrasts = mean_contrasts(corpus, recipe)
    share = sampling.reweighted(sampling.class_balanced, {BACKGROUND: BACKGROUND_SHARE}, corpus)
    mean = np.average(contrasts, axis=0, weights=share)
    deviation = np.sqrt(np.average(np.square(contrasts - mean), axis=0, weights=share)) + MIN_DEVIATION
    weights = contrast_regression.fit((contrasts - mean) / deviation, corpus.targets, recipe.outputs, share)
    familiarity = familiarity_fit.fit(corpus, recipe.seed)
    return UnfamiliarDevice(
        familiarity,
        mean,
        deviation,
        weights,
        MAX_STRANGENESS,
        thresholds=(0.0,) * len(familiarity.sites),
        threshold=0.0,
    )


def predict(
    content: bytes, unfamiliar: UnfamiliarDevice, corpus: Corpus, recipe: Recipe, fold: int
) -> OutOfFoldPredictions:
    """Return predictions for a corpus with logits at temperature 1, as the worker has them."""
    classifier = Classifier(_card(recipe, unfamiliar), content)
    devices = [unfamiliar.familiarity.of(frames) for frames in corpus.features]
    windows_of = [classifier.split(frames) for frames in corpus.features]
    scored = [classifier.score(*each) for each in zip(windows_of, devices, strict=True)]
    linear = [
        classifier.probabilities(each, DeviceDistance(0.0, device.nearest))
        for each, device in zip(windows_of, devices, strict=True)
    ]
    owner = np.repeat(np.arange(len(scored)), [len(each) for each in windows_of])
    facts = (
        np.array([device.familiarity for device in devices]),
        np.array([unfamiliar.familiarity.sites[device.nearest] for device in devices]),
        np.array([each.threshold == 1 for each in scored]),  # the others are still 0
    )
    logits = _log([each.probabilities for each in scored])
    return out_of_fold.from_corpus(
        corpus, logits, None, owner, fold, device_facts=facts, linear_logits=_log(linear)
    )


def _log(probabilities: list[npt.NDArray[np.float64]]) -> Float32Array:
    return np.log(np.concatenate(probabilities) + LEAST_PROBABILITY).astype(np.float32)


def mean_contrasts(corpus: Corpus, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return the mean state contrasts of the windows of each recording, (recordings, numbers)."""
    cut = [windows(frames, recipe.window_frames, recipe.hop_frames, recipe.pad) for frames in corpus.features]
    network = state_network.load_trained(recipe.window_frames)
    logits = network.predict(normalise(np.concatenate(cut)), batch_size=256, verbose=0)
    ends = np.cumsum([len(each) for each in cut])
    by_recording = zip(cut, np.split(softmax(logits), ends[:-1]), strict=True)
    return np.stack([state_contrasts(each, states).mean(axis=0) for each, states in by_recording]).astype(
        np.float64
    )


def _card(recipe: Recipe, unfamiliar: UnfamiliarDevice) -> ModelCard:
    """Return a card of the recipe that neither scales logits nor rejects anything."""
    return ModelCard(
        model=recipe.model,
        version=recipe.version,
        sha256="",
        labels=recipe.labels,
        features=recipe.features,
        window_s=recipe.window_s,
        hop_s=recipe.hop_s,
        temperature=1.0,
        threshold=0.0,
        max_missing_fraction=recipe.max_missing_fraction,
        domain=recipe.domain,
        pad=recipe.pad,
        trim_db=recipe.trim_db,
        background=recipe.background,
        unfamiliar_device=unfamiliar,
        adaptation=None,
        document={},
    )
