"""Evidence of the positions of an exam together: probability, label and confidence."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped_meanings import explained

from edge_worker.protocol import exam_evidence
from edge_worker.protocol.exam import LABEL_RULE, Exam
from edge_worker.protocol.exam_evidence import SURE_ABNORMAL, SURE_NORMAL, WEIGHT
from edge_worker.protocol.exam_position import POSITIONS, ExamRecording
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
AUDIO = Audio(4000, 1, 16_000, "0" * 64)
EVEN = Prediction(
    "heart2", "1.0.0", "f" * 64, "normal", 0.5, 0.9, False, {"normal": 0.5, "abnormal": 0.5}, 1, 0.5
)
MURMUR = Prediction("heart5", "1.0.0", "f" * 64, "murmur", 0.9, 0.8, True, {"murmur": 0.9}, 1, 0.5)


def heart2(abnormal: float, *, accepted: bool = False, heard: float = 1.0) -> Prediction:
    label = "abnormal" if abnormal > 0.5 else "normal"
    shares = {"normal": heard * (1 - abnormal), "abnormal": heard * abnormal}
    made = replace(EVEN, label=label, confidence=shares[label], accepted=accepted, probabilities=shares)
    return explained(made)


def recording(site: str, *models: Prediction, **changed: Any) -> ExamRecording:  # noqa: ANN401 - of Result
    number = 1 + sum(map(ord, site))
    facts: dict[str, Any] = {
        "device_id": "st-01",
        "recording_id": f"{number:016x}",
        "status": "inconclusive",
        "completeness": "complete",
        "audio": AUDIO,
        "quality": Quality(True, 12.0, 0.0),
        "captured_at": "2026-11-20T17:20:01.000Z",
        "captured_at_source": "device",
        "models": tuple(map(explained, models)),
        "reasons": ("low_confidence",),
    }
    made = Result(**(facts | changed))
    return ExamRecording(made.recording_id, made.captured_at, site, made.document())


def exam(*recordings: ExamRecording) -> dict[str, Any]:
    return Exam.of("st-01", "visit-7", recordings).document()


def four(*shares: float) -> list[ExamRecording]:
    return [recording(site, heart2(share)) for site, share in zip(POSITIONS, shares, strict=True)]


def test_positions_of_which_none_is_sure_are_sure_together() -> None:
    document = exam(*four(0.9, 0.8, 0.9, 0.8))
    evidence = 2 * math.log(0.9 / 0.1) + 2 * math.log(0.8 / 0.2)
    assert document["probability"] == pytest.approx(1 / (1 + math.exp(-WEIGHT * evidence)), abs=1e-4)
    assert (document["label"], document["confidence"]) == ("abnormal", document["probability"])
    assert [each["label"] for each in document["positions"]] == [None] * 4
    assert document["positions"][0]["evidence"] == pytest.approx(math.log(0.9 / 0.1), abs=1e-3)
    document = exam(*four(0.1, 0.2, 0.1, 0.2))
    assert document["label"] == "normal"
    assert document["confidence"] == pytest.approx(1 - document["probability"], abs=1e-4)


def test_positions_that_contradict_each_other_are_inconclusive() -> None:
    document = exam(*four(0.9, 0.1, 0.5, 0.5))
    assert (document["label"], document["probability"], document["confidence"]) == ("inconclusive", 0.5, None)


def test_an_exam_is_normal_only_if_all_four_positions_were_heard() -> None:
    document = exam(*four(0.1, 0.1, 0.1, 0.1)[:3])
    assert (document["label"], document["missing"]) == ("inconclusive", ["MV"])
    assert document["probability"] < 1 - SURE_NORMAL
    sound_of_none = recording("MV", heart2(0.1, heard=0.4))
    document = exam(*four(0.1, 0.1, 0.1, 0.1)[:3], sound_of_none)
    assert (document["label"], document["positions"][3]["evidence"]) == ("inconclusive", None)
    assert exam(*four(0.95, 0.95, 0.95, 0.95)[:2])["label"] == "abnormal", "two are enough for that"


def test_a_recording_that_is_not_usable_says_nothing() -> None:
    noisy = recording("AV", heart2(0.99), quality=Quality(False, None, 0.0, ("noisy",)), reasons=("noisy",))
    rejected = replace(recording("PV", heart2(0.99)), verdict="rejected")
    document = exam(noisy, rejected, *four(0.1, 0.1, 0.2, 0.2)[2:])
    assert [each["evidence"] is None for each in document["positions"]] == [True, True, False, False]
    assert document["probability"] < 0.5


def test_one_position_alone_says_what_its_model_accepts() -> None:
    unsure = exam(recording("AV", heart2(0.99)))
    assert (unsure["label"], unsure["confidence"]) == ("inconclusive", None)
    assert unsure["probability"] > SURE_ABNORMAL
    sure = exam(recording("AV", heart2(0.99, accepted=True)))
    assert (sure["label"], sure["confidence"]) == ("abnormal", 0.99)


def test_another_model_that_is_sure_makes_an_exam_abnormal_unless_the_evidence_there_contradicts() -> None:
    normal = four(0.1, 0.1, 0.1, 0.1)
    murmur = exam(*normal[:3], recording("MV", heart2(0.6), MURMUR))
    assert (murmur["label"], murmur["confidence"]) == ("abnormal", 0.9)
    contradicted = exam(*normal[:3], recording("MV", heart2(0.1), MURMUR))
    assert contradicted["label"] == "inconclusive", "it is not normal either"
    assert exam(*normal[:3], recording("MV", MURMUR))["label"] == "abnormal", "nothing there contradicts it"


def test_one_sure_position_of_the_same_model_does_not_outvote_the_others_but_keeps_them_from_normal() -> None:
    document = exam(*four(0.03, 0.03, 0.03, 0.03)[:3], recording("MV", heart2(0.95, accepted=True)))
    assert document["positions"][3]["label"] == "abnormal"
    assert document["probability"] < 1 - SURE_NORMAL
    assert document["label"] == "inconclusive"


def test_audio_of_no_heart_says_nothing() -> None:
    artifact = replace(MURMUR, label="artifact", probabilities={"artifact": 0.9})
    document = exam(recording("AV", heart2(0.9), artifact), recording("PV", heart2(0.9)))
    assert [each["evidence"] is None for each in document["positions"][:2]] == [True, False]


def test_only_models_of_exactly_these_two_labels_give_evidence() -> None:
    three = replace(EVEN, probabilities={"normal": 0.2, "abnormal": 0.7, "artifact": 0.1})
    assert exam(recording("AV", three, MURMUR))["probability"] is None
    first = exam(recording("AV", three, heart2(0.8), heart2(0.1)))
    assert first["positions"][0]["evidence"] == pytest.approx(math.log(4), abs=1e-3)
    assert exam_evidence.log_odds([{"model": "old"}]) is None, "a result without probabilities"


def test_a_certain_model_has_finite_evidence() -> None:
    certain = exam(recording("AV", heart2(1.0)), recording("PV", heart2(0.0)))
    assert [each["evidence"] for each in certain["positions"][:2]] == [9.21, -9.21]
    assert certain["probability"] == 0.5
    assert exam_evidence.probability([-9.21] * 100) == 0


@given(st.lists(st.floats(-9.21, 9.21), min_size=1, max_size=100))
def test_the_probability_is_one_of_either_label(evidence: list[float]) -> None:
    share = exam_evidence.probability(evidence)
    opposite = exam_evidence.probability([-each for each in evidence])
    assert share is not None
    assert opposite is not None
    assert 0 <= share <= 1
    assert share + opposite == pytest.approx(1)


def test_the_rule_in_words_has_the_numbers_of_the_rule() -> None:
    section = PROTOCOL.read_text().partition("## Exam\n")[2].partition("\n## ")[0]
    assert f"*w* = {WEIGHT:g}" in section
    assert f"`probability` is at least {SURE_ABNORMAL:g}" in section
    assert f"`probability` is at most {1 - SURE_NORMAL:g}" in section
    assert f"at least {100 * SURE_ABNORMAL:.0f} % abnormal" in LABEL_RULE
    assert f"at least {100 * SURE_NORMAL:.0f} % normal" in LABEL_RULE
