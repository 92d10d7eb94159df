"""What needs care: the quarantine, audio that belongs nowhere, messages that wait for the broker."""

from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from edge_worker.ingest.quarantine import Quarantine
from edge_worker.upkeep import orphans
from history_api.openapi.operation import UNAVAILABLE, Paths, get, json_answer
from history_api.openapi.schemas import COUNT, TEXT, Schema, list_of, open_object, ref, strict_object
from history_api.services import services

_MAX_PATHS: Final = 100
blueprint = Blueprint("upkeep", __name__)
PATHS: Final[Paths] = {
    "/api/v1/upkeep": get(
        "what was set aside, audio that belongs nowhere, messages that wait for the broker",
        "upkeep",
        {"200": json_answer(ref("Upkeep"))} | UNAVAILABLE,
        role="operator",
    ),
}
_PATHS: Final[Schema] = list_of(TEXT) | {"maxItems": _MAX_PATHS}
SCHEMAS: Final[dict[str, Schema]] = {
    "QuarantineEntry": open_object({"id": TEXT, "kind": TEXT, "at": TEXT, "reason": TEXT, "bytes": COUNT}),
    "Upkeep": strict_object(
        {
            "quarantine": list_of(ref("QuarantineEntry")),
            "orphans": strict_object(
                {
                    "files": COUNT,
                    "bytes": COUNT,
                    "first_files": _PATHS | {"description": "WAV files without a recording"},
                    "aside": COUNT | {"description": "of them, moved to `orphans` below the data directory"},
                    "recordings": COUNT,
                    "first_recordings": _PATHS | {"description": "WAV files that recordings name, but gone"},
                }
            ),
            "outbox": COUNT | {"description": "messages that the broker has not acknowledged"},
        }
    ),
}


@blueprint.get("/api/v1/upkeep")
def upkeep() -> Response:
    """Answer what needs somebody's care."""
    return jsonify(document())


def document() -> dict[str, Any]:
    """Return the document `Upkeep`; the newest entry of the quarantine first."""
    history, data_dir = services().history, services().settings.data_dir
    found = orphans.find(history, services().audio)
    entries = Quarantine(data_dir / "quarantine").entries()
    return {
        "quarantine": [asdict(entry) for entry in reversed(entries)],
        "orphans": {
            "files": len(found.files) + len(found.aside),
            "bytes": found.bytes,
            "first_files": [*found.aside, *found.files][:_MAX_PATHS],
            "aside": len(found.aside),
            "recordings": len(found.recordings),
            "first_recordings": found.recordings[:_MAX_PATHS],
        },
        "outbox": history.outbox_messages(),
    }
