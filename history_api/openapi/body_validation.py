"""JSON bodies, read as the OpenAPI document describes them: what is documented is what is accepted."""

from functools import cache
from typing import Any, Final

from flask import Flask, g, json, request
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from history_api import openapi_document
from history_api.openapi.problem import ProblemError
from history_api.openapi.query_validation import openapi_path

_JSON: Final = "application/json"
_SHOWN: Final = 200


def register(app: Flask) -> None:
    """Check the JSON body of every request of `app` that is documented to have one; leave it in `g.body`."""
    app.before_request(_read)


def _read() -> None:
    if request.url_rule is None:
        return
    path = openapi_path(request.url_rule.rule)
    documented = (
        (openapi_document.operation_of(path, request.method) or {}).get("requestBody", {}).get("content", {})
    )
    if set(documented) != {_JSON}:
        return
    if request.mimetype != _JSON:
        raise ProblemError(415, f"the body is to be JSON; send Content-Type: {_JSON}")
    g.body = _parsed(request.get_data())
    error = best_match(_validator(path, request.method).iter_errors(g.body))
    if error is not None:
        raise _refuse(error)


def _parsed(data: bytes) -> Any:  # noqa: ANN401 - JSON is what it is
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, f"the body is not JSON in UTF-8: {error}") from None


@cache
def _validator(path: str, method: str) -> Draft202012Validator:
    body = openapi_document.DOCUMENT["paths"][path][method.lower()]["requestBody"]
    schema = body["content"][_JSON]["schema"]
    return Draft202012Validator({**schema, "components": openapi_document.DOCUMENT["components"]})


def _refuse(error: ValidationError) -> ProblemError:
    where = "/" + "/".join(map(str, error.absolute_path))
    what = error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]}…"
    return ProblemError(400, f"the body is not as documented at {where}: {what}", pointer=where)
