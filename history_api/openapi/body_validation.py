"""Validation of JSON request bodies against the OpenAPI document."""

from functools import partial
from typing import Any, Final

from flask import Flask, g, json, request
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from history_api.openapi.operation_lookup import openapi_path
from history_api.openapi.problem import NUL, ProblemError
from history_api.openapi.schemas import Schema

_JSON: Final = "application/json"
_LONGEST_MESSAGE: Final = 200
"""Characters of a validation error that an answer repeats."""
Validators = dict[tuple[str, str], Draft202012Validator]
"""By path and HTTP method."""


def register(app: Flask, document: Schema) -> None:
    """Validate the JSON body of every request of `app` that `document` describes; leave it in `g.body`.

    A body that does not match is answered with 400 and the JSON pointer of the fault, one of another media
    type with 415.
    """
    app.before_request(partial(_validate, _validators(document)))


def _validators(document: Schema) -> Validators:
    """Return a validator for each operation of an OpenAPI document whose body is JSON and nothing else."""
    return {
        (path, method.upper()): Draft202012Validator(
            {**content[_JSON]["schema"], "components": document["components"]}
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if set(content := operation.get("requestBody", {}).get("content", {})) == {_JSON}
    }


def _validate(validators: Validators) -> None:
    rule = request.url_rule
    validator = None if rule is None else validators.get((openapi_path(rule.rule), request.method))
    if validator is None:
        return
    if request.mimetype != _JSON:
        raise ProblemError(415, f"the body must be JSON; send Content-Type: {_JSON}")
    g.body = _parse(request.get_data())
    if (pointer := _pointer_to_nul(g.body)) is not None:
        raise ProblemError(400, f"the text at {pointer} of the body has {NUL}", pointer=pointer)
    error = best_match(validator.iter_errors(g.body))
    if error is not None:
        raise _invalid(error)


def _parse(data: bytes) -> Any:  # noqa: ANN401 - JSON is what it is
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, f"the body is not JSON in UTF-8: {error}") from None


def _pointer_to_nul(value: object, pointer: str = "") -> str | None:
    """Return the JSON pointer of the first text, or name, with the character 0; None: none has it."""
    if isinstance(value, str):
        return (pointer or "/") if "\0" in value else None
    if isinstance(value, dict) and any("\0" in name for name in value):
        return pointer or "/"
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    found = (_pointer_to_nul(each, f"{pointer}/{name}") for name, each in members)
    return next((each for each in found if each is not None), None)


def _invalid(error: ValidationError) -> ProblemError:
    pointer = "/" + "/".join(map(str, error.absolute_path))
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    return ProblemError(400, f"the body is not as documented at {pointer}: {message}", pointer=pointer)
