"""The application factory."""

from datetime import UTC, datetime

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from edge_worker.curation import Curation
from edge_worker.history import History
from edge_worker.settings import Settings
from history_api import access, body, index, openapi, parameters, problem
from history_api.services import Services


class _OrderedJSON(DefaultJSONProvider):
    sort_keys = False  # the order of a document helps whoever reads it


def create_app(settings: Settings) -> Flask:
    """Return the history API on the database and directories that `settings` names.

    Raises:
        StoreError: the database URL is malformed, or what it names is not our database.
    """
    app = Flask("history_api", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json = _OrderedJSON(app)
    app.url_map.merge_slashes = False
    app.extensions["stetho"] = Services(
        settings,
        History.open(settings.database),
        datetime.now(UTC),
        Curation(settings.database, settings.data_dir),
    )
    access.register(app)
    parameters.register(app)
    body.register(app)
    problem.register(app)
    for concern in (index, *openapi.CONCERNS):
        app.register_blueprint(concern.blueprint)
    return app
