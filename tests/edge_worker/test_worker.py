"""Recordings through the worker as a process, with the real broker, models and database."""

import hashlib
import sqlite3
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conftest import Client, Device, beep, cut, rows, wait_until

from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk
from edge_worker.protocol.timestamp import rfc3339
from simulator.site.site import Site

PCM = beep(16_000)


def operator_client(site: Site) -> Client:
    return Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/worker/+")


def test_a_recording_becomes_one_stored_and_published_result(site: Site) -> None:
    site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 0xAB))
        stored = device.wait_for("stetho/v1/device/st-01/down/control", type="stored")
        compact = device.wait_for("stetho/v1/device/st-01/down/result")
        full = operator.wait_for("stetho/v1/result/st-01")
    assert stored == {"type": "stored", "recording_id": "00000000000000ab", "completeness": "complete"}
    assert compact["recording_id"] == full["recording_id"] == "00000000000000ab"
    assert [model["model"] for model in full["models"]] == ["heart5", "heart2"]
    assert full["audio"] == {
        "sample_rate": 4000,
        "channels": 1,
        "samples": 16_000,
        "sha256": hashlib.sha256(PCM).hexdigest(),
    }
    assert rows(site, "SELECT status, completeness FROM recordings") == [(full["status"], "complete")]
    wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")


def test_the_wav_file_holds_the_samples_that_were_sent(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1)[::-1])
        device.wait_for("stetho/v1/device/st-01/down/result")
    ((name,),) = rows(site, "SELECT audio_file FROM recordings")
    with wave.open(str(site.data_dir / str(name)), "rb") as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (4000, 1, 2)
        assert sound.readframes(sound.getnframes()) == PCM
    assert list((site.data_dir / "spool").rglob("*.chunks")) == []


def test_the_compact_result_is_retained_for_a_device_that_comes_later(site: Site) -> None:
    site.start_worker()
    with Device(site, "st-01") as device, operator_client(site) as operator:
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/result/st-01")
        device.wait_for("stetho/v1/device/st-01/down/result")
        with Client(
            site.broker, site.broker.add_user("operator", "late"), "stetho/v1/device/+/down/result"
        ) as late:
            late.wait_for("stetho/v1/device/st-01/down/result", recording_id="0000000000000001")


def test_a_recording_has_one_result_after_kill_9_in_the_middle(site: Site) -> None:
    worker = site.start_worker()
    chunks = cut(PCM, 7, size=1000)
    with operator_client(site) as operator, Device(site, "st-01") as device:
        for position, chunk in enumerate(chunks):
            if position in (3, 4, 9):
                worker.kill()
                device.send(chunk)
                worker = site.start_worker()
            else:
                device.send(chunk)
        full = operator.wait_for("stetho/v1/result/st-01")
        assert (full["completeness"], full["missing"]) == ("complete", [])
        assert full["audio"]["sha256"] == hashlib.sha256(PCM).hexdigest()
        # Sent again by an impatient device, and after one more kill: still one result.
        worker.kill()
        device.messages.clear()
        device.send(chunks[-1]._replace(flags=codec.LAST | codec.RESEND))
        site.start_worker()
        device.wait_for("stetho/v1/device/st-01/down/control", type="stored")
    assert rows(site, "SELECT COUNT(*) FROM recordings") == [(1,)]
    assert rows(site, "SELECT model, COUNT(*) FROM predictions GROUP BY model ORDER BY model") == [
        ("heart2", 1),
        ("heart5", 1),
    ]


def test_kill_9_right_after_last_loses_no_recording(site: Site) -> None:
    worker = site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        for number in range(1, 11):
            device.send_all(cut(PCM, number, size=8000))
            worker.kill()
            worker = site.start_worker()
        for number in range(1, 11):
            operator.wait_for(
                "stetho/v1/result/st-01", recording_id=f"{number:016x}", completeness="complete"
            )
    assert rows(site, "SELECT COUNT(*), COUNT(document) FROM recordings") == [(10, 10)]
    assert rows(site, "SELECT COUNT(*) FROM predictions") == [(20,)]


