"""Profile of a device: the models that classify its sound, and the gate that extracts events from it.

Set over HTTP, stored in the database, reloaded by the worker every second: changes need no restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from edge_worker.protocol.meaning import LANGUAGES
from edge_worker.settings import Settings
from edge_worker.signal.gate import GateSettings


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """Models and gate of one device."""

    models: tuple[str, ...]
    """Names, the one whose label is shown first; models that META requests replace them."""
    gate: GateSettings | None = None
    """None: no events are extracted."""


@dataclass(frozen=True, slots=True)
class DeviceProfiles:
    """Profiles of all devices at one moment; replaced as a whole when one changes."""

    default: DeviceProfile
    """Of devices without settings of their own."""
    gate: GateSettings
    """Gate of the settings; a device may have a threshold of its own."""
    own: Mapping[str, DeviceProfile] = field(default_factory=dict)
    language: str = LANGUAGES[0]
    """Of what displays of the devices say."""

    @classmethod
    def from_settings(cls, settings: Settings, documents: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the profiles of the settings, with the `documents` of the database by device id."""
        gate = GateSettings(
            settings.gate_threshold,
            settings.gate_attack,
            settings.gate_hold,
            settings.gate_release,
            settings.gate_pre_roll,
            settings.gate_max,
        )
        own = {device: _profile(settings, gate, document) for device, document in documents.items()}
        return cls(DeviceProfile(tuple(settings.models)), gate, own, settings.language)

    def of_device(self, device_id: str) -> DeviceProfile:
        """Return the profile of a device."""
        return self.own.get(device_id, self.default)

    def models(self, device_id: str, meta: Mapping[str, Any] | None) -> tuple[str, ...]:
        """Return the models of a recording: those that its META requests, else those of the device."""
        requested = (meta or {}).get("models") or self.of_device(device_id).models
        return tuple(dict.fromkeys(requested))


def _profile(settings: Settings, gate: GateSettings, document: Mapping[str, Any]) -> DeviceProfile:
    models = tuple(document.get("models") or settings.models)
    gate_document = document.get("gate") or {}
    if not gate_document.get("on"):
        return DeviceProfile(models)
    return DeviceProfile(models, replace(gate, threshold=gate_document.get("threshold") or gate.threshold))
