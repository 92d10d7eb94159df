"""The card of a trained model: what the worker needs, how it was trained, its figures and its cost."""

import hashlib
from pathlib import Path
from typing import Any

from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_card import ModelCard
from edge_worker.protocol import strict_json
from edge_worker.settings import DEFAULT_MODELS_DIR
from edge_worker.signal.features import features_document
from models_tflite.evaluation import cost
from models_tflite.training.assessment import check
from models_tflite.training.assessment.assessment import Assessment
from models_tflite.training.recipes.recipe import Recipe


def document(recipe: Recipe, assessment: Assessment, content: bytes, recordings: int) -> dict[str, Any]:
    """Return the card of a model: first the worker's parameters, then data, training and figures."""
    return {
        "model": recipe.model,
        "version": recipe.version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(recipe.labels),
        **_words(recipe),
        "features": features_document(recipe.features),
        "window_s": recipe.window_s,
        "hop_s": recipe.hop_s,
        "hears": recipe.domain,
        "pad": recipe.pad,
        "trim_db": recipe.trim_db,
        "background": recipe.background,
        "normalisation": "per window: 60 dB deep at most, mean 0, standard deviation 1",
        "temperature": round(assessment.temperature, 4),
        "threshold": round(assessment.threshold, 3),
        "threshold_rule": assessment.threshold_rule,
        "max_missing_fraction": recipe.max_missing_fraction,
        **recipe.facts,
        "training": {
            "recordings": recordings,
            "epochs": recipe.epochs,
            "steps": recipe.steps_per_epoch,
            "batch": recipe.batch_size,
            "learning_rate": recipe.learning_rate,
            **_variety(recipe),
            "teacher": recipe.teacher and _network(recipe.teacher),
            "seed": recipe.seed,
            "model_bytes": len(content),
        },
        "figures": assessment.figures,
    }


def _words(recipe: Recipe) -> dict[str, Any]:
    """Return what people read of the model and its labels: written by hand in the shipped card."""
    try:
        shipped = strict_json.read((DEFAULT_MODELS_DIR / f"{recipe.model}.json").read_bytes())
    except FileNotFoundError:  # a new model: its card is finished by hand
        return {}
    meanings = {label: shipped["meanings"][label] for label in recipe.labels if label in shipped["meanings"]}
    return {"name": shipped["name"], "meanings": meanings}


def _variety(recipe: Recipe) -> dict[str, Any]:
    """Return how recordings are mixed for training."""
    if recipe.lessons is not None:
        return {"clips_per_recording": recipe.lessons.clips_per_recording}
    return {"mixup": recipe.mixup_alpha, "overlaid": recipe.overlay_probability}


def _network(recipe: Recipe) -> dict[str, Any]:
    """Return the network that a recipe trains, and for how long."""
    return {"network": recipe.network, "widths": list(recipe.widths), "epochs": recipe.epochs}


def measured(card: dict[str, Any], content: bytes, recipe: Recipe, data: Path) -> dict[str, Any]:
    """Return a card with the measurements of the finished files: their cost on this machine, and `check`."""
    classifier = Classifier(ModelCard.parse(strict_json.write(card)), content)
    return {
        **card,
        "cost": cost.measure(classifier, content),
        "check": check.record(classifier, recipe, data),
    }
