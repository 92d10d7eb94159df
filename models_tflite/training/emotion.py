"""emotion: how does a voice sound?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from models_tflite.training import datasets, draw
from models_tflite.training.augmentation import Disturbance
from models_tflite.training.corpus import Recording
from models_tflite.training.esc50 import FEATURES
from models_tflite.training.recipe import Recipe

LABELS: Final = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def gather(data: Path) -> Iterator[Recording]:
    """RAVDESS speech."""
    return datasets.ravdess(data)


RECIPE = Recipe(
    model="emotion",
    version="1.1.0",
    labels=LABELS,
    gather=gather,
    judged_on="ravdess",
    features=FEATURES,
    window_s=2.0,
    hop_s=0.25,
    hears="sound",
    pad="silence",
    trim_db=40,
    disturbance=Disturbance(
        stretch=0.15, shift_bands=5, response_db=2.5, noisy=0.1, time_masks=(2, 8), band_masks=(2, 6)
    ),
    draw=draw.evenly,
    epochs=40,
    steps=60,
    mixup=0.4,
    overlaid=0.5,
    label_smoothing=0.1,
    widths=(16, 48, 96, 128, 128),
    halving=(0, 1, 2),
    separable=False,
    dropout=0.4,
    validation_folds=16,
    keep_best=False,
    facts={
        "task": "Tells how an acted voice sounds: neutral, calm, happy, sad, angry, afraid, disgusted ...",
        "data": ["RAVDESS speech (Livingstone and Russo 2018): two sentences, 20 of 24 actors"],
        "licence_of_data": "CC BY-NC-SA 4.0",
        "split": "actor, folds balanced by voice; the same folds chose the recipe",
        "baseline": {
            "method": "mean of 40 MFCC, scaled, and a Random Forest",
            "accuracy": 0.330,
            "balanced_accuracy": 0.311,
        },
        "not_for": "Telling how a person feels, or any decision about a person: the voices are acted and the "
        "sentences are two. It knows no background and answers to any sound, hearts too. Research and "
        "education.",
    },
)
