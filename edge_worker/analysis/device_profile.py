"""What a site wants of a device: which models judge its sound, and whether a gate cuts it into events.

Set over HTTP, kept in the database, read by the worker every second: changes need no restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from edge_worker.settings import Settings
from edge_worker.signal.gate import GateSettings


@dataclass(frozen=True, slots=True)
class Profile:
    """What is in force for one device."""

    models: tuple[str, ...]
    """Names, the headline first; what META asks for goes before them."""
    gate: GateSettings | None = None
    """None: no gate."""


@dataclass(frozen=True, slots=True)
class DeviceProfiles:
    """The profiles of all devices at one moment; replaced as a whole when something changes."""

    default: Profile
    gate: GateSettings
    """What a gate is like unless a device has a threshold of its own."""
    own: Mapping[str, Profile] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, documents: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the profiles that the settings and the database's `documents`, by device, make."""
        gate = GateSettings(
            settings.gate_threshold,
            settings.gate_attack,
            settings.gate_hold,
            settings.gate_release,
            settings.gate_pre_roll,
            settings.gate_max,
        )
        own = {device: _profile(settings, gate, document) for device, document in documents.items()}
        return cls(Profile(tuple(settings.models)), gate, own)

    def of_device(self, device_id: str) -> Profile:
        """Return what is in force for a device."""
        return self.own.get(device_id, self.default)

    def models(self, device_id: str, meta: Mapping[str, Any] | None) -> tuple[str, ...]:
        """Return the models for a recording: those that its META asks for, else the device's."""
        asked = (meta or {}).get("models") or self.of_device(device_id).models
        return tuple(dict.fromkeys(asked))


def _profile(settings: Settings, gate: GateSettings, document: Mapping[str, Any]) -> Profile:
    models = tuple(document.get("models") or settings.models)
    wanted = document.get("gate") or {}
    if not wanted.get("on"):
        return Profile(models)
    own = GateSettings(
        wanted.get("threshold") or gate.threshold,
        gate.attack,
        gate.hold,
        gate.release,
        gate.pre_roll,
        gate.max,
    )
    return Profile(models, own)
