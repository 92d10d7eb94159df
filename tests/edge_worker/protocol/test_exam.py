"""Exams: label, positions and reasons, as in `docs/protocol.md` § Exam."""

import json
from dataclasses import replace
from typing import Any

import pytest
from shipped_meanings import CARDS, MEANINGS, explained

from edge_worker.protocol.document_size import MAX_BYTES
from edge_worker.protocol.exam import Exam
from edge_worker.protocol.exam_position import POSITION_REASONS, POSITIONS, ExamRecording
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import REASONS, Audio, Quality, Result

AUDIO = Audio(4000, 1, 16_000, "0" * 64)


def at(second: int) -> str:
    return f"2026-11-20T17:20:{second:02}.000Z"


def result(
    number: int,
    label: str = "normal",
    confidence: float = 0.9,
    **changed: Any,  # noqa: ANN401 - fields of Result
) -> Result:
    model = "heart2" if label == "abnormal" else "heart5"
    made = Prediction(model, "1.0.0", "f" * 64, label, confidence, 0.8, True, {label: confidence}, 1, 0.5)
    facts: dict[str, Any] = {
        "device_id": "st-01",
        "recording_id": f"{number:016x}",
        "status": "ok",
        "completeness": "complete",
        "audio": AUDIO,
        "quality": Quality(True, 12.0, 0.0),
        "captured_at": at(number),
        "captured_at_source": "device",
        "models": (explained(made),),
        "heart_rate_bpm": 60.0 + number,
        "exam": "visit-7",
    }
    return Result(**(facts | changed))


def recording(number: int, site: str | None, label: str = "normal", **changed: Any) -> ExamRecording:  # noqa: ANN401
    made = result(number, label, **changed)
    return ExamRecording(made.recording_id, made.captured_at, site, made.document())


def noisy(number: int, site: str) -> ExamRecording:
    quality = Quality(False, None, 0.0, ("noisy",))
    return recording(number, site, status="inconclusive", reasons=("noisy",), quality=quality, models=())


def exam(*recordings: ExamRecording) -> dict[str, Any]:
    return Exam.of("st-01", "visit-7", recordings).document()


def four(**labels: str) -> list[ExamRecording]:
    return [recording(n, site, labels.get(site, "normal")) for n, site in enumerate(POSITIONS, start=1)]


def position(document: dict[str, Any], site: str | None) -> dict[str, Any]:
    (found,) = [each for each in document["positions"] if each["site"] == site]
    return dict(found)


def test_four_usable_normal_positions_are_normal_with_the_median_rate() -> None:
    document = exam(*four())
    assert (document["label"], document["missing"]) == ("normal", [])
    assert document["heart_rate_bpm"] == 62.5
    assert [each["site"] for each in document["positions"]] == ["AV", "PV", "TV", "MV"]
    assert [each["name"] for each in document["positions"]] == ["aortic", "pulmonary", "tricuspid", "mitral"]
    assert (document["first_captured_at"], document["last_captured_at"]) == (at(1), at(4))
    assert document["links"]["self"] == "/api/v1/exams/visit-7?device=st-01"
    assert (
        position(document, "TV")["links"]["recording"] == "/api/v1/recordings/0000000000000003?device=st-01"
    )


@pytest.mark.parametrize("label", ["abnormal", "murmur", "extrahls", "extrastole"])
def test_one_abnormal_position_is_enough(label: str) -> None:
    document = exam(*four(TV=label))
    assert document["label"] == "abnormal"
    assert position(document, "TV")["label"] == "abnormal"
    assert exam(recording(1, "TV", label))["label"] == "abnormal", "though three are missing"


@pytest.mark.parametrize("left_out", POSITIONS)
def test_a_missing_position_is_named_and_keeps_it_from_being_normal(left_out: str) -> None:
    document = exam(*(each for each in four() if each.site != left_out))
    assert (document["label"], document["missing"]) == ("inconclusive", [left_out])
    gap = position(document, left_out)
    assert (gap["reason"], gap["hint"], gap["recording_id"]) == (
        "not_recorded",
        POSITION_REASONS["not_recorded"],
        None,
    )


