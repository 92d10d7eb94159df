"""Lookup of the operations of an OpenAPI document by path and HTTP method."""

import re
from typing import Final

from flask import request

from history_api.openapi.operation import Method, Paths
from history_api.openapi.schemas import Schema

_FLASK_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


class OperationLookup:
    """The operations of an OpenAPI document, as request validation and access control need them."""

    def __init__(self, paths: Paths) -> None:
        """Look up in `paths`, the member `paths` of the document; it is not copied."""
        self._paths = paths

    def find(self, path: str, method: str) -> Method | None:
        """Return the operation of `method` at `path`, spelled as in OpenAPI; None where there is none.

        HEAD has the operation of GET.
        """
        return self._paths.get(path, {}).get("get" if method == "HEAD" else method.lower())

    def of_request(self) -> Method | None:
        """Return the operation that Flask's current request asks for; None where there is none."""
        rule = request.url_rule
        return None if rule is None else self.find(openapi_path(rule.rule), request.method)

    def query_parameters(self, path: str, method: str = "GET") -> dict[str, Schema]:
        """Return the schemas of the query parameters of an operation by name; description included."""
        return query_parameters(self.find(path, method))


def query_parameters(operation: Method | None) -> dict[str, Schema]:
    """Return the schemas of the query parameters of `operation` by name; description included."""
    return {
        spec["name"]: spec["schema"] | {"description": spec["description"]}
        for spec in (operation or {}).get("parameters", [])
        if spec["in"] == "query"
    }


def path_parameters(operation: Method | None) -> dict[str, Schema]:
    """Return the schemas of the parameters in the path of `operation` by name."""
    parameters = (operation or {}).get("parameters", [])
    return {spec["name"]: spec["schema"] for spec in parameters if spec["in"] == "path"}


def openapi_path(rule: str) -> str:
    """Return a Flask rule in the spelling of OpenAPI: `/a/<b>` is `/a/{b}`."""
    return _FLASK_PARAMETER.sub(r"{\1}", rule)
