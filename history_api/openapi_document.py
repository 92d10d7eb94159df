"""OpenAPI 3.1 document of the API: requests are validated against it, and tests hold every answer to it."""

from typing import Any, Final

from edge_worker import __version__
from history_api.access import role
from history_api.endpoint_groups import GROUPS, SITE, tagged
from history_api.models import evaluation_figures
from history_api.openapi.operation import UNAVAILABLE, Paths, get, json_answer, query
from history_api.openapi.operation_lookup import OperationLookup
from history_api.openapi.schemas import DEVICE, NUMBER, SCHEMAS, TEXT, Schema, map_of, or_null, strict_object

NOTICE: Final = (
    "Labels describe a sound, they are no diagnosis. Research and education, not a medical device."
)
BLUEPRINT_MODULES: Final = tuple(module for group in GROUPS for module in group.modules)

_INDEX: Final[Paths] = {
    "/": get(
        "the class of the last recording and the endpoints; the dashboard for a browser",
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


def _all_paths() -> Paths:
    paths = tagged(_INDEX, SITE)
    for group in GROUPS:
        paths |= group.paths()
    return paths


def _all_schemas() -> dict[str, Schema]:
    schemas = SCHEMAS | {"Figures": evaluation_figures.SCHEMA}
    for module in BLUEPRINT_MODULES:
        schemas |= getattr(module, "SCHEMAS", {})
    return schemas


def _with_problems_as_pages(paths: Paths) -> Paths:
    """Return `paths` where the pages of the dashboard answer problems to browsers as pages, too."""
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
    "tags": [{"name": group.tag, "description": group.description} for group in GROUPS],
    "security": role.SECURITY,
    "paths": _with_problems_as_pages(role.with_roles(_all_paths())),
    "components": {
        "schemas": _all_schemas(),
        "securitySchemes": role.SCHEMES,
    },
}
OPERATIONS: Final = OperationLookup(DOCUMENT["paths"])
