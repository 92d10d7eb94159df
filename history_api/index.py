"""Endpoints `/`, the list of endpoints or the dashboard, and `/openapi.json`."""

import json
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from edge_worker import __version__
from edge_worker.database.paging.result_filter import ResultFilter
from history_api import openapi_document
from history_api.access.proxy import root
from history_api.dashboard import pages
from history_api.services import services

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
    public = services().settings.api_public_url.rstrip("/")
    # The second one is for a page of ours at another address: a browser lets it ask only its own server.
    addresses = [public, root() or "/"] if public else [root()] if root() else []
    servers = {"servers": [{"url": each} for each in addresses]} if addresses else {}
    return jsonify(openapi_document.DOCUMENT | servers)


def _latest(device: str | None) -> dict[str, Any]:
    """Return class and confidence, in percent, of the last verdict; null where it cannot be told."""
    page = services().history.results(ResultFilter(device=device), limit=1)
    verdicts = [json.loads(text)["verdict"] for text in page.documents]
    if not verdicts or verdicts[0]["label"] is None:
        return {"class": None, "confidence": None}
    (verdict,) = verdicts
    return {"class": verdict["label"].capitalize(), "confidence": round(100 * verdict["confidence"], 2)}
