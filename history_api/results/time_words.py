"""Words about the time of a recording: by whose clock, and what a wrong clock said instead."""

import json

from edge_worker.database.recording_query import RecordingEntry
from history_api.results.time_format import utc
from history_api.results.translation import ENGLISH, Say


def time_words(entry: RecordingEntry, say: Say = ENGLISH) -> str:
    """Return by whose clock a recording was captured when it says, and whether that was corrected."""
    if entry.captured_at_source == "device":
        return say("by the clock of the device")
    if entry.captured_at_source == "unsure":
        return say("uncertain: the clock of this site was wrong")
    result = {} if entry.document is None else json.loads(entry.document)
    claimed = result.get("captured_at_claimed")
    return say("when it was received") + (
        "" if claimed is None else say(" (corrected: a wrong clock said {time})", time=utc(claimed))
    )
