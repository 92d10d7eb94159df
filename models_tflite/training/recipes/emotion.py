"""Recipe of emotion: how an acted voice sounds."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import BACKGROUND, PARTIAL_LABEL, Recording
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.teachers.voice_encoder import FEATURES, WINDOW_S

LABELS: Final = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def gather(data: Path) -> Iterator[Recording]:
    """RAVDESS and EMO-DB speech, sounds without a voice as background, and other voices with partial labels.

    Without those, all that was not recorded in a studio would be background.
    """
    yield from datasets.ravdess(data)
    yield from datasets.emodb(data, LABELS)
    yield from datasets.non_voice_background(data)
    yield from datasets.partially_labelled_speech(data)


RECIPE = Recipe(
    model="emotion",
    version="2.0.0",
    labels=LABELS,
    gather=gather,
    evaluated_on="ravdess",
    features=FEATURES,
    window_s=WINDOW_S,
    hop_s=1.0,
    domain="sound",
    pad="silence",
    trim_db=40,
    augmentation=Augmentation(
        time_stretch=0.1,
        pitch_shift_bands=2,
        frequency_response_db=2.5,
        noise_probability=0.3,
        time_masks=(0, 0),
        frequency_masks=(0, 0),
    ),
    background=True,
    sampling=partial(sampling.reweighted, sampling.uniform, {BACKGROUND: 0.4, PARTIAL_LABEL: 0.4}),
    network="voice",
    epochs=4,
    steps_per_epoch=10,
    mixup_alpha=0.0,
    held_out_sites=("emodb",),
    facts={
        "task": "Tells how an acted voice sounds: neutral, calm, happy, sad, angry, afraid, disgusted ...",
        "data": [
            "RAVDESS speech (Livingstone and Russo 2018): two sentences, 20 of 24 actors",
            "EMO-DB (Burkhardt et al. 2005): ten German speakers in another studio; bored is left out",
            "ESC-50, UrbanSound8K, PhysioNet 2016 and CirCor: a choice without voices, as background",
            "FSDD and Speech Commands: words of other voices with partial labels: any emotion, but no "
            "background",
        ],
        "licence_of_data": "RAVDESS: CC BY-NC-SA 4.0; EMO-DB: free for research, cite Burkhardt et al. 2005; "
        "ESC-50 and UrbanSound8K: CC BY-NC 3.0; PhysioNet 2016 and CirCor: ODC-By 1.0; FSDD: CC BY-SA 4.0; "
        "Speech Commands: CC BY 4.0",
        "split": "actor, folds balanced by voice; background: source recording or patient; the same folds "
        "chose the recipe",
        "taught_by": "all but the last layer is compressed from the first two layers of Whisper base "
        "(Radford et al. 2023; MIT licence, Copyright (c) 2022 OpenAI), without labels, on words of FSDD and "
        "Speech Commands; the last layer is trained",
        "baseline": {
            "method": "mean of 40 MFCC, scaled, and a Random Forest",
            "accuracy": 0.332,
            "balanced_accuracy": 0.312,
        },
        "not_for": "Telling how a person feels, or any decision about a person: the voices are acted and the "
        "sentences are two. Research and education.",
    },
)