def test_the_newest_usable_recording_counts_though_an_older_one_is_surer() -> None:
    document = exam(*four(), noisy(9, "AV"))
    assert position(document, "AV")["recording_id"] == f"{1:016x}"
    assert position(document, "AV")["recordings"] == 2
    document = exam(*four(MV="murmur"), recording(8, "MV"))
    assert document["label"] == "normal"
    unsure = recording(9, "MV", status="inconclusive", reasons=("low_confidence",), models=())
    document = exam(*four(), unsure)
    assert (document["label"], document["missing"]) == ("inconclusive", [])
    assert position(document, "MV")["reason"] == "low_confidence"
    lungs = recording(9, "MV", status="error", reasons=("unknown_model",), models=())
    assert position(exam(lungs), "MV")["reason"] == "unknown_model"
    normal = recording(9, "MV", reasons=("unknown_model",), models=())
    assert position(exam(normal), "MV")["hint"] == REASONS["unknown_model"]
    assert position(exam(recording(1, "AV", "artifact")), "AV")["reason"] == "low_confidence"


@pytest.mark.parametrize(
    "captured_at", [at(0), at(4), "1970-01-01T00:00:09.000Z", "2036-02-07T06:28:16.000Z"]
)
def test_the_order_of_storing_decides_which_is_newer_whatever_the_clock_of_the_device_says(
    captured_at: str,
) -> None:
    murmur = replace(recording(8, "MV", "murmur"), captured_at=captured_at)
    assert exam(*four(), murmur)["label"] == "abnormal"
    assert exam(murmur, *four())["label"] == "normal"


def test_a_recording_that_cannot_be_used_has_a_reason() -> None:
    pending = ExamRecording(f"{9:016x}", at(9), "AV")
    document = exam(pending, noisy(2, "PV"), replace(recording(3, "TV"), verdict="rejected"))
    assert [each["reason"] for each in document["positions"]] == [
        *("analysing", "noisy", "rejected", "not_recorded")
    ]
    assert position(document, "PV")["hint"] == REASONS["noisy"]
    assert document["missing"] == ["AV", "PV", "TV", "MV"]
    assert (document["heart_rate_bpm"], document["analysing"]) == (None, 1)
    lost = recording(1, "AV", status="inconclusive", reasons=("gaps",))
    assert position(exam(lost), "AV")["reason"] == "gaps", "usable sound with too much of it missing"
    broken = recording(1, "AV", status="error", reasons=("failed",), models=())
    assert position(exam(broken), "AV")["reason"] == "failed"


def test_a_label_that_was_not_accepted_or_is_of_no_heart_does_not_count() -> None:
    unsure = result(4, "murmur").models[0]
    document = exam(*four()[:3], recording(4, "MV", models=(replace(unsure, accepted=False),)))
    assert document["label"] == "inconclusive"
    assert position(document, "MV")["models"][0]["accepted"] is False
    assert exam(*four(MV="artifact"))["label"] == "inconclusive"
    assert exam(*four(MV="siren"))["label"] == "inconclusive"
    normal = explained(replace(unsure, model="heart2", label="normal"))
    contradicted = (normal, explained(replace(unsure, label="artifact")))
    assert exam(*four()[:3], recording(4, "MV", models=contradicted))["label"] == "inconclusive"
    found = exam(*four()[:3], recording(4, "MV", models=(normal, unsure)))
    assert found["label"] == "abnormal", "one finds something"


def test_sites_are_read_in_any_case_and_others_are_positions_of_their_own() -> None:
    recordings = [replace(each, site=f" {str(each.site).lower()} ") for each in four()]
    assert exam(*recordings)["label"] == "normal"
    document = exam(*four(), recording(5, "Erb", "murmur"), recording(6, None), recording(7, " "))
    assert document["label"] == "abnormal"
    assert [each["site"] for each in document["positions"][4:]] == ["Erb", None]
    assert position(document, None)["recordings"] == 2
    assert position(document, "Erb")["name"] is None


