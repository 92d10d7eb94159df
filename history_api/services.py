"""What every endpoint stands on, made once per application."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from flask import current_app

from edge_worker.database import schema
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.database.history import History
from edge_worker.database.review import Curation
from edge_worker.database.uploads import UploadTable
from history_api.mqtt.mqtt_session import MqttSession
from history_api.settings import ApiSettings


@dataclass
class Services:
    """Settings, the database, when we started (aware), and the way to the broker where there is one."""

    settings: ApiSettings
    history: History
    started_at: datetime
    curation: Curation
    mqtt_session: MqttSession | None = field(default=None)

    @cached_property
    def database(self) -> schema.Database:
        """The database, to write to; opened when first needed, because the worker makes it."""
        return schema.connect_existing(self.settings.database)

    @cached_property
    def device_settings(self) -> DeviceSettingsTable:
        """What is wanted of devices."""
        return DeviceSettingsTable(self.database)

    @cached_property
    def uploads(self) -> UploadTable:
        """Keys of uploads."""
        return UploadTable(self.database)


def services() -> Services:
    """Return the services of the application that answers this request."""
    found: Services = current_app.extensions["stetho"]
    return found
