"""Export of many recordings for FHIR servers: a resource per line, as those of a bulk export are (NDJSON)."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

from flask import Blueprint, Response, g, stream_with_context

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.protocol import strict_json
from history_api.openapi.operation import UNAVAILABLE, Paths, file_answer, get, query
from history_api.reports import fhir, fhir_attachment
from history_api.reports.fhir_recording_bundle import RecordingBundle
from history_api.reports.fhir_resource import Resource, device
from history_api.results.results import FILTERS, result_filter
from history_api.services import services

MEDIA_TYPE: Final = "application/fhir+ndjson"
_TYPE: Final = query(
    "type",
    {"type": "string", "enum": ["Device", "Media", "Observation", "DiagnosticReport"]},
    "only resources of this type",
)
blueprint = Blueprint("fhir_export", __name__)
PATHS: Final[Paths] = {
    "/api/v1/fhir.ndjson": get(
        "the FHIR R4 resources of all results with these filters, one per line",
        "fhir_ndjson",
        {"200": file_answer(MEDIA_TYPE)} | UNAVAILABLE,
        (*FILTERS, _TYPE),
        role="operator",
    ),
}


@blueprint.get("/api/v1/fhir.ndjson")
def fhir_ndjson() -> Response:
    """Answer the resources as they are read: memory does not grow with their number."""
    entries = _recordings()
    # Reads the first now, so that a database error is answered as a problem document, not as half a file.
    lines = _lines(chain(list(islice(entries, 1)), entries), g.query["type"])
    headers = {"Content-Disposition": "attachment; filename=fhir.ndjson"}
    return Response(stream_with_context(lines), mimetype=MEDIA_TYPE, headers=headers)


def _recordings() -> Iterator[RecordingEntry]:
    history = services().history
    for document in history.all_results(result_filter(), g.query["sort"]):
        result = json.loads(document)
        yield from history.recording(result["recording_id"], result["device_id"])  # none if deleted just now


def _lines(entries: Iterator[RecordingEntry], wanted: str | None) -> Iterator[str]:
    """Yield the lines of each recording together; a stethoscope comes before its first recording."""
    devices: set[str] = set()
    for entry in entries:
        audio = fhir_attachment.audio(entry, with_hash=False)
        pdf = fhir_attachment.pdf(fhir_attachment.report_address(entry))
        resources = _resources(fhir.recording_bundle(entry, audio=audio, pdf=pdf), devices)
        lines = [
            strict_json.write(each) + "\n" for each in resources if wanted in (None, each["resourceType"])
        ]
        yield "".join(lines)


def _resources(bundle: RecordingBundle, devices: set[str]) -> list[Resource]:
    """Return the resources of a recording, which refer to each other by type and id, as on a server."""
    stethoscope = device(bundle.entry.device_id, fhir.codes())
    resources = [stethoscope, *bundle.resources(), bundle.report()]
    addresses = {f"urn:uuid:{each['id']}": f"{each['resourceType']}/{each['id']}" for each in resources}
    new = resources[1:] if bundle.entry.device_id in devices else resources
    devices.add(bundle.entry.device_id)
    return [_with_references(each, addresses) for each in new]


def _with_references(node: Any, addresses: dict[str, str]) -> Any:  # noqa: ANN401 - any part of a resource
    if isinstance(node, dict):
        return {
            name: addresses.get(value, value) if name == "reference" else _with_references(value, addresses)
            for name, value in node.items()
        }
    return [_with_references(each, addresses) for each in node] if isinstance(node, list) else node
