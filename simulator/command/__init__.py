"""Commands of `python -m simulator`."""
