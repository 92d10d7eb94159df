"""Folder of one training run: networks and predictions, from which the card and the shipped files are made.

DIR/MODEL.tflite and unfamiliar_device.json are what was trained on everything, DIR/cross_validation.npz its
out-of-fold predictions; DIR/sites/SITE/ holds the same of the model without that site.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.inference.unfamiliar_device import UnfamiliarDevice
from edge_worker.protocol import strict_json
from models_tflite.training.assessment import model_files
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.recipe import Recipe

PREDICTIONS: Final = "cross_validation.npz"
SITES: Final = "sites"
_UNFAMILIAR: Final = "unfamiliar_device.json"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained network with its predictions for recordings that it did not see."""

    content: bytes
    """The .tflite file."""
    unfamiliar: UnfamiliarDevice | None
    predictions: OutOfFoldPredictions

    def save(self, folder: Path, model: str) -> None:
        """Write the files of this model into a folder; raises TrainingError."""
        model_files.check_writable(folder)
        files = {folder / f"{model}.tflite": self.content}
        if self.unfamiliar is not None:
            files[folder / _UNFAMILIAR] = strict_json.write(self.unfamiliar.document()).encode()
        model_files.replace(files)
        self.predictions.save(folder / PREDICTIONS)

    @classmethod
    def load(cls, folder: Path, recipe: Recipe) -> "TrainedModel":
        """Read what `save` wrote; raises TrainingError when it is something else."""
        path = folder / _UNFAMILIAR
        try:
            content = (folder / f"{recipe.model}.tflite").read_bytes()
            document = json.loads(path.read_text()) if path.exists() else None
            unfamiliar = document and UnfamiliarDevice.parse(document, recipe.outputs)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{folder} holds no training run of {recipe.model} ({error})") from error
        return cls(content, unfamiliar, OutOfFoldPredictions.load(folder / PREDICTIONS))


def load_sites(folder: Path, recipe: Recipe) -> dict[str, TrainedModel]:
    """Return the models without each site of a run, by the name of the site; raises TrainingError."""
    found = sorted((folder / SITES).glob(f"*/{recipe.model}.tflite"))
    return {path.parent.name: TrainedModel.load(path.parent, recipe) for path in found}