def test_an_exam_without_recordings_is_inconclusive() -> None:
    document = exam()
    assert (document["label"], document["missing"]) == ("inconclusive", ["AV", "PV", "TV", "MV"])
    assert document["first_captured_at"] is None


def test_every_label_of_the_heart_models_is_normal_or_abnormal_but_noise() -> None:
    unsure = [
        label
        for model, meanings in MEANINGS.items()
        for label, meaning in meanings.items()
        if CARDS[model]["hears"] == "heart" and meaning.severity == "unknown"
    ]
    assert unsure == ["artifact"]


def test_sounds_other_than_hearts_do_not_count() -> None:
    made = Prediction("us8k", "1.0.0", "f" * 64, "siren", 0.9, 0.8, True, {"siren": 0.9}, 1, 0.5)
    siren = recording(9, "AV", models=(explained(made),))
    assert siren.result is not None
    assert siren.result["verdict"]["severity"] == "finding"
    document = exam(*four()[1:], siren)
    assert (document["label"], position(document, "AV")["label"]) == ("inconclusive", None)


def test_the_confidence_of_an_exam_is_that_of_its_surest_finding_or_its_least_sure_normal() -> None:
    normal = exam(*(recording(n, site, confidence=0.9 + n / 100) for n, site in enumerate(POSITIONS, 1)))
    assert (normal["label"], normal["severity"], normal["confidence"]) == ("normal", "none", 0.91)
    assert position(normal, "TV")["confidence"] == 0.93
    murmurs = [recording(5, "AV", "murmur", confidence=0.81), recording(6, "MV", "murmur", confidence=0.97)]
    abnormal = exam(*four(), *murmurs)
    assert (abnormal["label"], abnormal["severity"], abnormal["confidence"]) == ("abnormal", "finding", 0.97)
    assert exam(four()[0])["confidence"] is None


def test_a_position_that_carries_the_answer_alone_is_named() -> None:
    alone = exam(*four(TV="murmur"))
    assert alone["carried_by"] == {"site": "TV", "name": "tricuspid", "recording_id": f"{3:016x}"}
    assert exam(*four(TV="murmur", AV="extrahls"))["carried_by"] is None
    assert exam(*four())["carried_by"] is None
    elsewhere = exam(*four(), recording(9, None, "murmur"))
    assert elsewhere["carried_by"] == {"site": None, "name": None, "recording_id": f"{9:016x}"}


def test_models_that_contradict_each_other_at_a_position_are_named() -> None:
    made = Prediction("heart2", "1.0.0", "f" * 64, "normal", 0.9, 0.8, True, {"normal": 0.9}, 1, 0.5)
    murmur = result(1, "murmur")
    both = recording(1, "AV", models=(*murmur.models, explained(made)))
    assert position(exam(both), "AV")["disagree"] == ["heart5", "heart2"]


def test_a_published_exam_is_bounded_and_says_how_many_positions_it_lacks() -> None:
    models = tuple(
        Prediction(
            "m" * 32, "1.0.0", "f" * 64, "\N{GRINNING FACE}" * 64, 0.9, 0.8, True, {"normal": 0.9}, 1, 0.5
        )
        for _ in range(8)
    )
    sites = [*POSITIONS, *(f"site {number}" for number in range(96))]
    large = Exam.of(
        "st-01", "visit-7", [recording(n % 60, site, models=models) for n, site in enumerate(sites)]
    )
    payload, full = large.to_message(), large.document()
    published = json.loads(payload)
    assert len(payload) <= MAX_BYTES < len(large.to_json())
    shown = len(published["positions"])
    assert len(POSITIONS) <= shown < 100
    assert published["more_positions"] == 100 - shown
    assert published == full | {"positions": full["positions"][:shown], "more_positions": 100 - shown}


def test_an_exam_that_fits_is_published_as_it_is() -> None:
    small = Exam.of("st-01", "visit-7", four())
    assert small.to_message() == small.to_json()
