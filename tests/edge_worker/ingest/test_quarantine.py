"""The quarantine: what is set aside can be looked at, and takes bounded room."""

import json
import stat
from pathlib import Path

import pytest

from edge_worker.ingest.quarantine import Origin, Quarantine, guarded, sentence

MESSAGE = Origin("message", "st-01", "00000000000000ab", "stetho/v1/device/st-01/up/pcm")


def raised(text: object) -> Exception:
    with pytest.raises(LookupError) as caught:
        raise LookupError(text)
    return caught.value


def test_an_entry_is_its_payload_and_strict_json_that_says_where_it_came_from_and_why(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    quarantine.put(MESSAGE, b"\xffpayload", raised("too\nlarge\ud800"))
    (entry,) = quarantine.entries()
    assert quarantine.payload_path(entry.id).read_bytes() == b"\xffpayload"
    document = json.loads((tmp_path / "quarantine" / f"{entry.id}.json").read_text(encoding="utf-8"))
    assert document["reason"].startswith("LookupError at test_quarantine.py:")
    assert document["reason"].endswith(": too\N{REPLACEMENT CHARACTER}large\N{REPLACEMENT CHARACTER}")
    assert {**document, "reason": "", "at": ""} == {
        "id": entry.id, "kind": "message", "at": "", "device": "st-01", "recording": "00000000000000ab",
        "topic": "stetho/v1/device/st-01/up/pcm", "reason": "", "bytes": 8,
    }  # fmt: skip
    assert stat.S_IMODE((tmp_path / "quarantine").stat().st_mode) == 0o700


def test_the_same_payload_again_is_only_counted_also_by_the_next_process(tmp_path: Path) -> None:
    for _ in range(2):
        quarantine = Quarantine(tmp_path)
        quarantine.put(MESSAGE, b"poison", raised("x"))
        quarantine.put(MESSAGE, b"poison", raised("x"))
    assert len(quarantine.entries()) == 1
    assert quarantine.document() == {
        "entries": 1,
        "bytes": 6,
        "counts": {"message": 2, "spool": 0, "outgoing": 0},
    }


def test_the_oldest_leave_first_when_there_are_too_many_or_too_large(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, max_entries=3, max_bytes=100)
    for number in range(5):
        quarantine.put(MESSAGE, bytes([number]), raised("x"))
    assert [quarantine.payload_path(each.id).read_bytes() for each in quarantine.entries()] == [
        b"\2",
        b"\3",
        b"\4",
    ]
    quarantine.put(MESSAGE, b"x" * 99, raised("x"))
    assert [each.bytes for each in quarantine.entries()] == [1, 99]
    quarantine.put(MESSAGE, b"x" * 101, raised("x"))
    assert quarantine.entries() == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_a_directory_are_moved_and_can_be_removed(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    spool = tmp_path / "st-01"
    (spool / "8.stream").mkdir(parents=True)
    for attempt in range(2):
        (spool / "7.chunks").write_bytes(b"12345")
        quarantine.take(spool / "7.chunks", raised(attempt))
    (spool / "8.stream" / "000000.chunks").write_bytes(b"123")
    quarantine.take(spool / "8.stream", raised("x"))
    entries = quarantine.entries()
    assert [(each.device, each.recording, each.bytes) for each in entries] == [
        ("st-01", "7", 5),
        ("st-01", "8", 3),
    ]
    assert entries[0].reason.startswith("st-01/7.chunks: LookupError")
    assert not list(spool.iterdir())
    again = Quarantine(tmp_path / "quarantine")
    for entry in again.entries():
        again.remove(entry.id)
    assert quarantine.entries() == []
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_files_that_are_no_entries_harm_nothing(tmp_path: Path) -> None:
    for name, content in {
        "000001-aa.json": "[",
        "x.json": "{}",
        "000002-aa.json": '{"id":5}',
        "y": "",
    }.items():
        (tmp_path / name).write_text(content)
    quarantine = Quarantine(tmp_path)
    assert quarantine.entries() == []
    quarantine.put(MESSAGE, b"1", raised("x"))
    assert len(Quarantine(tmp_path).entries()) == 1


def test_a_disk_that_refuses_is_logged_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "quarantine").write_text("a file where the directory belongs")
    quarantine = Quarantine(tmp_path / "quarantine")
    quarantine.put(MESSAGE, b"1", raised("x"))
    (tmp_path / "7.chunks").write_bytes(b"1")
    quarantine.take(tmp_path / "7.chunks", raised("x"))
    assert quarantine.entries() == []
    assert (tmp_path / "7.chunks").exists()
    assert "event=storage_refuses where=quarantine" in caplog.text


def test_a_cause_is_logged_once_with_its_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    quarantine = Quarantine(tmp_path)
    for number in range(9):
        quarantine.put(MESSAGE, bytes([number]), raised(number))
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


def test_an_exception_that_cannot_be_written_has_a_sentence_all_the_same() -> None:
    assert sentence(KeyError(10**5000)) == "KeyError"


def test_guarded_items_end_with_an_exception_that_is_handed_on() -> None:
    errors: list[Exception] = []
    assert list(guarded((1 // each for each in (1, 1, 0, 1)), errors.append)) == [1, 1]
    assert [type(error) for error in errors] == [ZeroDivisionError]
