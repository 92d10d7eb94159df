"""What recordings of one chest say together: `docs/protocol.md` § Exam."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_worker.database.history import History
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.errors import ChunkError
from edge_worker.protocol.exam import (
    ABNORMAL,
    MAX_RECORDINGS,
    NORMAL,
    POSITION_REASONS,
    POSITIONS,
    Exam,
    ExamRecording,
)
from edge_worker.protocol.meta import parse_meta
from edge_worker.protocol.result import REASONS, Audio, Prediction, Quality, Result

MODELS = Path(__file__).parents[3] / "models_tflite"
AUDIO = Audio(4000, 1, 16_000, "0" * 64)


def at(second: int) -> str:
    return f"2026-11-20T17:20:{second:02}.000Z"


def result(number: int, label: str = "normal", **changed: Any) -> Result:  # noqa: ANN401 - fields of Result
    said = Prediction("heart5", "1.0.0", "f" * 64, label, 0.9, 0.8, True, {label: 0.9}, 1, 0.5)
    facts: dict[str, Any] = {
        "device_id": "st-01",
        "recording_id": f"{number:016x}",
        "status": "ok",
        "completeness": "complete",
        "audio": AUDIO,
        "quality": Quality(True, 12.0, 0.0),
        "captured_at": at(number),
        "captured_at_source": "device",
        "models": (said,),
        "heart_rate_bpm": 60.0 + number,
        "exam": "visit-7",
    }
    return Result(**(facts | changed))


def member(number: int, site: str | None, label: str = "normal", **changed: Any) -> ExamRecording:  # noqa: ANN401
    found = result(number, label, **changed)
    return ExamRecording(found.recording_id, found.captured_at, site, found.document())


def noisy(number: int, site: str) -> ExamRecording:
    quality = Quality(False, None, 0.0, ("noisy",))
    return member(number, site, status="inconclusive", reasons=("noisy",), quality=quality, models=())


def exam(*members: ExamRecording) -> dict[str, Any]:
    return Exam.of("st-01", "visit-7", members).document()


def four(**labels: str) -> list[ExamRecording]:
    return [member(n, site, labels.get(site, "normal")) for n, site in enumerate(POSITIONS, start=1)]


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


@pytest.mark.parametrize("label", sorted(ABNORMAL))
def test_one_abnormal_position_is_enough(label: str) -> None:
    document = exam(*four(TV=label))
    assert document["label"] == "abnormal"
    assert position(document, "TV")["label"] == "abnormal"
    assert exam(member(1, "TV", label))["label"] == "abnormal", "though three are missing"


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


def test_the_newest_usable_recording_counts_though_an_older_one_says_more() -> None:
    document = exam(*four(), noisy(9, "AV"))
    assert position(document, "AV")["recording_id"] == f"{1:016x}"
    assert position(document, "AV")["recordings"] == 2
    document = exam(*four(MV="murmur"), member(8, "MV"))
    assert document["label"] == "normal"
    unsure = member(9, "MV", status="inconclusive", reasons=("low_confidence",), models=())
    document = exam(*four(), unsure)
    assert (document["label"], document["missing"]) == ("inconclusive", [])
    assert position(document, "MV")["reason"] == "low_confidence"
    lungs = member(9, "MV", status="error", reasons=("unknown_model",), models=())
    assert position(exam(lungs), "MV")["reason"] == "unknown_model"
    heard = member(9, "MV", reasons=("unknown_model",), models=())
    assert position(exam(heard), "MV")["hint"] == REASONS["unknown_model"]
    assert position(exam(member(1, "AV", "artifact")), "AV")["reason"] == "low_confidence"


def test_clocks_decide_which_is_newer_and_then_the_order_of_storing() -> None:
    late = replace(member(8, "MV", "murmur"), captured_at=at(0))
    assert exam(*four(), late)["label"] == "normal", "an older sound that was stored later"
    same = replace(member(8, "MV", "murmur"), captured_at=at(4))
    assert exam(*four(), same)["label"] == "abnormal"
    assert exam(same, *four())["label"] == "normal"


def test_what_cannot_be_used_says_why() -> None:
    pending = ExamRecording(f"{9:016x}", at(9), "AV")
    document = exam(pending, noisy(2, "PV"), replace(member(3, "TV"), verdict="rejected"))
    assert [each["reason"] for each in document["positions"]] == [
        *("analysing", "noisy", "rejected", "not_recorded")
    ]
    assert position(document, "PV")["hint"] == REASONS["noisy"]
    assert document["missing"] == ["AV", "PV", "TV", "MV"]
    assert (document["heart_rate_bpm"], document["analysing"]) == (None, 1)
    lost = member(1, "AV", status="inconclusive", reasons=("gaps",))
    assert position(exam(lost), "AV")["reason"] == "gaps", "usable sound with too much of it missing"
    broken = member(1, "AV", status="error", reasons=("failed",), models=())
    assert position(exam(broken), "AV")["reason"] == "failed"


def test_a_label_that_was_not_accepted_or_is_of_no_heart_counts_for_nothing() -> None:
    unsure = result(4, "murmur").models[0]
    document = exam(*four()[:3], member(4, "MV", models=(replace(unsure, accepted=False),)))
    assert document["label"] == "inconclusive"
    assert position(document, "MV")["models"][0]["accepted"] is False
    assert exam(*four(MV="artifact"))["label"] == "inconclusive"
    assert exam(*four(MV="siren"))["label"] == "inconclusive"
    contradicted = (replace(unsure, model="heart2", label="normal"), replace(unsure, label="artifact"))
    assert exam(*four()[:3], member(4, "MV", models=contradicted))["label"] == "inconclusive"
    both = (replace(unsure, model="heart2", label="normal"), unsure)
    assert exam(*four()[:3], member(4, "MV", models=both))["label"] == "abnormal", "one finds something"


def test_sites_are_read_in_any_case_and_others_are_positions_of_their_own() -> None:
    members = [replace(each, site=f" {str(each.site).lower()} ") for each in four()]
    assert exam(*members)["label"] == "normal"
    document = exam(*four(), member(5, "Erb", "murmur"), member(6, None), member(7, " "))
    assert document["label"] == "abnormal"
    assert [each["site"] for each in document["positions"][4:]] == ["Erb", None]
    assert position(document, None)["recordings"] == 2
    assert position(document, "Erb")["name"] is None


def test_no_recordings_are_an_exam_of_nothing() -> None:
    document = exam()
    assert (document["label"], document["missing"]) == ("inconclusive", ["AV", "PV", "TV", "MV"])
    assert document["first_captured_at"] is None


def test_every_label_of_the_models_of_hearts_has_its_meaning() -> None:
    cards = [json.loads(path.read_text()) for path in MODELS.glob("*.json")]
    labels = {label for card in cards if card.get("hears") == "heart" for label in card["labels"]}
    assert labels - {"artifact"} == ABNORMAL | {NORMAL}


@pytest.mark.parametrize(
    "wrong", ['"Visit 7"', '""', '"' + "a" * 33 + '"', "7", "[]", '"../x"', '"a/b"', '"#"']
)
def test_an_id_of_another_form_is_a_meta_that_is_refused(wrong: str) -> None:
    with pytest.raises(ChunkError, match="exam is not 1 to 32"):
        parse_meta(f'{{"exam":{wrong}}}'.encode(), 1)


def test_an_exam_may_be_left_out() -> None:
    assert parse_meta(b'{"exam":null}', 1) == {"exam": None}
    assert parse_meta(b'{"exam":"visit-7"}', 1) == {"exam": "visit-7"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'stetho.db'}")
    yield opened
    opened.close()


@pytest.fixture
def history(store: Store, tmp_path: Path) -> Iterator[History]:
    opened = History.open(f"sqlite:///{tmp_path / 'stetho.db'}")
    yield opened
    opened.close()


def kept(store: Store, found: Result, site: str | None) -> int:
    """Store a recording; return its row."""
    stored = StoredRecording(
        device_id=found.device_id,
        recording_id=found.recording_id,
        received_at=found.captured_at,
        captured_at=found.captured_at,
        captured_at_source="device",
        completeness="complete",
        missing=[],
        sample_rate=4000,
        channels=1,
        samples=16_000,
        audio_sha256="0" * 64,
        audio_file=f"audio/{found.recording_id}.wav",
        meta={"site": site},
        exam=found.exam,
    )
    (saved,) = store.save_recordings([stored])
    assert saved.id is not None
    return saved.id


def saved(store: Store, *pairs: tuple[Result, str | None]) -> list[OutboxMessage]:
    """Store recordings with their sites, and their results in one transaction; return what is announced."""
    verdicts = [
        AnalysisResult(kept(store, each, site), each, each.to_json().decode(), at(59), ())
        for each, site in pairs
    ]
    return store.save_results(verdicts)


def test_an_exam_is_announced_once_for_all_results_that_join_together(store: Store, history: History) -> None:
    (message,) = saved(store, (result(1), "AV"), (result(2), "PV"), (result(3, exam=None), "TV"))
    assert (message.topic, message.retain) == ("stetho/v1/exam/st-01/visit-7", False)
    assert [each.topic for each in store.pending()] == ["stetho/v1/exam/st-01/visit-7"]
    (now,) = history.exam("visit-7")
    assert message.payload == now.to_json()
    assert now.missing == ["TV", "MV"]
    assert saved(store, (result(1), "AV")) == [], "a result that is there already"


def test_exams_of_two_devices_under_one_id_are_two(store: Store, history: History) -> None:
    saved(store, (result(1), "AV"), (result(2, device_id="st-02"), "MV"), (result(3, exam="other"), "AV"))
    assert [each.device_id for each in history.exam("visit-7")] == ["st-01", "st-02"]
    (mine,) = history.exam("visit-7", "st-02")
    assert mine.missing == ["AV", "PV", "TV"]
    assert history.exam("visit-8") == []


def test_pages_of_exams_have_each_once_though_recordings_join_meanwhile(
    store: Store, history: History
) -> None:
    for number in range(1, 6):
        saved(store, (result(number, exam=f"e{number}"), "AV"))
    first = history.exams(2)
    assert [each.exam_id for each in first.exams] == ["e5", "e4"]
    saved(store, (result(9, exam="e1"), "MV"))
    second = history.exams(2, after=first.next)
    third = history.exams(2, after=second.next)
    assert [each.exam_id for each in (*second.exams, *third.exams)] == ["e3", "e2", "e1"]
    assert third.next is None
    assert history.exams(2, "st-02").exams == []


def test_an_id_that_never_changes_is_read_to_a_bound(store: Store, history: History) -> None:
    pairs = [
        (result(1, captured_at=at(1), recording_id=f"{n:016x}"), "AV") for n in range(MAX_RECORDINGS + 20)
    ]
    saved(store, *pairs)
    (found,) = history.exam("visit-7")
    document = found.document()
    assert document["recordings"] == MAX_RECORDINGS
    assert position(document, "AV")["recording_id"] == f"{MAX_RECORDINGS + 19:016x}"
