"""Factory of the Flask application."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.json.provider import JSONProvider

from edge_worker.audio_store.opening import open_audio
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.history import History
from edge_worker.protocol import strict_json
from history_api import index, openapi_document
from history_api.access import authorization, long_requests, proxy, security_headers
from history_api.monitoring import metrics
from history_api.mqtt.mqtt_session import MqttSession
from history_api.openapi import body_validation, problem, query_validation
from history_api.profiles import root_profile
from history_api.services import Services
from history_api.settings import ApiSettings
from history_api.uploads import upload_room
from history_api.uploads.spooling_request import SpoolingRequest


class _StrictJSON(JSONProvider):
    """JSON of requests and answers, by the one reader and the one writer."""

    def dumps(self, obj: object, **_: Any) -> str:  # noqa: ANN401 - Flask's options of the standard library
        return strict_json.write(obj)

    def loads(self, s: str | bytes, **_: Any) -> Any:  # noqa: ANN401 - JSON is what it is
        return strict_json.read(s)


def create_app(settings: ApiSettings) -> Flask:
    """Return the history API on the database and directories that `settings` names.

    Raises:
        StoreError: the database URL is malformed, or what it names is not our database.
        SettingsError: other machines could connect without keys, or there is no such root profile.
    """
    app = Flask("history_api", static_folder=None, template_folder="dashboard/templates")
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.request_class = SpoolingRequest
    app.json = _StrictJSON(app)
    app.url_map.merge_slashes = False
    mqtt_session = MqttSession(settings) if settings.api_password else None
    history = History.open(settings.database)
    audio = open_audio(settings)
    deletion = RecordingDeletion(settings.database, audio)
    app.extensions["stetho"] = Services(settings, history, datetime.now(UTC), deletion, audio, mqtt_session)
    root_profile.register(app, settings)
    proxy.register(app, settings)
    security_headers.register(app)
    metrics.register(app)
    authorization.register(app, settings, openapi_document.OPERATIONS)
    query_validation.register(app, openapi_document.OPERATIONS)
    authorization.restrict_owners(app)
    long_requests.register(app, settings, openapi_document.OPERATIONS)
    upload_room.register(app, settings, openapi_document.OPERATIONS)
    body_validation.register(app, openapi_document.DOCUMENT)
    problem.register(app)
    for module in (index, *openapi_document.BLUEPRINT_MODULES):
        app.register_blueprint(module.blueprint)
    if mqtt_session is not None:
        mqtt_session.add_listener(metrics.of(app).on_message)
    return app
