"""When a sound was made, as FHIR resources say it: no time of a clock that cannot be believed."""

from collections.abc import Sequence
from typing import Final

from edge_worker.database.recording_query import RecordingEntry
from history_api.reports.fhir_resource import Resource
from history_api.results.time_format import utc

_UNKNOWN: Final[Resource] = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}


def moment(element: str, entry: RecordingEntry) -> Resource:
    """Return the time of a recording as an element of that name, or that it is unknown."""
    return {f"_{element}": _UNKNOWN} if entry.heard_at is None else {element: entry.heard_at}


def period(entries: Sequence[RecordingEntry]) -> Resource:
    """Return the time from the first recording to the last as `effectivePeriod`."""
    times = sorted(entry.heard_at for entry in entries if entry.heard_at is not None)
    return {"effectivePeriod": {"start": times[0], "end": times[-1]} if times else _UNKNOWN}


def doubts(entry: RecordingEntry) -> list[str]:
    """Return sentences about the time of a recording that is not that of its device."""
    if entry.heard_at is None:
        return ["The time is unknown: the clock of the site was not believed."]
    if entry.captured_at_source == "device" and entry.heard_at == entry.captured_at:
        return []
    wrong = "" if entry.heard_at == entry.captured_at else f": its device said {utc(entry.captured_at)}"
    return [f"The time is that of arrival{wrong}."]
