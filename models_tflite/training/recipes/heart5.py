"""Recipe of heart5: artifact, extra heart sound, extrasystole, murmur or normal."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import BACKGROUND, Recording
from models_tflite.training.recipes import heart2
from models_tflite.training.recipes.recipe import Recipe


def gather(data: Path) -> Iterator[Recording]:
    """PASCAL, CirCor for more murmurs and normal hearts of another device, and background without hearts."""
    yield from datasets.pascal(data)
    yield from datasets.circor(data, present="murmur", absent="normal")
    yield from datasets.non_heart_background(data)


def gather_for_pretraining(data: Path) -> Iterator[Recording]:
    """PhysioNet 2016, CirCor and background: `heart2` without PASCAL, on which this model is evaluated."""
    yield from datasets.physionet(data)
    yield from datasets.circor(data, present="abnormal", absent="normal")
    yield from datasets.non_heart_background(data)


RECIPE = Recipe(
    model="heart5",
    version="2.0.0",
    labels=("artifact", "extrahls", "extrastole", "murmur", "normal"),
    gather=gather,
    evaluated_on="pascal",
    background=True,
    sampling=partial(sampling.reweighted, sampling.site_balanced, {BACKGROUND: 0.086}),
    pretraining=replace(
        heart2.RECIPE,
        gather=gather_for_pretraining,
        contrasts=False,
        sampling=partial(sampling.reweighted, sampling.class_balanced, {"abnormal": 1.5, BACKGROUND: 0.36}),
        augmentation=Augmentation(),
        network="convolutional",
        widths=(24, 32, 48, 64, 96),
        strided_layers=(0, 1),
        epochs=10,
        save_best_only=True,
    ),
    epochs=12,
    steps_per_epoch=50,
    learning_rate=1e-3,
    facts={
        "task": "Tells artifact, extra heart sound, extrasystole, murmur and normal heart sounds apart.",
        "data": [
            "PASCAL Classifying Heart Sounds (Bentley et al. 2011)",
            "CirCor DigiScope (Oliveira et al. 2022): murmur heard at the site, or none",
            "pretrained on the data of normal and abnormal hearts, with PhysioNet/CinC Challenge 2016 "
            "(Liu et al. 2016)",
            "ESC-50, UrbanSound8K, RAVDESS, FSDD and Speech Commands: a choice as background, no hearts",
        ],
        "licence_of_data": "PASCAL: none stated; CirCor and PhysioNet 2016: ODC-By 1.0; ESC-50 and "
        "UrbanSound8K: CC BY-NC 3.0; RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA 4.0; "
        "Speech Commands: CC BY 4.0",
        "split": "PASCAL: group (recording day and likeness); CirCor: patient; background: source recording, "
        "actor or speaker, but pretraining used all of it: its rejection rate is flattered, and the "
        "temperature depends on it",
        "baseline": {
            "method": "a CNN on 128 mel bands at 4 kHz of the first 5 s, on its own dataset alone",
            "accuracy": 0.688,
            "balanced_accuracy": 0.511,
        },
        "not_for": "Diagnosis, screening or any decision about a patient. Research and education.",
    },
)
