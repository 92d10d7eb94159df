"""The models as their cards describe them. Cards are read on demand: a new model shows without a restart."""

import json
import logging
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_TYPE: Final = "int8 TFLite network"
_FEATURE_TYPE: Final = "log-mel spectrogram"
blueprint = Blueprint("models", __name__)


@blueprint.get("/models/info")
def info() -> Response:
    """Answer what each model is, and its whole card."""
    found = cards(services().settings.models_dir)
    return jsonify({"models": {model: _described(card) for model, card in found.items()}})


def cards(directory: Path) -> dict[str, dict[str, Any]]:
    """Return the readable cards in `directory` by model; one that is damaged is logged and left out."""
    found = {}
    for path in sorted(directory.glob("*.json")):
        try:
            card = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            _LOG.warning("event=card_unreadable file=%s reason=%r", path.name, str(error))
            continue
        if isinstance(card, dict) and isinstance(card.get("labels"), list):
            found[str(card.get("model", path.stem))] = card
    return found


def _described(card: dict[str, Any]) -> dict[str, Any]:
    """Return D6's words for what a card says; null where it says nothing."""
    features = card.get("features") or {}
    return {
        "type": card.get("type", _TYPE),
        "classes": card["labels"],
        "n_features": features.get("n_mels"),
        "trained_on": card.get("data"),
        "feature_type": card.get("feature_type", _FEATURE_TYPE if "n_mels" in features else None),
        "scaler": card.get("normalisation"),
        "card": card,
    }
