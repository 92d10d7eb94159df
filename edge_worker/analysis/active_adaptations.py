"""Adaptations of devices in a running worker: calibrations, reloaded when they change, and spectra."""

import logging

from edge_worker.database.adaptation.adaptation_tables import AdaptationTables, Calibrations
from edge_worker.errors import StoreError
from edge_worker.inference.device_adaptation import DeviceAdaptation, DeviceSpectrum
from edge_worker.inference.model_card import ModelCard
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


class ActiveAdaptations:
    """Adaptations in force. `of_device` is safe from any thread; one thread calls `refresh`."""

    def __init__(self, tables: AdaptationTables | None = None) -> None:
        """Read the calibrations from `tables`; without them nothing is known of any device."""
        self._tables = tables
        self._token = (0, "")
        self._warned: set[tuple[str, str, str]] = set()
        """Devices with a calibration of another version, with it and the version in use: said once."""
        self.calibrations: Calibrations = {}
        self.refresh()

    def refresh(self) -> bool:
        """Reload the calibrations if any changed; return whether one did. Costs one query."""
        if self._tables is None:
            return False
        token = self._tables.change_token()
        if token == self._token:
            return False
        self.calibrations = self._tables.all()
        self._token = token
        _LOG.info(line("calibrations_changed", devices=len(self.calibrations)))
        return True

    def of_device(self, device_id: str, card: ModelCard) -> DeviceAdaptation:
        """Return what a model knows of a device; a calibration of another version is logged once."""
        calibration = self.calibrations.get(device_id, {}).get(card.model)
        if calibration is not None and not calibration.is_current(card):
            key = (device_id, calibration.sha256, card.sha256)
            if key not in self._warned:
                self._warned.add(key)
                _LOG.warning(line("calibration_outdated", device=device_id, model=card.model))
        return DeviceAdaptation(calibration, self._spectrum(device_id, card))

    def _spectrum(self, device_id: str, card: ModelCard) -> DeviceSpectrum | None:
        """Return the running spectrum of a device, None also where the model does not use it."""
        rule = card.adaptation
        if self._tables is None or rule is None or not rule.reference_weight:
            return None
        try:
            return self._tables.spectrum(device_id)
        except StoreError as error:  # a result without it is better than none
            _LOG.warning(line("spectrum_unknown", device=device_id, reason=error))
            return None
