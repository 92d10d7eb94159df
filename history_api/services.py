"""Services that the endpoints share, made once per application."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from flask import current_app

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.database.engine import Database, connect_existing
from edge_worker.database.history import History
from edge_worker.database.reviewing.review import ReviewTable
from edge_worker.database.site_state.clock_reading import uptime_s
from edge_worker.database.subjects.subject_assignments import SubjectAssignmentTable
from edge_worker.database.subjects.subject_table import SubjectTable
from edge_worker.database.upload import UploadTable
from history_api.mqtt.mqtt_session import MqttSession
from history_api.settings import ApiSettings


@dataclass
class Services:
    """Settings, readers and writers of the database, and the MQTT session, if there is an account for one."""

    settings: ApiSettings
    history: History
    started_at: datetime
    """With time zone."""
    deletion: RecordingDeletion
    audio: AudioStore
    mqtt_session: MqttSession | None = None
    started_uptime_s: float = field(default_factory=uptime_s)
    """When this process was started, by the uptime of the system: wall clocks jump."""

    @cached_property
    def database(self) -> Database:
        """The database for writing; opened when first needed, because the worker creates it."""
        return connect_existing(self.settings.database)

    @cached_property
    def device_settings(self) -> DeviceSettingsTable:
        """The settings of devices."""
        return DeviceSettingsTable(self.database)

    @cached_property
    def adaptations(self) -> AdaptationTables:
        """The calibrations of devices."""
        return AdaptationTables(self.database)

    @cached_property
    def reviews(self) -> ReviewTable:
        """The reviews of results."""
        return ReviewTable(self.settings.database)

    @cached_property
    def subjects(self) -> SubjectTable:
        """What is stored of subjects."""
        return SubjectTable(self.settings.database)

    @cached_property
    def subject_assignments(self) -> SubjectAssignmentTable:
        """Whose the next recordings of devices are."""
        return SubjectAssignmentTable(self.settings.database)

    @cached_property
    def uploads(self) -> UploadTable:
        """The idempotency keys of uploads."""
        return UploadTable(self.database)


def services() -> Services:
    """Return the services of the application that answers this request."""
    registered: Services = current_app.extensions["stetho"]
    return registered
