"""The application factory."""

from datetime import UTC, datetime

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from edge_worker.curation import Curation
from edge_worker.history import History
from edge_worker.settings import Settings
from history_api import access, body, headers, index, metrics, openapi, parameters, problem
from history_api.bus import Bus
from history_api.services import Services


class _OrderedJSON(DefaultJSONProvider):
    sort_keys = False  # the order of a document helps whoever reads it


def create_app(settings: Settings) -> Flask:
    """Return the history API on the database and directories that `settings` names.

    Raises:
        StoreError: the database URL is malformed, or what it names is not our database.
        SettingsError: everybody could do everything (`access.register`).
    """
    app = Flask("history_api", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json = _OrderedJSON(app)
    app.url_map.merge_slashes = False
    bus = Bus(settings) if settings.api_password else None
    history = History.open(settings.database)
    curation = Curation(settings.database, settings.data_dir)
    app.extensions["stetho"] = Services(settings, history, datetime.now(UTC), curation, bus)
    headers.register(app)
    metrics.register(app)
    access.register(app, settings)
    parameters.register(app)
    access.confine(app)
    body.register(app)
    problem.register(app)
    for concern in (index, *openapi.CONCERNS):
        app.register_blueprint(concern.blueprint)
    if bus is not None:
        bus.listen(metrics.of(app).hear)
    return app
