"""Models whose card has the object `adaptation`, for tests: copies of the shipped ones."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

MODELS: Final = Path(__file__).parents[2] / "models_tflite"
ADAPTATION: Final[dict[str, Any]] = {
    "normal_log_odds": -2.0,
    "between_sites": 1.5,
    "within_site": 1.0,
    "reference_db": [0.0] * 40,
    "minimum_hearts": 5,
    "reference_weight": 0.0,
}


def copy_models(directory: Path, **changed: object) -> Path:
    """Copy the heart models; the card of heart2 gets an `adaptation` with these fields changed."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("heart2", "heart5", "segments"):
        for suffix in ("json", "tflite"):
            shutil.copy(MODELS / f"{name}.{suffix}", directory)
    write_card(directory, adaptation=ADAPTATION | changed)
    return directory


def write_card(directory: Path, **changed: object) -> None:
    """Change fields of the card of heart2; a field that is None is removed."""
    path = directory / "heart2.json"
    card = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({name: value for name, value in card.items() if value is not None}))
