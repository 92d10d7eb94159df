"""Shipped models of hearts of which one says the contrary: they disagree about every heart, and are sure."""

import json
import shutil
from pathlib import Path

from edge_worker.settings import DEFAULT_MODELS_DIR


def write_contradicting_models(folder: Path) -> Path:
    """Write all pairs; the labels of `heart2` are turned round, and every label of a heart is accepted."""
    folder.mkdir()
    for path in [*DEFAULT_MODELS_DIR.glob("*.json"), *DEFAULT_MODELS_DIR.glob("*.tflite")]:
        shutil.copy(path, folder)
    _change(folder / "heart5.json", threshold=0.0)
    heart2 = json.loads((folder / "heart2.json").read_text())
    unfamiliar = heart2["unfamiliar_device"]
    unfamiliar |= {"threshold": 0.0, "thresholds": [0.0] * len(unfamiliar["thresholds"])}
    _change(folder / "heart2.json", labels=heart2["labels"][::-1], unfamiliar_device=unfamiliar)
    return folder


def _change(card: Path, **values: object) -> None:
    card.write_text(json.dumps(json.loads(card.read_text()) | values))
