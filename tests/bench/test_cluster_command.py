"""The proof of a site of several workers in its short form, and that its audit finds what is wrong."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from bench.cluster.__main__ import main
from bench.cluster.audit import audit
from bench.cluster.postgresql import programs
from bench.cluster.sent import Sent, Waits
from edge_worker.database.schema import recordings
from edge_worker.database.store import Store
from simulator.device.delivery import Delivery

FAULTS = {"kill_process", "stop_process", "kill_broker", "kill_database", "kill_store"}
PCM = bytes(100) + bytes(range(100))
SHORT = ("--seconds", "8", "--every", "1.5", "--devices", "8", "--streams", "2", "--record-every", "4")
needs_postgresql = pytest.mark.skipif(
    programs() is None, reason="PostgreSQL is not installed: tests/install_postgresql.sh installs it"
)


@needs_postgresql
@pytest.mark.timeout(600)
def test_nothing_is_lost_while_parts_are_killed_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [f"--fault={name}" for name in sorted(FAULTS)]
    status = main([*SHORT, *faults, "--json", str(tmp_path / "cluster.json")])

    printed = capsys.readouterr().out
    assert status == 0, printed
    document = json.loads((tmp_path / "cluster.json").read_text())
    counts = document["counts"]
    assert counts["sent"] > 10
    assert counts["streams"] >= 2
    assert {each["fault"] for each in document["blows"]} == FAULTS
    assert f"{counts['sent']} sent ({counts['streams']} streams): 0 lost, 0 split" in printed


def sent(
    number: int,
    last_sent_at: float | None = None,
    *,
    stored_at: float | None = None,
    result_at: float | None = None,
    is_stream: bool = False,
) -> Sent:
    delivery = Delivery(f"{number:016x}", 100, 1, last_sent_at, stored_at, result_at=result_at)
    return Sent("st-01", delivery, PCM, is_stream)


def test_the_audit_finds_what_is_lost_split_another_sound_and_without_a_result(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'stetho.db'}"
    Store.open(url).close()
    rows = [
        (1, "complete", PCM, "ok"),
        (2, "partial", PCM, "ok"),
        (3, "complete", PCM[::-1], "ok"),
        (5, "complete", PCM, None),
        (6, "complete", PCM, "error"),
        (7, "complete", PCM[40:], "ok"),  # the end of a stream
        (8, "complete", PCM[40:], "ok"),  # of a recording
    ]
    engine = create_engine(url)
    with engine.begin() as connection:
        for number, completeness, pcm, status in rows:
            values: dict[str, object] = {
                "device_id": "st-01", "recording_id": f"{number:016x}", "completeness": completeness,
                "audio_sha256": sha256(pcm).hexdigest(), "audio_start": 100 - len(pcm) // 2, "status": status,
                "received_at": "2026-11-30T12:00:00.000Z", "captured_at": "2026-11-30T12:00:00.000Z",
                "captured_at_source": "worker", "missing": [], "sample_rate": 4000, "channels": 1,
                "samples": 100, "audio_file": "audio/st-01/1.wav", "meta": {},
            }  # fmt: skip
            connection.execute(insert(recordings).values(values))
    engine.dispose()

    counts = audit(url, [sent(number, is_stream=number in {1, 7}) for number in range(1, 9)], 1, 2)

    assert (counts.sent, counts.streams, counts.lost, counts.split) == (8, 2, 1, 1)
    assert (counts.corrupted, counts.without_result, counts.failed) == (2, 1, 1)
    assert (counts.doubled, counts.not_given) == (1, 2)
    assert not counts.is_clean
    assert audit(url, [sent(1)], 0, 0).is_clean
    assert not audit(url, [sent(1)], 0, 1).is_clean


def test_waits_are_counted_from_the_last_chunk_and_from_the_fault() -> None:
    known = [
        sent(1, 10.0, stored_at=10.5),
        sent(2, 20.0, stored_at=26.0, result_at=25.0),  # its `stored` was lost with a worker
        sent(3, 30.0),
    ]
    waits = Waits.of(known)
    assert waits is not None
    assert (waits.median_s, waits.worst_s, waits.device_median_s) == (2.75, 5.0, 5.0)
    assert Waits.of([sent(3)]) is None
    assert [each.waited_between(22.0, 23.0) for each in known] == [0.0, 3.0, 0.0]
    assert known[1].waited_between(26.0, 27.0) == 0.0


def test_without_postgresql_a_sentence_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.cluster.postgresql.programs", lambda: None)
    assert main(["--seconds", "1"]) == 2
    assert "tests/install_postgresql.sh" in capsys.readouterr().err


def test_a_worker_without_a_supervisor_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--processes", "1"])
    assert "--processes: invalid choice: 1" in capsys.readouterr().err
