"""Recipe of us8k: ten urban sounds."""

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
from models_tflite.training.recipes import esc50
from models_tflite.training.recipes.recipe import Lessons, Recipe

LABELS: Final = (
    "air_conditioner",
    "car_horn",
    "children_playing",
    "dog_bark",
    "drilling",
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
)
SHARED: Final = {urban: kind for kind, urban in esc50.SHARED.items()}
KINDS: Final = tuple(SHARED.get(label, label) for label in LABELS)
"""The labels, by ESC-50's names where both have a kind."""
LESSONS: Final = Lessons(
    weights=Path("../shared/weights/mn04_as.pt"),
    sha256="899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
    heads=(esc50.LABELS, KINDS),
    head=1,
    site_weights=(("esc50", 1.0), ("urbansound8k", 0.55), ("background", 0.7)),
)
"""Fifty kinds of ESC-50 are learned beside the ten; many clips of UrbanSound8K are cut from one source."""


def gather(data: Path) -> Iterator[Recording]:
    """ESC-50 and UrbanSound8K, speech and hearts; what is none of the labels is background.

    A source that both have is in the fold that ESC-50's authors put it into. Each group of speech or hearts
    goes into the next fold in turn.
    """
    label_of = dict(zip(KINDS, LABELS, strict=True))
    house = tuple(datasets.esc50(data))
    for recording in house:
        label = label_of.get(recording.label, BACKGROUND)
        yield replace(recording, label=label, kind=recording.label)
    fold_of = {recording.group: recording.fold for recording in house}
    for recording in datasets.urbansound8k(data):
        kind = SHARED.get(recording.label, recording.label)
        yield replace(recording, kind=kind, fold=fold_of.get(recording.group, recording.fold))
    folds = cycle(sorted(set(fold_of.values())))
    for recording in chain(datasets.speech_background(data), datasets.heart_background(data)):
        if recording.group not in fold_of:
            fold_of[recording.group] = next(folds)
        yield replace(recording, fold=fold_of[recording.group])


RECIPE = Recipe(
    model="us8k",
    version="2.0.0",
    labels=LABELS,
    gather=gather,
    evaluated_on="urbansound8k",
    features=LogMelParameters(sample_rate=16000, n_fft=640, hop_length=320, n_mels=64, fmin=50, fmax=8000),
    window_s=4.0,
    hop_s=0.5,
    domain="sound",
    trim_db=60,
    background=True,
    lessons=LESSONS,
    augmentation=Augmentation(
        pitch_shift_bands=0,
        frequency_response_db=3,
        noise_probability=0.2,
        time_masks=(2, 20),
        frequency_masks=(2, 8),
    ),
    epochs=36,
    steps_per_epoch=100,
    widths=(16, 48, 96, 192, 320, 320),
    strided_layers=(0, 1, 2, 3),
    separable=False,
    dropout=0.1,
    # Of recordings of one's own, which are learned without a teacher:
    sampling=sampling.class_and_source_balanced,
    mixup_alpha=0.3,
    overlay_probability=0.5,
    label_smoothing=0.1,
    validation_folds=20,
    save_best_only=False,
    facts={
        "task": "Tells ten urban sounds apart.",
        "data": [
            "UrbanSound8K (Salamon et al. 2014), folds 1 and 2 of 10",
            "ESC-50 (Piczak 2015), folds 1 to 4 of 5: car horn, dog, engine and siren with what UrbanSound8K "
            "calls them, all else as background",
            "RAVDESS, FSDD and Speech Commands, PhysioNet 2016 and CirCor: a choice of speech and hearts as "
            "background",
        ],
        "licence_of_data": "UrbanSound8K and ESC-50: CC BY-NC 3.0; RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA "
        "4.0; Speech Commands: CC BY 4.0; PhysioNet 2016 and CirCor: ODC-By 1.0",
        "taught_by": "EfficientAT mn04 (Schmid et al. 2023; weights trained on AudioSet, MIT licence): the "
        "network also had to predict this teacher's embedding of each clip, and half of each target is a "
        "linear classification of such embeddings; none of the teacher's weights are in it",
        "split": "four folds, of which UrbanSound8K's authors made the first two, and ESC-50's authors all; "
        "a source of both in one. The first two were evaluated, which hold all but 47 clips of UrbanSound8K; "
        "fold 1 chose the correction of the biases",
        "baseline": {
            "method": "NRDT (44.1 kHz, 1000 samples) and a SELU network (training/baseline_sounds.py)",
            "claimed": "0.97 on a random split",
            "accuracy": 0.392,
            "balanced_accuracy": 0.369,
        },
        "nrdt_or_log_mel": "The network of version 1.0.0 on NRDT (44.1 kHz, 1000 samples, flag 0) reached "
        "accuracy 0.570 on fold 1, on log-mel 0.619: log-mel is shipped.",
        "not_for": "Alarms that people's safety depends on. Research and education.",
    },
)
