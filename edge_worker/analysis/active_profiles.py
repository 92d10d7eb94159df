"""The device profiles in force, and how a change reaches a worker that runs."""

import logging

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


class ActiveProfiles:
    """`current` may be read on any thread; one thread refreshes."""

    def __init__(self, settings: Settings, ledger: DeviceSettingsTable | None = None) -> None:
        """Read `ledger`; without one all devices have what the settings say."""
        self._settings = settings
        self._ledger = ledger
        self._revision = 0
        self.current = DeviceProfiles.of(settings, {})
        self.refresh()

    def refresh(self) -> bool:
        """Read what changed since the last time; return whether anything did. Costs one query of an index."""
        if self._ledger is None:
            return False
        revision = self._ledger.revision()
        if revision == self._revision:
            return False
        documents = self._ledger.documents()
        self.current = DeviceProfiles.of(self._settings, documents)
        self._revision = revision
        _LOG.info(line("devices_changed", revision=revision, devices=len(documents)))
        return True
