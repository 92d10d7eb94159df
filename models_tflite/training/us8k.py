"""us8k: which of ten urban sounds is it?"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from models_tflite.training import datasets, draw, esc50
from models_tflite.training.corpus import Recording

SHARED: Final = ("car_horn", "dog", "engine", "siren")
"""Kinds that both datasets took from Freesound: thirteen sources are in both where both can be seen."""


def gather(data: Path) -> Iterator[Recording]:
    """UrbanSound8K."""
    return datasets.urbansound8k(data)


def gather_others(data: Path) -> Iterator[Recording]:
    """ESC-50 without the kinds that UrbanSound8K has too, so that no source of its was heard before."""
    return (recording for recording in datasets.esc50(data) if recording.label not in SHARED)


START = replace(
    esc50.ALONE,
    model="esc46",
    labels=tuple(label for label in esc50.LABELS if label not in SHARED),
    gather=gather_others,
    epochs=60,
)

RECIPE = replace(
    START,
    model="us8k",
    labels=(
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
    ),
    gather=gather,
    judged_on="urbansound8k",
    draw=draw.by_source,
    start=START,
    epochs=24,
    learning_rate=1e-3,
    facts={
        "task": "Tells ten urban sounds apart.",
        "data": [
            "UrbanSound8K (Salamon et al. 2014), folds 1 and 2 of 10",
            "its layers start from ESC-50 (Piczak 2015), folds 1 to 4, without car_horn, dog, engine and "
            "siren: both datasets took those from Freesound, thirteen times the same recording",
        ],
        "licence_of_data": "CC BY-NC 3.0 (both)",
        "split": "the two folds of its authors, clips of a source in one: each judged by "
        "a model that learned from the other alone",
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
