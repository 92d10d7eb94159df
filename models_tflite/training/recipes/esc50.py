"""Recipe of esc50: fifty environmental sounds."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, cycle
from pathlib import Path
from typing import Final

from edge_worker.signal.log_mel import LogMelParameters
from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import BACKGROUND, Recording
from models_tflite.training.recipes.recipe import Recipe

FEATURES: Final = LogMelParameters(
    sample_rate=16000, n_fft=1024, hop_length=400, n_mels=64, fmin=50, fmax=8000
)
LABELS: Final = (
    "airplane",
    "breathing",
    "brushing_teeth",
    "can_opening",
    "car_horn",
    "cat",
    "chainsaw",
    "chirping_birds",
    "church_bells",
    "clapping",
    "clock_alarm",
    "clock_tick",
    "coughing",
    "cow",
    "crackling_fire",
    "crickets",
    "crow",
    "crying_baby",
    "dog",
    "door_wood_creaks",
    "door_wood_knock",
    "drinking_sipping",
    "engine",
    "fireworks",
    "footsteps",
    "frog",
    "glass_breaking",
    "hand_saw",
    "helicopter",
    "hen",
    "insects",
    "keyboard_typing",
    "laughing",
    "mouse_click",
    "pig",
    "pouring_water",
    "rain",
    "rooster",
    "sea_waves",
    "sheep",
    "siren",
    "sneezing",
    "snoring",
    "thunderstorm",
    "toilet_flush",
    "train",
    "vacuum_cleaner",
    "washing_machine",
    "water_drops",
    "wind",
)

SHARED: Final = {"car_horn": "car_horn", "dog": "dog_bark", "engine": "engine_idling", "siren": "siren"}
"""Labels of ESC-50 that UrbanSound8K has, too, and their names there. Both took them from Freesound: thirteen
sources are in both where both can be seen."""


def gather(data: Path) -> Iterator[Recording]:
    """ESC-50; UrbanSound8K, for more of four labels and as background; speech and hearts as background.

    A recording outside ESC-50 goes into the fold that has its source, else each group into the next fold in
    turn.
    """
    own = tuple(datasets.esc50(data))
    yield from own
    fold_of = {recording.group: recording.fold for recording in own}
    folds = cycle(sorted(set(fold_of.values())))
    for recording in chain(_urban(data), datasets.speech_background(data), datasets.heart_background(data)):
        if recording.group not in fold_of:
            fold_of[recording.group] = next(folds)
        yield replace(recording, fold=fold_of[recording.group])


def _urban(data: Path) -> Iterator[Recording]:
    label_of = {urban: label for label, urban in SHARED.items()}
    for recording in datasets.urbansound8k(data):
        yield replace(recording, label=label_of.get(recording.label, BACKGROUND))


ALONE: Final = Recipe(
    model="esc50",
    version="1.2.0",
    labels=LABELS,
    gather=datasets.esc50,
    evaluated_on="esc50",
    features=FEATURES,
    window_s=2.5,
    hop_s=0.5,
    domain="sound",
    trim_db=60,
    augmentation=Augmentation(
        pitch_shift_bands=3,
        frequency_response_db=3,
        noise_probability=0.2,
        time_masks=(2, 16),
        frequency_masks=(2, 8),
    ),
    epochs=80,
    steps_per_epoch=100,
    mixup_alpha=0.3,
    overlay_probability=0.5,
    label_smoothing=0.1,
    widths=(16, 48, 96, 160, 256),
    strided_layers=(0, 1, 2),
    dropout=0.2,
    separable=False,
    validation_folds=20,
    save_best_only=False,
    facts={},
)
"""ESC-50 alone, without a teacher."""

_STUDENT: Final = replace(
    ALONE,
    version="1.3.0",
    gather=gather,
    background=True,
    sampling=sampling.background_weighted,
    facts={
        "task": "Tells fifty environmental sounds apart.",
        "data": [
            "ESC-50 (Piczak 2015), folds 1 to 4 of 5",
            "UrbanSound8K (Salamon et al. 2014), folds 1 and 2 of 10: car horns, dogs, engines and sirens as "
            "what ESC-50 calls them, its other six kinds as background",
            "RAVDESS, FSDD and Speech Commands, PhysioNet 2016 and CirCor: a choice of speech and hearts as "
            "background",
        ],
        "licence_of_data": "ESC-50 and UrbanSound8K: CC BY-NC 3.0 (ESC-10, a part of ESC-50: CC BY); "
        "RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA 4.0; Speech Commands: CC BY 4.0; PhysioNet 2016 and "
        "CirCor: ODC-By 1.0",
        "split": "the folds of ESC-50's authors, clips of a source recording in one, but for two sources; "
        "background: source recording, actor, speaker or patient. Two of the four folds were evaluated, "
        "with the baseline all four; fold 1 also chose most of the recipe",
        "baseline": {
            "method": "NRDT (44.1 kHz, 1000 samples) and a SELU network (training/baseline_sounds.py)",
            "claimed": "0.94 on a random split",
            "accuracy": 0.385,
            "balanced_accuracy": 0.385,
        },
        "nrdt_or_log_mel": "The network of version 1.0.0 on NRDT (44.1 kHz, 1000 samples, flag 0) reached "
        "accuracy 0.560 on fold 1 after 1,000 steps, on log-mel 0.770 after 2,200 (a near recipe: 0.718 "
        "after 1,000): log-mel is shipped.",
        "not_for": "Alarms that people's safety depends on. Research and education.",
    },
)
RECIPE = replace(
    _STUDENT,
    teacher=replace(
        _STUDENT,
        network="residual",
        widths=(32, 64, 128, 192, 256),
        dropout=0.3,
        overlay_probability=0.0,
        epochs=60,
    ),
)
