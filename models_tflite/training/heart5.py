"""heart5: artifact, extra heart sound, extrasystole, murmur or normal?"""

from collections.abc import Iterator
from pathlib import Path

from models_tflite.training import datasets, draw, heart2
from models_tflite.training.corpus import Recording
from models_tflite.training.recipe import Recipe


def gather(data: Path) -> Iterator[Recording]:
    """PASCAL, and CirCor for more murmurs and more normal hearts of another device."""
    yield from datasets.pascal(data)
    yield from datasets.circor(data, present="murmur", absent="normal")


RECIPE = Recipe(
    model="heart5",
    version="1.0.0",
    labels=("artifact", "extrahls", "extrastole", "murmur", "normal"),
    gather=gather,
    judged_on="pascal",
    draw=draw.by_site,
    start=heart2.RECIPE,
    epochs=20,
    learning_rate=1e-3,
    facts={
        "task": "Tells artifact, extra heart sound, extrasystole, murmur and normal heart sounds apart.",
        "data": [
            "PASCAL Classifying Heart Sounds (Bentley et al. 2011)",
            "CirCor DigiScope (Oliveira et al. 2022): murmur heard at the site, or none",
            "its layers start from heart2: PhysioNet/CinC Challenge 2016 (Liu et al. 2016)",
        ],
        "licence_of_data": "PASCAL: none stated; CirCor and PhysioNet 2016: ODC-By 1.0",
        "split": "PASCAL: group (recording day and likeness); CirCor: patient",
        "baseline": "mel CNN without augmentation on the same split: macro recall 0.35",
        "not_for": "Diagnosis, screening or any decision about a patient. Research and education.",
    },
)
