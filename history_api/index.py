"""Endpoints `/`, the list of endpoints or the dashboard, and `/openapi.json`."""

import json
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request

from edge_worker import __version__
from edge_worker.database.result_query import ResultFilter
from history_api import openapi_document
from history_api.access.proxy import root
from history_api.dashboard import pages
from history_api.services import services

_HEADLINE_MODEL: Final = "heart5"
blueprint = Blueprint("index", __name__)


@blueprint.get("/")
def index() -> Response:
    """Answer the endpoints and the class of the last recording; to a browser, the dashboard."""
    if request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html":
        return pages.overview()
    response = jsonify(
        {
            **_latest(g.query["device"]),
            "name": openapi_document.DOCUMENT["info"]["title"],
            "version": __version__,
            "notice": openapi_document.NOTICE,
            "endpoints": {
                path: "; ".join(each["summary"] for each in item.values())
                for path, item in openapi_document.DOCUMENT["paths"].items()
            },
        }
    )
    response.vary.add("Accept")
    return response


@blueprint.get("/openapi.json")
def description() -> Response:
    """Answer the OpenAPI document."""
    servers = {"servers": [{"url": root()}]} if root() else {}
    return jsonify(openapi_document.DOCUMENT | servers)


def _latest(device: str | None) -> dict[str, Any]:
    """Return class and confidence, in percent, of the last recording; null where no label is accepted."""
    page = services().history.results(ResultFilter(device=device), limit=1)
    predictions = [each for text in page.documents for each in json.loads(text)["models"] if each["accepted"]]
    if not predictions:
        return {"class": None, "confidence": None}
    first = min(predictions, key=lambda each: each["model"] != _HEADLINE_MODEL)
    return {"class": first["label"].capitalize(), "confidence": round(100 * first["confidence"], 2)}
