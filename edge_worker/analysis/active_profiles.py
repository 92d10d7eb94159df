"""Active device profiles of a running worker, reloaded from the database when they change."""

import logging

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


class ActiveProfiles:
    """Device profiles in force. `current` may be read on any thread; one thread calls `refresh`."""

    def __init__(self, settings: Settings, table: DeviceSettingsTable | None = None) -> None:
        """Read the profiles from `table`; without one, all devices have the profile of the settings."""
        self._settings = settings
        self._table = table
        self._revision = 0
        self.current = DeviceProfiles.from_settings(settings, {})
        self.refresh()

    def refresh(self) -> bool:
        """Reload the profiles if any changed; return whether one did. Costs one query of an index."""
        if self._table is None:
            return False
        revision = self._table.revision()
        if revision == self._revision:
            return False
        documents = self._table.documents()
        self.current = DeviceProfiles.from_settings(self._settings, documents)
        self._revision = revision
        _LOG.info(line("devices_changed", revision=revision, devices=len(documents)))
        return True
