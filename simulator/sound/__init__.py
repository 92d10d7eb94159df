"""Sound sources: audio files, microphones and synthesised heart sounds."""
