"""Words of the worker on the OLED: the firmware has advice for every reason, and texts fit into a row."""

import json
import re
from pathlib import Path
from typing import Final

from edge_worker.protocol import compact_result, live_value
from edge_worker.protocol.meaning import ascii_text
from edge_worker.protocol.result import REASONS
from edge_worker.protocol.verdict_words import SEVERITIES, SHORT_DISAGREE

PROJECT: Final = Path(__file__).parents[3]
DISPLAY: Final = PROJECT / "firmware/core/display"
BOLD: Final = 18
SMALL: Final = 21
"""Characters of a row of these styles."""


def longer(texts: list[str], columns: int) -> list[str]:
    return [text for text in texts if len(text) > columns]


def test_every_reason_of_a_result_has_a_line_and_advice_on_the_display() -> None:
    source = (DISPLAY / "result_screen.cpp").read_text()
    rows = re.findall(r'^ +\{"(\w+)", "([^"]+)", "([^"]+)"\},$', source, re.MULTILINE)
    assert {reason for reason, _, _ in rows} == set(REASONS)
    assert longer([what for _, what, _ in rows], BOLD) == []
    assert longer([remedy for _, _, remedy in rows], SMALL) == []


def test_words_of_the_worker_fit_into_a_row_in_each_language() -> None:
    assert compact_result.ROW == live_value.MAX_HINT == SMALL
    cards = [json.loads(path.read_text()) for path in (PROJECT / "models_tflite").glob("*.json")]
    meanings = [meaning for card in cards for meaning in card.get("meanings", {}).values()]
    names = [name for meaning in meanings for name in meaning["name"].values()]
    assert len(names) > 100
    words = [text for texts in (SHORT_DISAGREE, *SEVERITIES.values()) for text in texts.values()]
    assert longer([ascii_text(text, 99) for text in (*names, *words)], SMALL) == []
