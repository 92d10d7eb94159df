"""Subject of a recording whose device did not name one: the one that an operator assigned to the device."""

from edge_worker.analysis.recording_times import RecordingTimes
from edge_worker.database.store import Store, StoredRecording


def with_subject(
    recording: StoredRecording, store: Store, stream: RecordingTimes | None = None
) -> StoredRecording:
    """Return a recording with the subject that was assigned to its device; its own wins.

    An event is of whom its `stream` is, which began before it.
    """
    if recording.subject is not None:
        return recording
    times = stream or recording
    return recording.assigned_to(
        store.assigned_subject(recording.device_id, times.captured_at, times.received_at)
    )
