"""What labels mean by the shipped model cards, for predictions that tests make."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.protocol.meaning import UNKNOWN
from edge_worker.protocol.prediction import Prediction
from edge_worker.settings import DEFAULT_MODELS_DIR

SHIPPED: Final = ModelRegistry(DEFAULT_MODELS_DIR, Path("none"))
CARDS: Final = {model: SHIPPED.card(model, None) for model in SHIPPED.classifiers()}
MEANINGS: Final = {model: SHIPPED.meanings(model, None) for model in CARDS}


def explained(prediction: Prediction) -> Prediction:
    """Return a prediction with what the shipped card of its model says of it, as the worker makes it."""
    meaning = MEANINGS.get(prediction.model, {}).get(prediction.label, UNKNOWN)
    return replace(prediction, meaning=meaning, hears=CARDS.get(prediction.model, {}).get("hears", "heart"))
