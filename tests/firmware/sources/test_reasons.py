"""Reasons of results on the OLED: the table of the firmware knows every reason of the worker."""

import re
from pathlib import Path

from edge_worker.protocol.result import REASONS

SOURCE = Path(__file__).parents[3] / "firmware/core/display/device_screen.cpp"
BOLD = 18
"""Characters of a row of style kBold."""


def test_every_reason_of_a_result_has_a_line_and_advice_on_the_display() -> None:
    rows = re.findall(r'^ +\{"(\w+)", "([^"]+)", "([^"]+)"\},$', SOURCE.read_text(), re.MULTILINE)
    assert {reason for reason, _, _ in rows} == set(REASONS)
    assert [what for _, what, _ in rows if len(what) > BOLD] == []
