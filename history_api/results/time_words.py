"""Words about the time of a recording: by whose clock, and what a wrong clock said instead."""

import json

from edge_worker.database.recording_query import RecordingEntry
from history_api.results.time_format import utc


def time_words(entry: RecordingEntry) -> str:
    """Return by whose clock a recording was captured when it says, and whether that was corrected."""
    if entry.captured_at_source == "device":
        return "by the clock of the device"
    if entry.captured_at_source == "unsure":
        return "uncertain: the clock of this site was wrong"
    result = {} if entry.document is None else json.loads(entry.document)
    claimed = result.get("captured_at_claimed")
    return "when it was received" + (
        "" if claimed is None else f" (corrected: a wrong clock said {utc(claimed)})"
    )
