"""Words about how much of the sound of a stream is kept: its pictures and its WAV file show no more."""

from edge_worker.database.recording_query import RecordingEntry


def kept_words(entry: RecordingEntry) -> str:
    """Return which part of a stream is kept; nothing where that is all of it."""
    if not entry.audio_start:
        return ""
    if entry.audio_start >= entry.samples:
        return "no sound of this stream is kept, as this site is set up"
    begin, end = entry.audio_start_s, entry.samples / entry.sample_rate
    return f"only the end, from {begin:.1f} to {end:.1f} s; the sound before that is not kept"
