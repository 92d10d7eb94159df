"""Screens of the display: 21 columns, 8 rows, and the disclaimer on every result."""

from typing import Any

import pytest

from edge_worker.protocol.result import REASONS
from simulator.device import oled

OK = {"status": "ok", "bpm": 72, "model": "heart5", "label": "murmur", "confidence": 0.936, "accepted": True}
FINDING = OK | {"severity": "finding", "text": "Murmur", "note": "models disagree"}

LIVE = {"bpm": 72, "quality": 0.93, "hint": "HR 72 good", "label": "normal", "confidence": 0.91}

SCREENS = [
    oled.ready("a" * 32, has_analyser=True),
    oled.ready("st-01", has_analyser=False),
    oled.recording(0.0, 4.0),
    oled.recording(4.0, 4.0),
    oled.sending(0, 0),
    oled.sending(999_999, 1_000_000),
    oled.live(None, 0.0),
    oled.live(LIVE, 3725.5),
    oled.live({**LIVE, "bpm": None, "quality": None, "label": None, "hint": "too loud"}, 3.0),
    oled.live({**LIVE, "label": "x" * 64, "hint": "y" * 40}, 3.0),
    oled.waiting(is_stored=False),
    oled.waiting(is_stored=True),
    oled.result(OK),
    oled.result({}),
    oled.result({**OK, "label": "x" * 40, "model": "y" * 40, "bpm": None}),
    *(oled.result({"status": "inconclusive", "bpm": 80, "reason": reason}) for reason in REASONS),
    *(oled.result({"status": "error", "bpm": None, "reason": reason}) for reason in REASONS),
]


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_fills_the_display_exactly(screen: oled.Screen) -> None:
    assert [len(row) for row in screen] == [oled.COLUMNS] * oled.ROWS


def test_all_lines_of_the_frame_are_equally_wide() -> None:
    lines = oled.framed(oled.ready("st-01", has_analyser=True)).splitlines()
    assert {len(line) for line in lines} == {oled.COLUMNS + 4}
    assert len(lines) == oled.ROWS + 2


def test_bars_show_progress() -> None:
    shares = [oled.sending(done, 42)[2].count("█") for done in (0, 21, 42)]
    assert shares == [0, round(oled.COLUMNS / 2), oled.COLUMNS]


def test_a_result_shows_label_confidence_and_rate() -> None:
    text = "\n".join(oled.result(OK))
    for part in ("MURMUR", "94 %", "72 bpm"):
        assert part in text


def test_the_severity_is_a_symbol_and_words_and_a_contradiction_is_said() -> None:
    rows = [row.strip() for row in oled.result(FINDING)]
    assert rows[:4] == ["! NEEDS ATTENTION", "", "MURMUR", "models disagree"]
    normal = OK | {"severity": "none", "text": "Normal", "label": "normal"}
    assert oled.result(normal)[0].strip() == "OK NO FINDING"
    unsure = {"status": "ok", "bpm": None, "accepted": False, "label": "artifact", "note": "models disagree"}
    assert [row.strip() for row in oled.result(unsure)][:3] == ["NO CLEAR ANSWER", "", "models disagree"]


@pytest.mark.parametrize(
    "compact",
    [
        {**OK, "accepted": False},
        {**OK, "accepted": False, "status": "inconclusive", "reason": "low_confidence"},
        {**OK, "status": "error", "reason": "failed"},
    ],
)
def test_a_label_that_was_not_accepted_is_not_shown(compact: dict[str, Any]) -> None:
    text = "\n".join(oled.result(compact)).lower()
    assert "murmur" not in text
    assert "94 %" not in text


@pytest.mark.parametrize("status", ["ok", "inconclusive", "error"])
def test_every_result_has_the_disclaimer(status: str) -> None:
    assert oled.result({**OK, "status": status})[-1].strip() == "not a diagnosis"


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_a_hint(reason: str) -> None:
    screen = oled.result({"status": "inconclusive", "bpm": None, "reason": reason})
    assert REASONS[reason] in " ".join(" ".join(screen).split())


def test_e8_the_display_shows_live_values() -> None:
    screen = oled.live(LIVE, 65.0)
    assert [row.strip() for row in screen] == [
        "LIVE 1:05",
        "█" * 20 + "░",
        "72 bpm",
        "",
        "HR 72 good",
        "",
        "normal 91 %",
        "not a diagnosis",
    ]
