"""The chest from the front, as simple lines, and where on it the four positions are; for page and report."""

from typing import Any, Final

WIDTH: Final = 200
HEIGHT: Final = 190
BODY: Final = (
    "M82 4v20c0 9-16 12-34 17C28 47 18 62 16 92l-4 92h26l6-72 6 74h100l6-74 6 72h26l-4-92c-2-30-12-45-32-51"
    "-18-5-34-8-34-17V4",
    "M100 48v66M62 54c12 4 26 3 38-6 12 9 26 10 38 6M68 140c8-14 20-22 32-26 12 4 24 12 32 26",
)
"""Outline; breastbone, collarbones and costal arch: SVG paths."""
PLACES: Final = ((81, 68), (119, 68), (113, 104), (137, 125))
"""Middles of the positions, in their usual order."""
RADIUS: Final = 14
MARKS: Final = {"normal": "✓", "abnormal": "!", "unsure": "?", "missing": "–"}
"""Sign of each state: colour is never the only one."""


def state(position: dict[str, Any]) -> str:
    """Return the state of a position of an exam: its label, else `unsure` or `missing`."""
    return str(position["label"] or ("unsure" if position["recording_id"] else "missing"))
