"""Exams in a real database: published with their results, read by id and in pages."""

from typing import Any

from stored_results import result_of

from edge_worker.database.history import History
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.protocol.exam import MAX_RECORDINGS
from edge_worker.protocol.result import Result

pytest_plugins = ["store_fixtures"]


def at(second: int) -> str:
    return f"2026-11-20T17:20:{second:02}.000Z"


def result(number: int, **changed: Any) -> Result:  # noqa: ANN401 - fields of Result
    return result_of(number, **({"captured_at": at(number), "exam": "visit-7"} | changed))


def store_recording(store: Store, made: Result, site: str | None) -> int:
    """Store a recording; return the id of its row."""
    stored = StoredRecording(
        device_id=made.device_id,
        recording_id=made.recording_id,
        received_at=made.captured_at,
        captured_at=made.captured_at,
        captured_at_source="device",
        completeness="complete",
        missing=[],
        sample_rate=4000,
        channels=1,
        samples=16_000,
        audio_sha256="0" * 64,
        audio_file=f"audio/{made.recording_id}.wav",
        meta={"site": site},
        exam=made.exam,
    )
    (saved,) = store.save_recordings([stored])
    assert saved.id is not None
    return saved.id


def store_results(store: Store, *pairs: tuple[Result, str | None]) -> list[OutboxMessage]:
    """Store recordings with their sites, and their results in one transaction; return the messages."""
    results = [
        AnalysisResult(store_recording(store, each, site), each, each.to_json().decode(), at(59), ())
        for each, site in pairs
    ]
    return store.save_results(results)


def test_an_exam_is_published_once_for_all_results_that_are_saved_together(
    store: Store, reader: History
) -> None:
    (message,) = store_results(store, (result(1), "AV"), (result(2), "PV"), (result(3, exam=None), "TV"))
    assert (message.topic, message.retain) == ("stetho/v1/exam/st-01/visit-7", False)
    assert [each.topic for each in store.pending()] == ["stetho/v1/exam/st-01/visit-7"]
    (now,) = reader.exam("visit-7")
    assert message.payload == now.to_json()
    assert now.missing == ["TV", "MV"]
    assert store_results(store, (result(1), "AV")) == [], "a result that is there already"


def test_exams_of_two_devices_under_one_id_are_two(store: Store, reader: History) -> None:
    store_results(
        store, (result(1), "AV"), (result(2, device_id="st-02"), "MV"), (result(3, exam="other"), "AV")
    )
    assert [each.device_id for each in reader.exam("visit-7")] == ["st-01", "st-02"]
    (mine,) = reader.exam("visit-7", "st-02")
    assert mine.missing == ["AV", "PV", "TV"]
    assert reader.exam("visit-8") == []


def test_pages_of_exams_have_each_once_though_recordings_join_meanwhile(
    store: Store, reader: History
) -> None:
    for number in range(1, 6):
        store_results(store, (result(number, exam=f"e{number}"), "AV"))
    first = reader.exams(2)
    assert [each.exam_id for each in first.exams] == ["e5", "e4"]
    store_results(store, (result(9, exam="e1"), "MV"))
    second = reader.exams(2, after=first.next)
    third = reader.exams(2, after=second.next)
    assert [each.exam_id for each in (*second.exams, *third.exams)] == ["e3", "e2", "e1"]
    assert third.next is None
    assert reader.exams(2, "st-02").exams == []


def test_only_the_newest_recordings_of_an_exam_are_read(store: Store, reader: History) -> None:
    pairs = [
        (result(1, captured_at=at(1), recording_id=f"{n:016x}"), "AV") for n in range(MAX_RECORDINGS + 20)
    ]
    store_results(store, *pairs)
    (found,) = reader.exam("visit-7")
    document = found.document()
    assert document["recordings"] == MAX_RECORDINGS
    (aortic, *_) = document["positions"]
    assert aortic["recording_id"] == f"{MAX_RECORDINGS + 19:016x}"
