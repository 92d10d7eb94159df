"""The OpenAPI 3.1 document. `parameters` reads requests by it, and a test holds every answer to it."""

from typing import Any, Final

from edge_worker import __version__
from history_api.access import login, role
from history_api.dashboard import assets, device_pages, pages
from history_api.devices import device_settings, devices
from history_api.live import event_stream
from history_api.models import evaluation_figures, models
from history_api.monitoring import health, metrics
from history_api.openapi.operation import UNAVAILABLE, Paths, get, json_answer, query
from history_api.openapi.operation_lookup import OperationLookup
from history_api.openapi.schemas import DEVICE, NUMBER, SCHEMAS, TEXT, map_of, or_null, strict_object
from history_api.pictures import charts, occlusion_map, recording_pictures
from history_api.reports import fhir, reports
from history_api.results import exams, export, recordings, results, reviews, timelines, visualizations
from history_api.training import retraining
from history_api.uploads import predict, uploads

NOTICE: Final = (
    "Labels describe a sound, they are no diagnosis. Research and education, not a medical device."
)
BLUEPRINT_MODULES: Final = (
    results,
    export,
    recordings,
    exams,
    reviews,
    recording_pictures,
    occlusion_map,
    reports,
    fhir,
    uploads,
    predict,
    event_stream,
    timelines,
    devices,
    device_settings,
    visualizations,
    models,
    charts,
    retraining,
    health,
    metrics,
    login,
    pages,
    device_pages,
    assets,
)
"""Modules of a `blueprint` and the `PATHS` that it answers."""

_INDEX: Final[Paths] = {
    "/": get(
        "the last class and the endpoints; the dashboard for a browser",
        "index",
        {
            "200": {
                "description": "JSON, or a page for a browser.",
                "content": {
                    "application/json": {
                        "schema": strict_object(
                            {
                                "class": or_null(TEXT),
                                "confidence": or_null(NUMBER) | {"description": "percent"},
                                "name": TEXT,
                                "version": TEXT,
                                "notice": TEXT,
                                "endpoints": map_of(TEXT),
                            }
                        )
                    },
                    "text/html": {"schema": TEXT},
                },
            }
        }
        | UNAVAILABLE,
        (query("device", DEVICE, "only of this device, 1 to 32 of a-z, 0-9 and -"),),
        role="owner",
    ),
    "/openapi.json": get("this document", "openapi", {"200": json_answer({"type": "object"})}, role="public"),
}


def _with_problems_as_pages(paths: Paths) -> Paths:
    """Return the same; a browser that opens a page of the dashboard reads its problems as a page, too."""
    for path, item in paths.items():
        for method in item.values() if path.startswith("/ui/") else ():
            for status, answer in method["responses"].items():
                if "application/problem+json" in answer.get("content", {}):
                    content = answer["content"] | {"text/html": {"schema": TEXT}}
                    method["responses"][status] = answer | {"content": content}
    return paths


DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Stetho Edge history API",
        "version": __version__,
        "description": f"{NOTICE} What answers GET answers HEAD; errors are application/problem+json.",
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "security": role.SECURITY,
    "paths": _with_problems_as_pages(
        role.with_roles(
            _INDEX | {path: item for concern in BLUEPRINT_MODULES for path, item in concern.PATHS.items()}
        )
    ),
    "components": {
        "schemas": SCHEMAS
        | {"Figures": evaluation_figures.SCHEMA}
        | {k: v for each in BLUEPRINT_MODULES for k, v in getattr(each, "SCHEMAS", {}).items()},
        "securitySchemes": role.SCHEMES,
    },
}
OPERATIONS: Final = OperationLookup(DOCUMENT["paths"])
