"""What every endpoint stands on, made once per application."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from flask import current_app

from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.database.engine import Database, connect_existing
from edge_worker.database.history import History
from edge_worker.database.review import ReviewTable
from edge_worker.database.upload import UploadTable
from edge_worker.settings import Settings
from history_api.mqtt.mqtt_session import MqttSession


@dataclass
class Services:
    """Settings, the database, when we started (aware), and the way to the broker where there is one."""

    settings: Settings
    history: History
    started_at: datetime
    deletion: RecordingDeletion
    bus: MqttSession | None = field(default=None)

    @cached_property
    def writer(self) -> Database:
        """The database, to write to; opened when first needed, because the worker makes it."""
        return connect_existing(self.settings.database)

    @cached_property
    def device_ledger(self) -> DeviceSettingsTable:
        """What is wanted of devices."""
        return DeviceSettingsTable(self.writer)

    @cached_property
    def reviews(self) -> ReviewTable:
        """Reviews of results."""
        return ReviewTable(self.settings.database)

    @cached_property
    def uploads(self) -> UploadTable:
        """Keys of uploads."""
        return UploadTable(self.writer)


def services() -> Services:
    """Return the services of the application that answers this request."""
    found: Services = current_app.extensions["stetho"]
    return found
