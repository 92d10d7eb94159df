"""Words about how much of the sound of a stream is kept: its pictures and its WAV file show no more."""

from edge_worker.database.recording_query import RecordingEntry
from history_api.results.translation import ENGLISH, Say


def kept_words(entry: RecordingEntry, say: Say = ENGLISH) -> str:
    """Return which part of a stream is kept; nothing where that is all of it."""
    if not entry.audio_start:
        return ""
    if entry.audio_start >= entry.samples:
        return say("no sound of this stream is kept, as this site is set up")
    begin, end = f"{entry.audio_start_s:.1f}", f"{entry.samples / entry.sample_rate:.1f}"
    return say(
        "only the end, from {begin} to {end} s; the sound before that is not kept", begin=begin, end=end
    )
