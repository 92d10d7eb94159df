"""The OpenAPI 3.1 document. `parameters` reads requests by it, and a test holds every answer to it."""

from typing import Any, Final

from edge_worker import __version__
from history_api.schemas import (
    DEVICE,
    NUMBER,
    RECORDING,
    SCHEMAS,
    STATUS,
    TEXT,
    TIME,
    Schema,
    list_of,
    map_of,
    ref,
    strict_object,
)

NOTICE: Final = (
    "Labels describe a sound, they are no diagnosis. Research and education, not a medical device."
)


def query_parameters(path: str) -> dict[str, Schema]:
    """Return the schemas of the query parameters of `path`, by name; description included."""
    documented = DOCUMENT["paths"][path]["get"].get("parameters", [])
    return {
        spec["name"]: spec["schema"] | {"description": spec["description"]}
        for spec in documented
        if spec["in"] == "query"
    }


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _limit(default: int) -> Schema:
    schema = {"type": "integer", "minimum": 1, "maximum": 200, "default": default}
    return _query("limit", schema, "how many to answer at most")


def _get(
    summary: str, operation: str, answers: dict[str, Any], parameters: tuple[Schema, ...] = ()
) -> Schema:
    """Return a path that answers GET; what may go wrong anywhere is added."""
    item: Schema = {"operationId": operation, "summary": summary}
    if parameters:
        item["parameters"] = list(parameters)
    return {"get": item | {"responses": answers | {"400": _PROBLEM, "500": _PROBLEM}}}


def _json(schema: Schema, description: str = "The answer.", headers: Schema | None = None) -> Schema:
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return answer | ({"headers": headers} if headers else {})


_PROBLEM: Final[Schema] = {
    "description": "A problem (RFC 9457).",
    "content": {"application/problem+json": {"schema": ref("Problem")}},
}
_WAV: Final[Schema] = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}
_NEXT: Final[Schema] = {
    "Link": {"description": 'the next page: <…>; rel="next"; absent on the last', "schema": TEXT}
}
_UNAVAILABLE: Final[Schema] = {"503": _PROBLEM}
_NOT_FOUND: Final[Schema] = {"404": _PROBLEM, "409": _PROBLEM} | _UNAVAILABLE
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"
_WHICH: Final = (
    {"name": "recording_id", "in": "path", "required": True, "schema": RECORDING},
    _query("device", DEVICE, "the device, 1 to 32 of a-z, 0-9 and -; needed where several share the id"),
)
_OK: Final = _json(strict_object({"status": {"type": "string", "const": "ok"}}))

DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Stetho Edge history API",
        "version": __version__,
        "description": f"{NOTICE} Every address answers GET and HEAD; errors are application/problem+json.",
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "paths": {
        "/": _get(
            "the endpoints",
            "index",
            {
                "200": _json(
                    strict_object({"name": TEXT, "version": TEXT, "notice": TEXT, "endpoints": map_of(TEXT)})
                )
            },
        ),
        "/api/v1/results": _get(
            "results, newest first, with filters and pages",
            "results",
            {"200": _json(ref("ResultPage"), headers=_NEXT)} | _UNAVAILABLE,
            (
                _query("device", DEVICE, "a device, 1 to 32 of a-z, 0-9 and -"),
                _query(
                    "label",
                    {"type": "string", "pattern": _PRINTABLE},
                    "a label that a model gave; with model: that this model gave",
                ),
                _query(
                    "model", {"type": "string", "pattern": _PRINTABLE}, "a model that judged the recording"
                ),
                _query("status", STATUS, "what came of the analysis"),
                _query("from", TIME, "earliest captured_at"),
                _query("to", TIME, "captured_at from which on results are left out"),
                _query("cursor", TEXT, "`next` of the page before, with the same filters"),
                _limit(50),
            ),
        ),
        "/api/v1/recordings/{recording_id}": _get(
            "a recording with its result, null while it is being analysed",
            "recording",
            {"200": _json(ref("Recording"))} | _NOT_FOUND,
            _WHICH,
        ),
        "/api/v1/recordings/{recording_id}/audio.wav": _get(
            "the sound of a recording, 16-bit PCM; conditional and range requests work",
            "audio",
            {
                "200": {"description": "The file.", "content": _WAV},
                "206": {"description": "The bytes asked for.", "content": _WAV},
                "304": {"description": "Unchanged: ETag is the SHA-256 of the PCM."},
                "410": _PROBLEM,
                "416": _PROBLEM,
            }
            | _NOT_FOUND,
            _WHICH,
        ),
        "/history": _get(
            "the last predictions as a flat list, one per recording and model, newest first",
            "history",
            {"200": _json(list_of(ref("HistoryItem")))} | _UNAVAILABLE,
            (_limit(50),),
        ),
        "/models/info": _get(
            "the models, from their cards",
            "models_info",
            {"200": _json(strict_object({"models": map_of(ref("Model"))}))},
        ),
        "/health": _get(
            "how database, worker and models are",
            "health",
            {"200": _json(ref("Health"), "Also when degraded.")},
        ),
        "/livez": _get("whether the process lives", "livez", {"200": _OK}),
        "/readyz": _get(
            "whether requests can be answered; 503 says what to do", "readyz", {"200": _OK} | _UNAVAILABLE
        ),
        "/uptime": _get(
            "since when this process serves",
            "uptime",
            {"200": _json(strict_object({"started_at": TIME, "uptime_s": NUMBER}))},
        ),
        "/openapi.json": _get("this document", "openapi", {"200": _json({"type": "object"})}),
    },
    "components": {"schemas": SCHEMAS},
}
