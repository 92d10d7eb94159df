"""heart2: is this heart sound normal or abnormal?"""

from collections.abc import Iterator
from pathlib import Path

from models_tflite.training import datasets
from models_tflite.training.corpus import Recording
from models_tflite.training.recipe import Recipe


def gather(data: Path) -> Iterator[Recording]:
    """PhysioNet 2016 of good quality, and CirCor where a murmur means abnormal."""
    yield from datasets.physionet(data)
    yield from datasets.circor(data, present="abnormal", absent="normal")


RECIPE = Recipe(
    model="heart2",
    version="1.0.0",
    labels=("normal", "abnormal"),
    gather=gather,
    judged_on="physionet",
    held_out_sites=("physionet-a", "physionet-f"),
    facts={
        "task": "Tells normal from abnormal heart sounds.",
        "data": [
            "PhysioNet/CinC Challenge 2016 (Liu et al. 2016), recordings of good quality, first 8 s",
            "CirCor DigiScope (Oliveira et al. 2022): murmur at the site = abnormal, none = normal",
        ],
        "licence_of_data": "ODC-By 1.0 (both)",
        "split": "PhysioNet: blocks of ten neighbouring numbers within a database (it names no patients), "
        "and whole databases; CirCor: patient",
        "baseline": "CNN on 128 mel bands at 4 kHz on the same data, as its authors state: accuracy 0.855, "
        "AUC 0.900 on a random split",
        "not_for": "Diagnosis, screening or any decision about a patient. Research and education.",
    },
)
