"""Faults of the worker's surroundings: bad input, full disks, locked databases, wrong settings."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Client, Device, beep, cut, rows, wait_until

from edge_worker.ingest.chunk_file import file_header
from edge_worker.ingest.quarantine import Quarantine
from edge_worker.protocol import chunk as codec
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk
from simulator.site.site import Site

PCM = beep(16_000)


def operator_client(site: Site) -> Client:
    return Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/worker/+")


def spool_on_a_full_disk(site: Site) -> Path:
    """Let the disk refuse recording 1 of st-01 until the returned file is deleted."""
    obstacle = site.data_dir / "spool" / "st-01" / "0000000000000001.chunks"
    obstacle.parent.mkdir()
    obstacle.symlink_to("/dev/full")
    return obstacle


def test_bad_input_is_rejected_and_harms_no_other_device(site: Site) -> None:
    worker = site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as bad, Device(site, "st-02") as good:
        chunks = cut(PCM, 1, size=1000)
        payloads = [
            b"",
            b"\0" * 31,
            b"RIFF" + bytes(200),
            codec.encode(cut(PCM, 2)[0])[:-7],
            codec.encode(Chunk(codec.PCM, 0, 1, 10**9, 2, 0, 1, b"\0\0")),
            codec.encode(Chunk(codec.PCM, 0, 1, 4000, 2, 2**31, 1, b"\0\0")),
            codec.encode(Chunk(codec.META, 0, 1, 4000, 2, 0, 2, b"[]")),
            b"\xff" * 65_000,
        ]
        for chunk, payload in zip(chunks, payloads + payloads, strict=True):
            bad.publish(topics.pcm("st-01"), payload)
            good.send(chunk)
        bad.publish(topics.pcm("st-01"), codec.encode(cut(PCM, 3)[0]), retain=True)
        bad.publish(topics.state("st-01"), b"{nonsense")
        assert operator.wait_for("stetho/v1/result/st-02")["completeness"] == "complete"
        reasons = {"short", "magic", "crc", "rate", "too_long", "meta"}
        for reason in reasons:
            bad.wait_for("stetho/v1/device/st-01/down/control", type="rejected", reason=reason)
        # The sender itself is not banned.
        bad.send_all(cut(PCM, 9))
        operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000009")
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


def test_a_retained_chunk_is_erased_at_the_broker(site: Site) -> None:
    with Device(site, "st-01") as device, operator_client(site) as operator:
        device.publish(topics.pcm("st-01"), codec.encode(cut(PCM, 3)[0]), retain=True)
        for recording_id in (1, 2):  # the second worker finds nothing retained
            worker = site.start_worker()
            device.send_all(cut(PCM, recording_id))
            operator.wait_for("stetho/v1/result/st-01", recording_id=f"{recording_id:016x}")
            assert worker.stop() == 0
        controls = device.documents(topics.control("st-01"))
        assert [each["reason"] for each in controls if each["type"] == "rejected"] == ["retained"]


def test_a_flood_of_one_device_is_told_so_and_its_neighbour_is_served(site: Site) -> None:
    worker = site.start_worker(settings={"STETHO_MAX_MB_PER_MINUTE": "20", "STETHO_MAX_RECORDING_S": "3600"})
    time.sleep(11)  # until then messages may be of the time before the worker
    with operator_client(site) as operator, Device(site, "st-01") as bad, Device(site, "st-02") as good:
        chunk = cut(bytes(65_536), 7, size=32_768)[0]._replace(flags=0)
        for number in range(600):
            bad.send(chunk._replace(first_sample=number * 32_768))
            if number % 200 == 100:
                good.send_all(cut(PCM, number))
                operator.wait_for("stetho/v1/result/st-02", recording_id=f"{number:016x}")
        refusal = bad.wait_for(topics.control("st-01"), type="rejected", reason="too_fast")
        assert refusal["retry_after_s"] > 0
        assert refusal["recording_id"] == "0000000000000007"
        assert not [each for each in good.documents(topics.control("st-02")) if each["type"] == "rejected"]
        bad.publish(topics.state("st-01"), b'{"state":"online","boot":"1","x":"' + b"y" * 60_000 + b'"}')
        good.send_all(cut(PCM, 9))
        operator.wait_for("stetho/v1/result/st-02", recording_id="0000000000000009")
    spool = site.data_dir / "spool" / "st-01"
    assert sum(each.stat().st_size for each in spool.iterdir()) < 21 * 2**20
    assert worker.stop() == 0
    assert "event=too_fast device=st-01" in worker.log


def test_chunks_wait_while_the_spool_refuses_and_none_is_lost(site: Site) -> None:
    site.start_worker()
    obstacle = spool_on_a_full_disk(site)
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        degraded = operator.wait_for("stetho/v1/worker/edge-01", state="degraded")
        assert degraded["reason"]
        obstacle.unlink()
        assert operator.wait_for("stetho/v1/result/st-01")["completeness"] == "complete"
        operator.messages.clear()
    with operator_client(site) as operator:
        operator.wait_for("stetho/v1/worker/edge-01", state="ready")


def test_a_worker_that_reconnects_while_its_disk_refuses_becomes_ready_again(site: Site) -> None:
    site.start_worker()
    obstacle = spool_on_a_full_disk(site)
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/worker/edge-01", state="degraded")
        site.broker.stop()
        obstacle.unlink()
        site.broker.start()
    complete = [("complete",)]
    stored = "SELECT completeness FROM recordings WHERE document IS NOT NULL"
    wait_until(lambda: rows(site, stored) == complete, "the result")
    with operator_client(site) as operator:
        operator.wait_for("stetho/v1/worker/edge-01", state="ready")


def test_a_second_worker_on_the_same_data_or_database_is_refused(site: Site) -> None:
    first = site.start_worker()
    second = site.start_worker(wait=False)
    assert second.wait() == 2
    assert "another worker uses STETHO_DATA_DIR" in second.log
    database = {
        "STETHO_DATA_DIR": str(site.directory / "second"),
        "STETHO_DATABASE_URL": f"sqlite:///{site.data_dir / 'stetho.db'}",
    }
    third = site.start_worker(wait=False, settings=database)
    assert third.wait() == 2
    assert f"another worker uses the database {site.data_dir / 'stetho.db'}" in third.log
    first.kill()
    (site.directory / "second").mkdir(exist_ok=True)
    (site.data_dir / "audio").rename(site.directory / "second" / "audio")
    site.start_worker(settings=database)


def test_results_wait_while_the_database_refuses_and_none_is_lost(site: Site) -> None:
    site.start_worker()
    lock = sqlite3.connect(site.data_dir / "stetho.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/worker/edge-01", state="degraded")
        lock.execute("ROLLBACK")
        lock.close()
        assert operator.wait_for("stetho/v1/result/st-01")["completeness"] == "complete"


def test_a_spool_file_that_is_deleted_costs_no_other_recording_and_is_sent_again(site: Site) -> None:
    worker = site.start_worker()
    lock = sqlite3.connect(site.data_dir / "stetho.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with operator_client(site) as operator, Device(site, "st-01") as bad, Device(site, "st-02") as good:
        bad.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/worker/edge-01", state="degraded")
        good.send_all(cut(PCM, 2))
        (site.data_dir / "spool" / "st-01" / "0000000000000001.chunks").unlink()
        lock.execute("ROLLBACK")
        lock.close()
        assert operator.wait_for("stetho/v1/result/st-02")["completeness"] == "complete"
        missing = bad.wait_for("stetho/v1/device/st-01/down/control", type="missing")
        assert missing["ranges"] == [[0, None]]
        bad.send_all(cut(PCM, 1))
        assert operator.wait_for("stetho/v1/result/st-01")["completeness"] == "complete"
    assert worker.log.count("event=spool_damaged") == 1


def test_a_worker_starts_with_damaged_files_of_its_spool(site: Site) -> None:
    spool = site.data_dir / "spool"
    old_meta = codec.encode(Chunk(codec.META, codec.HAS_META, 1, 4000, 5, 0, 18, b'{"exam":"Visit 7"}'))
    (spool / "st-01" / "0000000000000003.stream").mkdir(parents=True)
    (spool / "st-01" / "0000000000000003.stream" / "state.json").write_text("[]")
    (spool / "st-01" / "0000000000000003.stream" / "000000.chunks").write_bytes(bytes(100))
    (spool / "st-01" / "0000000000000004.stream").write_text("a file where a directory belongs")
    (spool / "st-01" / "0000000000000006.chunks").mkdir()
    (spool / "Not A Device").mkdir()
    audio = b"".join(codec.encode(each) for each in cut(PCM, 5))
    (spool / "Not A Device" / "0000000000000005.chunks").write_bytes(file_header(1.0) + audio)
    (spool / "st-01" / "0000000000000005.chunks").write_bytes(file_header(1e15) + old_meta + audio)
    (spool / "st-02").write_text("a file where the directory of this device belongs")
    with operator_client(site) as operator, Device(site, "st-02") as device:
        site.start_worker()
        assert operator.wait_for("stetho/v1/result/st-01")["completeness"] == "complete"
        device.send_all(cut(PCM, 1))
        assert operator.wait_for("stetho/v1/result/st-02")["completeness"] == "complete"
    aside = {each.reason.split(":")[0] for each in Quarantine(site.data_dir / "quarantine").entries()}
    assert aside == {
        *("st-01/0000000000000004.stream", "st-01/0000000000000006.chunks", "spool/st-02"),
        "0000000000000003.stream/state.json",
    }


def test_the_will_is_offline_and_the_will_of_an_earlier_boot_is_ignored(site: Site) -> None:
    worker = site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.publish(topics.state("st-01"), '{"state":"online","boot":"new"}')
        device.publish(topics.state("st-01"), '{"state":"lost","boot":"old"}')
        device.send_all(cut(PCM, 1, size=2000)[:-1])
        # The device counts as connected: the recording is given up after STETHO_GIVE_UP_S, not after an hour.
        assert operator.wait_for("stetho/v1/result/st-01")["completeness"] == "partial"
        worker.kill()
        operator.wait_for("stetho/v1/worker/edge-01", state="offline")


def test_an_orderly_stop_publishes_offline_and_exits_with_0(site: Site) -> None:
    worker = site.start_worker()
    with operator_client(site) as operator:
        os.kill(worker.pid, signal.SIGINT)
        assert worker.wait() == 0
        operator.wait_for("stetho/v1/worker/edge-01", state="offline")


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
def test_a_wrong_setting_is_one_sentence_and_exit_2(
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
    lines = [
        line for line in done.stderr.splitlines() if not line.startswith("INFO: Created TensorFlow Lite")
    ]
    assert len(lines) == 1, "one sentence beside the line of the TFLite runtime"
    assert "event=broker_unreachable" not in done.stdout, "refused before connecting"


def test_a_database_that_is_deleted_while_the_worker_runs_is_written_again(site: Site) -> None:
    worker = site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
        for file in site.data_dir.glob("stetho.db*"):
            file.unlink()
        device.send_all(cut(PCM, 2))
        operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000002")
        worker.kill()
    assert rows(site, "SELECT count(*) FROM recordings WHERE document IS NOT NULL") == [(2,)]


def test_recordings_that_a_damaged_database_lost_are_stored_and_analysed_again(site: Site) -> None:
    site.start_worker()
    with operator_client(site) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
    site.processes.pop().stop()
    (site.data_dir / "stetho.db").write_bytes(bytes(200_000))
    with operator_client(site) as operator:
        worker = site.start_worker()
        again = operator.wait_for("stetho/v1/result/st-01", recording_id="0000000000000001")
    assert again["audio"]["samples"] == len(PCM) // 2
    assert "Traceback" not in worker.log
    assert worker.log.count("event=database_repaired") == 1
    assert len(list(site.data_dir.glob("damaged/*/stetho.db"))) == 1
