"""Endpoint of the subjects that recordings name, by pseudonym."""

from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request

from history_api.openapi.operation import NEXT, UNAVAILABLE, Paths, get, json_answer, limit, query
from history_api.openapi.schemas import (
    COUNT,
    SUBJECT,
    TEXT,
    TIME,
    Schema,
    list_of,
    or_null,
    ref,
    strict_object,
)
from history_api.services import services

blueprint = Blueprint("subject_list", __name__)
PATHS: Final[Paths] = {
    "/api/v1/subjects": get(
        "the subjects that recordings name, by pseudonym, with pages",
        "subjects",
        {"200": json_answer(ref("SubjectPage"), headers=NEXT)} | UNAVAILABLE,
        (query("cursor", SUBJECT, "`next` of the page before"), limit(50)),
        role="operator",
    )
}
SCHEMAS: Final[dict[str, Schema]] = {
    "NamedSubject": strict_object(
        {
            "subject": SUBJECT,
            "recordings": COUNT | {"description": "that name it"},
            "last_received_at": TIME,
            "links": strict_object({"self": TEXT}),
        }
    ),
    "SubjectPage": strict_object({"items": list_of(ref("NamedSubject")), "next": or_null(TEXT)}),
}


@blueprint.get("/api/v1/subjects")
def subjects() -> Response:
    """Answer a page of subjects."""
    items, following = page(g.query["limit"], g.query["cursor"])
    response = jsonify({"items": items, "next": following})
    if following:
        query_string = urlencode({**request.args.to_dict(), "cursor": following})
        response.headers["Link"] = f'<{request.path}?{query_string}>; rel="next"'
    return response


def page(size: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Return up to `size` subjects after `cursor` as documents, and where the next page begins."""
    found = services().subjects.names(size + 1, cursor)
    shown = found[:size]
    items = [asdict(each) | {"links": {"self": f"/api/v1/subjects/{each.subject}"}} for each in shown]
    return items, shown[-1].subject if len(found) > size else None
