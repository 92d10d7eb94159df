"""The worker as a process between the real broker and a real database."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from conftest import Client, Device, beep, cut, rows, wait_until

from edge_worker.protocol import chunk as codec
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk
from simulator.site.site import Site

PCM = beep(16_000)


def operator(site: Site) -> Client:
    return Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/worker/+")


def test_a_recording_becomes_one_stored_and_published_result(site: Site) -> None:
    site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 0xAB))
        receipt = device.wait_for("stetho/v1/device/st-01/down/control", type="stored")
        compact = device.wait_for("stetho/v1/device/st-01/down/result")
        full = ear.wait_for("stetho/v1/result/st-01")
    assert receipt == {"type": "stored", "recording_id": "00000000000000ab", "completeness": "complete"}
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


def test_the_sound_on_disk_is_byte_identical(site: Site) -> None:
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
    with Device(site, "st-01") as device, operator(site) as ear:
        device.send_all(cut(PCM, 1))
        ear.wait_for("stetho/v1/result/st-01")
        device.wait_for("stetho/v1/device/st-01/down/result")
        with Client(
            site.broker, site.broker.add_user("operator", "late"), "stetho/v1/device/+/down/result"
        ) as late:
            late.wait_for("stetho/v1/device/st-01/down/result", recording_id="0000000000000001")


def test_kill_9_in_the_middle_of_a_recording_still_gives_its_result_once(site: Site) -> None:
    worker = site.start_worker()
    chunks = cut(PCM, 7, size=1000)
    with operator(site) as ear, Device(site, "st-01") as device:
        for position, chunk in enumerate(chunks):
            if position in (3, 4, 9):
                worker.kill()
                device.send(chunk)
                worker = site.start_worker()
            else:
                device.send(chunk)
        full = ear.wait_for("stetho/v1/result/st-01")
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


def test_kill_9_right_after_last_loses_nothing(site: Site) -> None:
    worker = site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as device:
        for number in range(1, 11):
            device.send_all(cut(PCM, number, size=8000))
            worker.kill()
            worker = site.start_worker()
        for number in range(1, 11):
            ear.wait_for("stetho/v1/result/st-01", recording_id=f"{number:016x}", completeness="complete")
    assert rows(site, "SELECT COUNT(*), COUNT(document) FROM recordings") == [(10, 10)]
    assert rows(site, "SELECT COUNT(*) FROM predictions") == [(20,)]


def test_a_broker_that_dies_in_the_middle_costs_nothing(site: Site) -> None:
    site.start_worker()
    chunks = cut(PCM, 7, size=2000)
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(chunks[:4])
        wait_until(lambda: list((site.data_dir / "spool").rglob("*.chunks")), "the first chunk in the spool")
        site.broker.kill()
        site.broker.start()
        device.send_all(chunks[4:])
        asked = device.documents("stetho/v1/device/st-01/down/control")
        # What the broker had acknowledged and not yet handed on is asked for like any other loss.
        device.send_all(chunks[:4])
        full = ear.wait_for("stetho/v1/result/st-01")
    assert full["completeness"] == "complete", asked


def test_missing_audio_is_asked_for_and_what_never_comes_is_partial(site: Site) -> None:
    site.start_worker()
    chunks = cut(PCM, 7, size=2000)
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(chunks[:2] + chunks[3:])
        question = device.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        assert question["ranges"] == [[4000, 6000]]
        full = ear.wait_for("stetho/v1/result/st-01")
    assert (full["completeness"], full["missing"]) == ("partial", [[4000, 6000]])


def test_too_large_a_gap_is_inconclusive(site: Site) -> None:
    site.start_worker()
    chunks = cut(PCM, 7, size=2000)
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all([chunks[0], chunks[-1]])
        full = ear.wait_for("stetho/v1/result/st-01")
    assert full["status"] == "inconclusive"
    assert "gaps" in full["reasons"]
    assert not any(model["accepted"] for model in full["models"])


def test_bad_input_is_answered_counted_and_harms_no_neighbour(site: Site) -> None:
    worker = site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as bad, Device(site, "st-02") as good:
        neighbour = cut(PCM, 1, size=1000)
        nasty = [
            b"",
            b"\0" * 31,
            b"RIFF" + bytes(200),
            codec.encode(cut(PCM, 2)[0])[:-7],
            codec.encode(Chunk(codec.PCM, 0, 1, 10**9, 2, 0, 1, b"\0\0")),
            codec.encode(Chunk(codec.PCM, 0, 1, 4000, 2, 2**31, 1, b"\0\0")),
            codec.encode(Chunk(codec.META, 0, 1, 4000, 2, 0, 2, b"[]")),
            b"\xff" * 65_000,
        ]
        for chunk, payload in zip(neighbour, nasty + nasty, strict=True):
            bad.publish(topics.pcm("st-01"), payload)
            good.send(chunk)
        bad.publish(topics.pcm("st-01"), codec.encode(cut(PCM, 3)[0]), retain=True)
        bad.publish(topics.state("st-01"), b"{nonsense")
        assert ear.wait_for("stetho/v1/result/st-02")["completeness"] == "complete"
        reasons = {"short", "magic", "crc", "rate", "too_long", "meta"}
        for reason in reasons:
            bad.wait_for("stetho/v1/device/st-01/down/control", type="rejected", reason=reason)
        # The sender itself is not banned either.
        bad.send_all(cut(PCM, 9))
        ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000009")
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


def test_models_are_chosen_by_meta_and_unknown_ones_are_named(site: Site) -> None:
    site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as device:
        for number, models in enumerate(('["heart2"]', '["heart2","lungs"]', '["lungs"]'), start=1):
            body = f'{{"models":{models},"captured_at":"2026-11-20T17:20:01Z"}}'.encode()
            device.send(Chunk(codec.META, 0, 1, 4000, number, 0, len(body), body))
            device.send_all(cut(PCM, number))
        one, both, none = (
            ear.wait_for("stetho/v1/result/st-01", recording_id=f"{number:016x}") for number in (1, 2, 3)
        )
    assert (
        [model["model"] for model in one["models"]]
        == [model["model"] for model in both["models"]]
        == ["heart2"]
    )
    assert "unknown_model" in both["reasons"]
    assert (none["status"], none["models"]) == ("error", [])
    assert (one["captured_at"], one["captured_at_source"]) == ("2026-11-20T17:20:01.000Z", "device")


def test_an_unanalysable_sound_is_an_error_result_and_the_next_goes_on(site: Site) -> None:
    site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send(Chunk(codec.PCM, codec.LAST, 1, 4000, 1, 0, 0, b""))
        device.send_all(cut(PCM, 2))
        empty = ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
        ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000002")
    assert empty["status"] == "inconclusive"
    assert "too_short" in empty["reasons"]


def test_a_spool_that_refuses_makes_chunks_wait_and_loses_none(site: Site) -> None:
    site.start_worker()
    obstacle = site.data_dir / "spool" / "st-01"
    obstacle.write_text("a file where the directory of this device belongs")
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        degraded = ear.wait_for("stetho/v1/worker/edge-01", state="degraded")
        assert "st-01" in degraded["reason"]
        obstacle.unlink()
        assert ear.wait_for("stetho/v1/result/st-01")["completeness"] == "complete"
        ear.messages.clear()
    with operator(site) as ear:
        ear.wait_for("stetho/v1/worker/edge-01", state="ready")


def test_a_worker_that_reconnects_while_its_disk_refuses_is_ready_again_afterwards(site: Site) -> None:
    site.start_worker()
    obstacle = site.data_dir / "spool" / "st-01"
    obstacle.write_text("a file where the directory of this device belongs")
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        ear.wait_for("stetho/v1/worker/edge-01", state="degraded")
        site.broker.stop()
        obstacle.unlink()
        site.broker.start()
    complete = [("complete",)]
    stored = "SELECT completeness FROM recordings WHERE document IS NOT NULL"
    wait_until(lambda: rows(site, stored) == complete, "the result")
    with operator(site) as ear:
        ear.wait_for("stetho/v1/worker/edge-01", state="ready")


def test_a_second_worker_on_the_same_data_is_refused(site: Site) -> None:
    first = site.start_worker()
    second = site.start_worker(wait=False)
    assert second.wait() == 2
    assert "another worker uses STETHO_DATA_DIR" in second.log
    first.kill()
    site.start_worker()


def test_a_model_that_is_there_can_be_asked_for_though_it_is_no_default(tmp_path: Path) -> None:
    with Site(tmp_path / "site", {"STETHO_MODELS": "heart5"}) as site:
        site.start_worker()
        with operator(site) as ear, Device(site, "st-01") as device:
            body = b'{"models":["heart2"]}'
            device.send(Chunk(codec.META, 0, 1, 4000, 1, 0, len(body), body))
            device.send_all(cut(PCM, 1))
            device.send_all(cut(PCM, 2))
            asked = ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
            default = ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000002")
    assert [model["model"] for model in asked["models"]] == ["heart2"]
    assert [model["model"] for model in default["models"]] == ["heart5"]


def test_a_database_that_refuses_makes_results_wait_and_loses_none(site: Site) -> None:
    site.start_worker()
    lock = sqlite3.connect(site.data_dir / "stetho.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        ear.wait_for("stetho/v1/worker/edge-01", state="degraded")
        lock.execute("ROLLBACK")
        lock.close()
        assert ear.wait_for("stetho/v1/result/st-01")["completeness"] == "complete"


def test_a_message_that_was_saved_and_not_published_is_published_at_the_next_start(site: Site) -> None:
    site.start_worker().stop()
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        connection.execute(
            "INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, 0)",
            ("stetho/v1/result/st-09", b'{"v":1}'),
        )
    with operator(site) as ear:
        site.start_worker()
        ear.wait_for("stetho/v1/result/st-09", v=1)
        wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")


def test_a_stored_recording_without_a_result_is_analysed_at_the_next_start(site: Site) -> None:
    worker = site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        ear.wait_for("stetho/v1/result/st-01")
        worker.kill()
        with sqlite3.connect(site.data_dir / "stetho.db") as connection:
            connection.execute("UPDATE recordings SET document = NULL, status = NULL")
            connection.execute("DELETE FROM predictions")
        ear.messages.clear()
        site.start_worker()
        ear.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")


def test_the_will_says_offline_and_a_stale_will_is_ignored(site: Site) -> None:
    worker = site.start_worker()
    with operator(site) as ear, Device(site, "st-01") as device:
        device.publish(topics.state("st-01"), '{"state":"online","boot":"new"}')
        device.publish(topics.state("st-01"), '{"state":"lost","boot":"old"}')
        device.send_all(cut(PCM, 1, size=2000)[:-1])
        # Taken as connected, the recording is given up after STETHO_GIVE_UP_S, not after an hour.
        assert ear.wait_for("stetho/v1/result/st-01")["completeness"] == "partial"
        worker.kill()
        ear.wait_for("stetho/v1/worker/edge-01", state="offline")


def test_an_orderly_stop_says_offline_and_ends_with_0(site: Site) -> None:
    worker = site.start_worker()
    with operator(site) as ear:
        os.kill(worker.pid, signal.SIGINT)
        assert worker.wait() == 0
        ear.wait_for("stetho/v1/worker/edge-01", state="offline")


def test_a_wrong_password_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    with Site(tmp_path, {"STETHO_MQTT_PASSWORD": "wrong"}) as site:
        worker = site.start_worker(wait=False)
        assert worker.wait() == 2
    assert "the broker refuses user 'worker'" in worker.log
    assert "Traceback" not in worker.log


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"STETHO_MODELS": "heart5,lungs"}, "lungs"),
        ({"STETHO_MODELS_DIR": "/nonexistent"}, "heart5"),
        ({"STETHO_DATA_DIR": "/proc/stetho"}, "STETHO_DATA_DIR"),
        ({"STETHO_DATABASE_URL": "nonsense"}, "STETHO_DATABASE_URL"),
        ({"STETHO_DATABASE_URL": "sqlite:////proc/none/x.db"}, "cannot be"),
        ({"STETHO_MQTT_PORT": "x"}, "STETHO_MQTT_PORT"),
        ({"STETHO_MQTT_PASSWORD_FILE": "/nonexistent"}, "STETHO_MQTT_PASSWORD_FILE"),
        ({"STETHO_MQTT_CA_FILE": "/nonexistent"}, "STETHO_MQTT_CA_FILE"),
    ],
)
def test_what_is_wrong_at_the_start_is_one_sentence_and_exit_2(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("STETHO_")}
    environ |= {
        "STETHO_DATA_DIR": str(tmp_path),
        "STETHO_MQTT_PORT": "1",
        **settings,
    }
    done = subprocess.run(
        [sys.executable, "-m", "edge_worker"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("INFO: Created TensorFlow Lite")]
    assert len(said) == 1, "one sentence beside what the runtime says of itself"
    assert "event=broker_unreachable" not in done.stdout, "found out before connecting"
