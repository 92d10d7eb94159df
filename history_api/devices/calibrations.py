"""Calibrations of devices, as documents: `stetho calibrate` makes and removes them."""

from dataclasses import asdict
from typing import Any

from edge_worker.inference.model_registry import ModelRegistry
from history_api.services import services


def documents() -> dict[str, list[dict[str, Any]]]:
    """Return the documents `Calibration` by device id, models by name."""
    registry = ModelRegistry.from_settings(services().settings)
    found: dict[str, list[dict[str, Any]]] = {}
    for device_id, by_model in services().adaptations.all().items():
        for model, calibration in by_model.items():
            document = asdict(calibration)
            del document["reference"]
            document["in_use"] = registry.adaptable_sha256(model) == calibration.sha256
            found.setdefault(device_id, []).append(document)
    return found
