"""Words for what the positions of an exam say."""

from typing import Any

import pytest

from history_api.results import exam_words


def position(
    label: str | None = None, evidence: float | None = None, recording: str | None = "1"
) -> dict[str, Any]:
    return {"label": label, "evidence": evidence, "recording_id": recording, "hint": "record again"}


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "under 1 %"), (0.004, "under 1 %"), (0.125, "12 %"), (0.999, "over 99 %"), (1.0, "over 99 %")],
)
def test_no_share_is_certain(share: float, words: str) -> None:
    assert exam_words.share_words(share) == words


@pytest.mark.parametrize(
    ("log_odds", "words"),
    [
        (0.0, "says little"),
        (-0.4, "says little"),
        (0.41, "for abnormal"),
        (-1.6, "for normal"),
        (1.61, "strongly for abnormal"),
        (-9.21, "strongly for normal"),
    ],
)
def test_evidence_has_a_side_and_a_strength(log_odds: float, words: str) -> None:
    assert exam_words.evidence(log_odds) == words


def test_together_counts_the_positions_that_say_something() -> None:
    exam = {"probability": 0.93, "positions": [position(evidence=1.0), position(), position(evidence=2.0)]}
    assert exam_words.together(exam) == "2 positions together: abnormal 93 %, normal 7 %"
    one = {"probability": 0.2, "positions": [position(evidence=-1.5), position()]}
    assert exam_words.together(one) == "One position: abnormal 20 %, normal 80 %"
    assert exam_words.together({"probability": None, "positions": []}) is None


def test_a_position_without_a_label_says_why() -> None:
    assert exam_words.position_label(position("normal", -2.0)) == "normal"
    assert exam_words.position_label(position(evidence=0.0)) == "not sure alone"
    assert exam_words.position_label(position()) == "cannot tell"
    assert exam_words.position_label(position(recording=None)) == "missing"


def test_the_hint_of_a_position_is_for_what_is_still_needed() -> None:
    assert exam_words.hint({"label": "normal"}, position(evidence=0.1)) is None
    assert exam_words.hint({"label": "inconclusive"}, position(evidence=0.1)) == "record again"
    assert exam_words.hint({"label": "abnormal"}, position(recording=None)) == "record again"