def test_a_recording_is_complete_after_its_broker_was_killed(site: Site) -> None:
    site.start_worker()
    chunks = cut(PCM, 7, size=2000)
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(chunks[:4])
        wait_until(lambda: list((site.data_dir / "spool").rglob("*.chunks")), "the first chunk in the spool")
        site.broker.kill()
        site.broker.start()
        device.send_all(chunks[4:])
        control = device.documents("stetho/v1/device/st-01/down/control")
        # Chunks that the broker had acknowledged and not yet delivered are requested like any other loss.
        device.send_all(chunks[:4])
        full = operator.wait_for("stetho/v1/result/st-01")
    assert full["completeness"] == "complete", control


def test_missing_audio_is_requested_and_without_it_the_recording_is_partial(site: Site) -> None:
    site.start_worker()
    chunks = cut(PCM, 7, size=2000)
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(chunks[:2] + chunks[3:])
        request = device.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        assert request["ranges"] == [[4000, 6000]]
        full = operator.wait_for("stetho/v1/result/st-01")
    assert (full["completeness"], full["missing"]) == ("partial", [[4000, 6000]])


def test_too_large_a_gap_is_inconclusive(site: Site) -> None:
    site.start_worker()
    chunks = cut(PCM, 7, size=2000)
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all([chunks[0], chunks[-1]])
        full = operator.wait_for("stetho/v1/result/st-01")
    assert full["status"] == "inconclusive"
    assert "gaps" in full["reasons"]
    assert not any(model["accepted"] for model in full["models"])


def test_meta_requests_models_and_unknown_ones_are_a_reason(site: Site) -> None:
    site.start_worker()
    yesterday = rfc3339(datetime.now(UTC) - timedelta(days=1))
    with operator_client(site) as operator, Device(site, "st-01") as device:
        for number, models in enumerate(('["heart2"]', '["heart2","lungs"]', '["lungs"]'), start=1):
            body = f'{{"models":{models},"captured_at":"{yesterday}"}}'.encode()
            device.send(Chunk(codec.META, 0, 1, 4000, number, 0, len(body), body))
            device.send_all(cut(PCM, number))
        one, both, none = (
            operator.wait_for("stetho/v1/result/st-01", recording_id=f"{number:016x}") for number in (1, 2, 3)
        )
    assert (
        [model["model"] for model in one["models"]]
        == [model["model"] for model in both["models"]]
        == ["heart2"]
    )
    assert "unknown_model" in both["reasons"]
    assert (none["status"], none["models"]) == ("error", [])
    assert (one["captured_at"], one["captured_at_source"]) == (yesterday, "device")


def test_an_empty_recording_is_inconclusive_and_the_next_one_is_analysed(site: Site) -> None:
    site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send(Chunk(codec.PCM, codec.LAST, 1, 4000, 1, 0, 0, b""))
        device.send_all(cut(PCM, 2))
        empty = operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
        operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000002")
    assert empty["status"] == "inconclusive"
    assert "too_short" in empty["reasons"]


def test_meta_may_request_a_model_that_is_not_among_the_defaults(tmp_path: Path) -> None:
    with Site(tmp_path / "site", {"STETHO_MODELS": "heart5"}) as site:
        site.start_worker()
        with operator_client(site) as operator, Device(site, "st-01") as device:
            body = b'{"models":["heart2"]}'
            device.send(Chunk(codec.META, 0, 1, 4000, 1, 0, len(body), body))
            device.send_all(cut(PCM, 1))
            device.send_all(cut(PCM, 2))
            requested = operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
            default = operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000002")
    assert [model["model"] for model in requested["models"]] == ["heart2"]
    assert [model["model"] for model in default["models"]] == ["heart5"]


def test_a_message_that_was_saved_and_not_published_is_published_at_the_next_start(site: Site) -> None:
    site.start_worker().stop()
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        connection.execute(
            "INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, 0)",
            ("stetho/v1/result/st-09", b'{"v":1}'),
        )
    with operator_client(site) as operator:
        site.start_worker()
        operator.wait_for("stetho/v1/result/st-09", v=1)
        wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")


def test_a_stored_recording_without_a_result_is_analysed_at_the_next_start(site: Site) -> None:
    worker = site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/result/st-01")
        worker.kill()
        with sqlite3.connect(site.data_dir / "stetho.db") as connection:
            connection.execute("UPDATE recordings SET document = NULL, status = NULL")
            connection.execute("DELETE FROM predictions")
        operator.messages.clear()
        site.start_worker()
        operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
