"""Recipe of digits: five spoken digits, or none of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_worker.signal.log_mel import LogMelParameters
from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus import datasets, hints
from models_tflite.training.corpus.corpus import BACKGROUND, Recording
from models_tflite.training.recipes.recipe import Recipe

# Ends at 4 kHz: what FSDD, at 8 kHz, leaves out must not set its digits apart from other words.
FEATURES: Final = LogMelParameters(
    sample_rate=16000, n_fft=512, hop_length=256, n_mels=64, fmin=50, fmax=4000
)
LABELS: Final = ("eight", "nine", "six", "two", "zero")


def gather(data: Path) -> Iterator[Recording]:
    """FSDD and Speech Commands, their other words and ESC-50 as background."""
    yield from datasets.fsdd(data, LABELS)
    yield from datasets.speech_commands(data, LABELS)
    for recording in datasets.esc50(data):
        yield replace(recording, label=BACKGROUND)


RECIPE = Recipe(
    model="digits",
    version="1.3.0",
    labels=LABELS,
    gather=gather,
    evaluated_on="",
    sampling=sampling.background_weighted,
    hints=hints.WORDS,
    hint_weight=3.0,
    features=FEATURES,
    window_s=1.0,
    hop_s=1.0,
    domain="sound",
    pad="silence",
    trim_db=30,
    background=True,
    rejection=0.95,
    augmentation=Augmentation(
        time_stretch=0.2,
        pitch_shift_bands=4,
        frequency_response_db=5,
        noise_probability=0.5,
        time_masks=(1, 6),
        frequency_masks=(1, 6),
    ),
    epochs=60,
    steps_per_epoch=100,
    mixup_alpha=0.1,
    overlay_probability=0.5,
    widths=(16, 40, 80, 128),
    separable=False,
    validation_folds=40,
    save_best_only=False,
    facts={
        "task": "Tells the spoken digits eight, nine, six, two, zero from each other and from other sounds.",
        "data": [
            "Free Spoken Digit Dataset (Jackson et al. 2018), five speakers",
            "Speech Commands (Warden 2018): digits, and other words as background",
            "ESC-50 (Piczak 2015): environmental sounds as background",
        ],
        "licence_of_data": "FSDD: CC BY-SA 4.0; Speech Commands: CC BY 4.0; ESC-50: CC BY-NC 3.0",
        "split": "speaker; ESC-50: source recording",
        "taught_by": "in training it also had to predict the embedding of each word by a larger network: the "
        "speech embedding of Google (Lin et al. 2020, Apache License 2.0), in 96 principal components of "
        "all words",
        "baseline": {
            "method": "a CNN of two layers on 64 mel bands of 1 s, digits only; under 0.8 rejected",
            "accuracy": 0.782,
            "balanced_accuracy": 0.740,
            "rejected": 0.307,
        },
        "not_for": "Entering numbers that matter, or knowing who speaks. Research and education.",
    },
)
