"""Recipe of heart2: normal or abnormal heart sound."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import BACKGROUND, Recording
from models_tflite.training.recipes.recipe import Recipe


def gather(data: Path) -> Iterator[Recording]:
    """PhysioNet 2016 of good quality, CirCor with murmurs as abnormal, and background without hearts."""
    yield from datasets.physionet(data)
    yield from datasets.circor(data, present="abnormal", absent="normal")
    yield from datasets.non_heart_background(data)


RECIPE = Recipe(
    model="heart2",
    version="2.2.0",
    labels=("normal", "abnormal"),
    gather=gather,
    evaluated_on="physionet",
    held_out_sites=("physionet-a", "physionet-f"),
    background=True,
    sampling=partial(sampling.reweighted, sampling.class_balanced, {"abnormal": 2.0, BACKGROUND: 0.36}),
    augmentation=Augmentation(
        frequency_response_db=2.0, pitch_shift_bands=1, noise_probability=0.25, frequency_masks=(1, 4)
    ),
    network="heart",
    widths=(48, 64, 64, 96, 96, 96),
    strided_layers=(0, 2, 3),
    epochs=32,
    save_best_only=False,
    facts={
        "task": "Tells normal from abnormal heart sounds.",
        "data": [
            "PhysioNet/CinC Challenge 2016 (Liu et al. 2016), recordings of good quality, first 8 s",
            "CirCor DigiScope (Oliveira et al. 2022): murmur at the site = abnormal, none = normal",
            "ESC-50, UrbanSound8K, RAVDESS, FSDD and Speech Commands: a choice as background, no hearts",
            "its state network for S1, systole, S2 and diastole: the annotations of CirCor, as `segments`",
        ],
        "licence_of_data": "PhysioNet 2016 and CirCor: ODC-By 1.0; ESC-50 and UrbanSound8K: CC BY-NC 3.0; "
        "RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA 4.0; Speech Commands: CC BY 4.0",
        "split": "PhysioNet: blocks of ten neighbouring numbers within a database (it names no patients), "
        "and whole databases; CirCor: patient; background: source recording, actor or speaker; "
        "the same folds chose the recipe",
        "baseline": {
            "method": "a CNN on 128 mel bands at 4 kHz of the first 5 s, on its own dataset alone",
            "claimed": "accuracy 0.855, F1 0.644, AUC 0.900 on a random split",
            "accuracy": 0.895,
            "balanced_accuracy": 0.818,
            "auc": 0.953,
        },
        "not_for": "Diagnosis, screening or any decision about a patient. Research and education.",
    },
)
