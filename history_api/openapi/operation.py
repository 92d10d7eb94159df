"""Builders of OpenAPI operations, with which each blueprint module describes its addresses."""

from typing import Any, Final

from history_api.openapi.schemas import DEVICE, EXAM, RECORDING, TEXT, Schema, ref, strict_object

Method = Schema
"""Operation object of OpenAPI: one HTTP method of one address."""
Paths = dict[str, dict[str, Method]]
"""Operations by address and HTTP method in lower case."""

PROBLEM: Final[Schema] = {
    "description": "A problem (RFC 9457).",
    "content": {"application/problem+json": {"schema": ref("Problem")}},
}
UNAVAILABLE: Final[Schema] = {"503": PROBLEM}
NOT_FOUND: Final[Schema] = {"404": PROBLEM, "409": PROBLEM} | UNAVAILABLE


def operation(
    summary: str,
    name: str,
    answers: Schema,
    parameters: tuple[Schema, ...] = (),
    body: Schema | None = None,
    *,
    role: str | None = None,
) -> Method:
    """Return an operation; the problems that any request may have are added to its answers.

    `role` is the one required: `public`, `owner`, `operator` or `admin`; None leaves it to `role.default`.
    """
    described: Schema = {"operationId": name, "summary": summary}
    if parameters:
        described["parameters"] = list(parameters)
    if body is not None:
        described["requestBody"] = body
        answers = {"415": PROBLEM} | answers
    if role is not None:
        described["x-role"] = role
    return described | {"responses": answers | {"400": PROBLEM, "500": PROBLEM}}


def get(
    summary: str,
    name: str,
    answers: Schema,
    parameters: tuple[Schema, ...] = (),
    *,
    role: str | None = None,
) -> dict[str, Method]:
    """Return the operations of an address that answers GET, and so HEAD."""
    return {"get": operation(summary, name, answers, parameters, role=role)}


def query(name: str, schema: Schema, description: str) -> Schema:
    """Return a query parameter."""
    return {"name": name, "in": "query", "schema": schema, "description": description}


def limit(default: int) -> Schema:
    """Return the query parameter `limit`, the size of a page."""
    schema = {"type": "integer", "minimum": 1, "maximum": 200, "default": default}
    return query("limit", schema, "how many items to answer at most")


def json_answer(schema: Schema, description: str = "The answer.", headers: Schema | None = None) -> Schema:
    """Return an answer that is JSON."""
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return answer | ({"headers": headers} if headers else {})


def file_answer(media_type: str, description: str = "The file.") -> Schema:
    """Return an answer that is a file."""
    return {
        "description": description,
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
    }


def json_body(schema: Schema) -> Schema:
    """Return a required body of JSON."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


PRINTABLE: Final[dict[str, Any]] = {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]+$"}
NEXT: Final[Schema] = {
    "Link": {"description": 'the next page: <…>; rel="next"; absent on the last', "schema": TEXT}
}
RECORDING_PARAMETERS: Final = (
    {"name": "recording_id", "in": "path", "required": True, "schema": RECORDING},
    query("device", DEVICE, "the device, 1 to 32 of a-z, 0-9 and -; needed where several share the id"),
)
DEVICE_PARAMETERS: Final = ({"name": "device_id", "in": "path", "required": True, "schema": DEVICE},)
EXAM_PARAMETERS: Final = (
    {"name": "exam_id", "in": "path", "required": True, "schema": EXAM},
    query("device", DEVICE, "the device, 1 to 32 of a-z, 0-9 and -; needed where several use the id"),
)
OK: Final = json_answer(strict_object({"status": {"type": "string", "const": "ok"}}))
