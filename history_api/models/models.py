"""Models over HTTP: the model cards, read on demand, so that a new model appears without a restart."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from edge_worker.errors import ModelError
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from history_api.openapi.operation import Paths, get, json_answer
from history_api.openapi.schemas import map_of, ref, strict_object
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_TYPE: Final = "int8 TFLite network"
_FEATURE_TYPES: Final = {"log_mel": "log-mel spectrogram", "nrdt": "NRDT"}
blueprint = Blueprint("models", __name__)
PATHS: Final[Paths] = {
    "/models/info": get(
        "the models, from their cards",
        "models_info",
        {"200": json_answer(strict_object({"models": map_of(ref("Model"))}))},
        role="owner",
    ),
}


@blueprint.get("/models/info")
def info() -> Response:
    """Answer the description and the whole card of each model."""
    descriptions = {model: _description(card) for model, card in cards(services().settings).items()}
    return jsonify({"models": descriptions})


def cards(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the cards of the model versions in use, by model; a damaged one is logged and left out.

    Cached until a file or the version in use changes, so do not modify the result.
    """
    registry = ModelRegistry.from_settings(settings)
    by_model = {}
    for path in sorted(settings.models_dir.glob("*.json")):
        try:
            version = registry.active(path.stem)
            stamp = path.stat().st_mtime_ns
        except (ModelError, OSError) as error:
            _LOG.warning(line("card_unreadable", file=path.name, reason=error))
            continue
        card = _read_card(path, settings.data_dir / "models", version, stamp)
        if card is not None:
            by_model[str(card.get("model", path.stem))] = card
    return by_model


@lru_cache(maxsize=64)
def _read_card(path: Path, local: Path, version: str | None, _stamp: int) -> dict[str, Any] | None:
    """Return a card, None where it is damaged or has no labels; `_stamp` only renews the cache."""
    try:
        card = ModelRegistry(path.parent, local).card(path.stem, version)
    except ModelError as error:
        _LOG.warning(line("card_unreadable", file=path.name, reason=error))
        return None
    return card if isinstance(card.get("labels"), list) else None


def _description(card: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that `/models/info` promises, null where the card has none."""
    features = card.get("features") or {}
    return {
        "type": card.get("type", _TYPE),
        "classes": card["labels"],
        "n_features": features.get("n_mels"),
        "trained_on": card.get("data"),
        "feature_type": _FEATURE_TYPES.get(features.get("kind", "log_mel")) if features else None,
        "scaler": card.get("normalisation"),
        "card": card,
    }
