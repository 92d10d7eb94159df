"""Query parameters, read as the OpenAPI document describes them: what is documented is what is accepted."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from flask import Flask, g, request

from history_api.openapi.operation_lookup import OperationLookup, query_parameters
from history_api.openapi.problem import ProblemError

_TO_NEXT_MS: Final = timedelta(microseconds=999)


def register(app: Flask, operations: OperationLookup) -> None:
    """Check the query of every request of `app` against its operation; leave its values in `g.query`."""
    app.before_request(partial(_validate, operations))


def _validate(operations: OperationLookup) -> None:
    """Fill `g.query` with a value per documented parameter, its default or None where it is not given."""
    if request.url_rule is None:
        return
    known = query_parameters(operations.of_request())
    for name, values in request.args.lists():
        if name not in known:
            takes = ", ".join(known) or "none"
            raise _refuse(name, f"there is no query parameter {name!r} here; this address takes: {takes}")
        if len(values) > 1:
            raise _refuse(name, f"{name} is given {len(values)} times; give it once")
    g.query = {
        name: _parse(name, request.args[name], schema) if name in request.args else schema.get("default")
        for name, schema in known.items()
    }


def _parse(name: str, text: str, schema: Mapping[str, Any]) -> str | int:
    if schema["type"] == "integer":
        return _parse_integer(name, text, schema["minimum"], schema["maximum"])
    if schema.get("format") == "date-time":
        return _parse_time(name, text)
    if text not in schema.get("enum", [text]):
        raise _refuse(name, f"{name} is {text!r}; it takes one of {', '.join(schema['enum'])}")
    if not re.fullmatch(schema.get("pattern", ".*"), text) or len(text) > schema.get("maxLength", len(text)):
        raise _refuse(name, f"{name} is {text!r}; it takes {schema['description']}")
    return text


def _parse_integer(name: str, text: str, minimum: int, maximum: int) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(maximum))
    if not is_number or not minimum <= int(text) <= maximum:
        raise _refuse(name, f"{name} is {text!r}; it takes a whole number from {minimum} to {maximum}")
    return int(text)


def _parse_time(name: str, text: str) -> str:
    """Return `text` in the database's form, rounded up to its milliseconds: comparisons stay exact."""
    moment = _moment(text)
    if moment is None or moment.tzinfo is None:
        raise _refuse(
            name,
            f"{name} is {text!r}; it takes an RFC 3339 time with offset, such as 2026-11-20T17:20:01Z "
            "(a + in an address is written %2B)",
        )
    try:
        moment = moment.astimezone(UTC) + _TO_NEXT_MS
    except OverflowError:
        raise _refuse(name, f"{name} is {text!r}; no calendar here goes that far") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _refuse(name: str, detail: str) -> ProblemError:
    return ProblemError(400, detail, parameter=name)
