"""Recipe of heart2: normal or abnormal heart sound."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import BACKGROUND, Recording
from models_tflite.training.recipes.recipe import Recipe

PASCAL: Final = {"normal": "normal", "murmur": "abnormal", "extrahls": "abnormal"}
"""Labels of PASCAL, and the label that each is here."""
SITES: Final = (
    *(f"physionet-{database}" for database in ("a", "b", "c+d", "e", "f")),
    *("circor", "bmd-hs", "pascal-set_a", "pascal-set_b"),
)
"""All sites; each is left out once, and what that model says there is the figure of the recipe."""


def gather(data: Path) -> Iterator[Recording]:
    """Hearts of nine sites, with murmurs and extra sounds as abnormal, and background without hearts.

    PASCAL's artifacts are no hearts, and whether an extrasystole is abnormal depends on who has it.
    """
    yield from datasets.physionet(data)
    yield from datasets.circor(data, present="abnormal", absent="normal")
    yield from datasets.bmd_hs(data)
    for recording in datasets.pascal(data):
        if recording.label in PASCAL:
            yield replace(recording, label=PASCAL[recording.label])
    yield from datasets.non_heart_background(data)


RECIPE = Recipe(
    model="heart2",
    version="3.0.0",
    labels=("normal", "abnormal"),
    gather=gather,
    evaluated_on="",
    held_out_sites=SITES,
    contrasts=True,
    background=True,
    sampling=partial(sampling.reweighted, sampling.site_balanced_by_root, {BACKGROUND: 0.36}),
    augmentation=Augmentation(
        frequency_response_db=2.0, pitch_shift_bands=1, noise_probability=0.25, frequency_masks=(1, 4)
    ),
    network="heart",
    widths=(48, 64, 64, 96, 96, 96),
    strided_layers=(0, 2, 3),
    epochs=14,
    save_best_only=False,
    facts={
        "task": "Tells normal from abnormal heart sounds.",
        "data": [
            "PhysioNet/CinC Challenge 2016 (Liu et al. 2016), recordings of good quality, first 8 s",
            "CirCor DigiScope (Oliveira et al. 2022): murmur at the site = abnormal, none = normal",
            "BMD-HS (Ali et al. 2024): normal or abnormal by echocardiography, first 12 s",
            "PASCAL Classifying Heart Sounds (Bentley et al. 2011): murmur and extra heart sound = abnormal",
            "ESC-50, UrbanSound8K, RAVDESS, FSDD and Speech Commands: a choice as background, no hearts",
            "its state network for S1, systole, S2 and diastole: the annotations of CirCor, as `segments`",
        ],
        "licence_of_data": "PhysioNet 2016 and CirCor: ODC-By 1.0; BMD-HS and PASCAL: none stated; "
        "ESC-50 and UrbanSound8K: CC BY-NC 3.0; RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA 4.0; "
        "Speech Commands: CC BY 4.0",
        "split": "by site, each of nine left out once; within a site PhysioNet: blocks of ten neighbouring "
        "numbers (it names no patients), CirCor and BMD-HS: patient, PASCAL: group; background: source "
        "recording, actor or speaker. The network of the states was trained on annotations of CirCor",
        "baseline": {
            "method": "a CNN on 128 mel bands at 4 kHz of the first 5 s, on PhysioNet alone, as a mean over "
            "its sites of 40 recordings or more, which it knew",
            "claimed": "accuracy 0.855, F1 0.644, AUC 0.900 on a random split",
            "balanced_accuracy_by_site": 0.633,
            "auc_by_site": 0.693,
        },
        "not_for": "Diagnosis, screening or any decision about a patient. Research and education.",
    },
)
