"""HTML page that shows the OpenAPI document, to read it and to try requests."""

from typing import Final

from flask import Blueprint, Response, render_template

from history_api.dashboard.page_rendering import PAGE_ANSWER
from history_api.openapi.operation import Paths, get

blueprint = Blueprint("docs_page", __name__)
PATHS: Final[Paths] = {
    "/docs": get("the OpenAPI document, to read and to try", "docs_page", PAGE_ANSWER, role="public"),
}


@blueprint.get("/docs")
def docs() -> Response:
    """Answer the page; it is as public as the document."""
    return Response(render_template("docs.html"), mimetype="text/html")
