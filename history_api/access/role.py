"""Roles that operations require; the OpenAPI document states them, `authorization` enforces them."""

from typing import Final, Literal

from edge_worker.database.access.api_key import Role
from history_api.access.session import COOKIE
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Method, Paths
from history_api.openapi.schemas import Schema

RequiredRole = Role | Literal["public"]
SCHEMES: Final[Schema] = {
    "key": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "the key as password, with any user name"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "Set by POST /login; what changes something must come from a page of this server.",
    },
}
SECURITY: Final[list[Schema]] = [{scheme: []} for scheme in SCHEMES]
"""One of the schemes is enough."""
_TO_LOGIN: Final[Schema] = {"303": {"description": "A browser without a session is redirected to /login."}}


def with_roles(paths: Paths) -> Paths:
    """Return `paths` with the role that each operation requires and the refusals that may come of it."""
    return {
        path: {method: _with_role(path, method, operation) for method, operation in item.items()}
        for path, item in paths.items()
    }


def _with_role(path: str, method: str, operation: Method) -> Method:
    role = operation.get("x-role") or default(path, method, operation)
    refusals: Schema = {"403": PROBLEM, "429": PROBLEM}
    if role != "public":
        refusals |= {"401": PROBLEM} | UNAVAILABLE
    if role != "public" and "text/html" in operation["responses"].get("200", {}).get("content", {}):
        refusals |= _TO_LOGIN
    if "requestBody" in operation:
        refusals |= {"408": PROBLEM, "413": PROBLEM}
    is_open: Schema = {"security": []} if role == "public" else {}
    return operation | {"x-role": role} | is_open | {"responses": refusals | operation["responses"]}


def default(path: str, method: str, operation: Method) -> Role:
    """Return the role that an operation requires which names none: rather too high than too low."""
    if "train" in path:
        return "admin"
    if method != "get":
        return "operator"
    # Owners may use what can be restricted to their device; all else shows recordings of others.
    queries = {spec["name"] for spec in operation.get("parameters", []) if spec["in"] == "query"}
    return "owner" if "device" in queries or "{device_id}" in path else "operator"
