"""What there is to ask: the endpoints by name, and the OpenAPI document."""

from flask import Blueprint, Response, jsonify

from edge_worker import __version__
from history_api import openapi

blueprint = Blueprint("index", __name__)


@blueprint.get("/")
def index() -> Response:
    """Name the endpoints."""
    return jsonify(
        {
            "name": openapi.DOCUMENT["info"]["title"],
            "version": __version__,
            "notice": openapi.NOTICE,
            "endpoints": {
                path: "; ".join(each["summary"] for each in item.values())
                for path, item in openapi.DOCUMENT["paths"].items()
            },
        }
    )


@blueprint.get("/openapi.json")
def description() -> Response:
    """Answer the OpenAPI document."""
    return jsonify(openapi.DOCUMENT)
