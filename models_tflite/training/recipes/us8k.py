"""Recipe of us8k: ten urban sounds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import BACKGROUND, Recording
from models_tflite.training.recipes import esc50


def gather(data: Path) -> Iterator[Recording]:
    """UrbanSound8K, and ESC-50: more of four labels, the rest as background.

    A source that both have is in one fold; else odd folds of ESC-50 go with the first, even with the second.
    """
    urban = tuple(datasets.urbansound8k(data))
    fold_of = {recording.group: recording.fold for recording in urban}
    yield from urban
    for recording in datasets.esc50(data):
        fold = fold_of.setdefault(recording.group, "1" if int(recording.fold) % 2 else "2")
        yield replace(recording, label=esc50.SHARED.get(recording.label, BACKGROUND), fold=fold)


def gather_pretraining(data: Path) -> Iterator[Recording]:
    """ESC-50 without the labels of UrbanSound8K, so that pretraining uses no source that is evaluated."""
    return (recording for recording in datasets.esc50(data) if recording.label not in esc50.SHARED)


PRETRAINING = replace(
    esc50.ALONE,
    model="esc46",
    labels=tuple(label for label in esc50.LABELS if label not in esc50.SHARED),
    gather=gather_pretraining,
    epochs=60,
)

RECIPE = replace(
    PRETRAINING,
    model="us8k",
    version="1.3.0",
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
    evaluated_on="urbansound8k",
    background=True,
    sampling=sampling.class_and_source_balanced,
    pretraining=PRETRAINING,
    epochs=24,
    learning_rate=1e-3,
    facts={
        "task": "Tells ten urban sounds apart.",
        "data": [
            "UrbanSound8K (Salamon et al. 2014), folds 1 and 2 of 10",
            "ESC-50 (Piczak 2015), folds 1 to 4: car_horn, dog, engine and siren with what UrbanSound8K "
            "calls them, all else as background",
            "pretrained on ESC-50 without those four: both datasets took them from Freesound, thirteen times "
            "the same recording",
        ],
        "licence_of_data": "CC BY-NC 3.0 (both)",
        "split": "the two folds of its authors, clips of a source in one, with half of ESC-50 each: each "
        "evaluated by a model trained on the other alone; but pretraining used all of the background: its "
        "rejection rate is flattered, and the temperature depends on it",
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
