"""Samples of a recording before they are a signal: whether they can be sound, and which channel is heard."""
