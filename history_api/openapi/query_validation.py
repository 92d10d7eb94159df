"""Validation of the parameters in path and query against the OpenAPI document."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from flask import Flask, g, request

from history_api.openapi.operation_lookup import OperationLookup, path_parameters, query_parameters
from history_api.openapi.problem import NUL, ProblemError

_ROUND_UP: Final = timedelta(microseconds=999)
"""Added before a time is cut to milliseconds."""


def register(app: Flask, operations: OperationLookup) -> None:
    """Validate path and query of every request of `app` against its operation; leave the query in `g.query`.

    Unknown, repeated and malformed parameters are answered with 400 and the name of the parameter; an id that
    nothing can have with 404, so that it reaches neither the database nor the broker.
    """
    app.before_request(partial(_validate, operations))


def _validate(operations: OperationLookup) -> None:
    """Fill `g.query` with the value of each documented parameter: its default, or None, where not given."""
    if request.url_rule is None:
        return
    operation = operations.of_request()
    _require_path(path_parameters(operation))
    known = query_parameters(operation)
    for name, values in request.args.lists():
        if name not in known:
            names = ", ".join(known) or "none"
            raise _invalid(name, f"there is no query parameter {name!r} here; this address takes: {names}")
        if len(values) > 1:
            raise _invalid(name, f"{name} is given {len(values)} times; give it once")
        if "\0" in values[0]:
            raise _invalid(name, f"{name} has {NUL}")
    g.query = {
        name: _parse(name, request.args[name], schema) if name in request.args else schema.get("default")
        for name, schema in known.items()
    }


def _require_path(known: Mapping[str, Mapping[str, Any]]) -> None:
    for name, schema in known.items():
        text = str((request.view_args or {}).get(name, ""))
        if "\0" in text or not re.fullmatch(schema.get("pattern", "(?s:.*)"), text):
            what = f"no {name.removesuffix('_id')} can have this id"
            raise ProblemError(404, f"{what}; take one from a list of the API", parameter=name)


def _parse(name: str, text: str, schema: Mapping[str, Any]) -> str | int:
    if schema["type"] == "integer":
        return _parse_integer(name, text, schema["minimum"], schema["maximum"])
    if schema.get("format") == "date-time":
        return _parse_time(name, text)
    if text not in schema.get("enum", [text]):
        raise _invalid(name, f"{name} is {text!r}; it takes one of {', '.join(schema['enum'])}")
    if not re.fullmatch(schema.get("pattern", ".*"), text) or len(text) > schema.get("maxLength", len(text)):
        raise _invalid(name, f"{name} is {text!r}; it takes {schema['description']}")
    return text


def _parse_integer(name: str, text: str, minimum: int, maximum: int) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(maximum))
    if not is_number or not minimum <= int(text) <= maximum:
        raise _invalid(name, f"{name} is {text!r}; it takes a whole number from {minimum} to {maximum}")
    return int(text)


def _parse_time(name: str, text: str) -> str:
    """Return an RFC 3339 time as in the database, rounded up to milliseconds: comparisons stay exact."""
    moment = _datetime(text)
    if moment is None or moment.tzinfo is None:
        raise _invalid(
            name,
            f"{name} is {text!r}; it takes an RFC 3339 time with offset, such as 2026-11-20T17:20:01Z "
            "(a + in an address is written %2B)",
        )
    try:
        moment = moment.astimezone(UTC) + _ROUND_UP
    except OverflowError:
        raise _invalid(name, f"{name} is {text!r}; it takes a time from year 1 to 9999 in UTC") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _datetime(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _invalid(name: str, detail: str) -> ProblemError:
    return ProblemError(400, detail, parameter=name)
