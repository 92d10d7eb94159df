"""Poison: messages that raise an unexpected exception end no process, are answered, and are set aside."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import Client, Device, beep, cut, rows, wait_until

from edge_worker.assembly import assemble
from edge_worker.ingest.quarantine import Quarantine
from edge_worker.protocol import chunk as codec
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk
from edge_worker.settings import Settings
from edge_worker.upkeep.site_claim import claim_site
from simulator.site.site import Site

PCM = beep(16_000)
CONTROL = "stetho/v1/device/st-01/down/control"


def meta(body: bytes, recording_id: int, flags: int = 0) -> Chunk:
    return Chunk(codec.META, flags | codec.HAS_META, 1, 4000, recording_id, 0, len(body), body)


def heartbeat(site: Site) -> dict[str, Any]:
    found = rows(site, "SELECT document FROM workers")
    return dict(json.loads(found[0][0])) if found else {}


@contextmanager
def worker_here(site: Site) -> Iterator[None]:
    """A worker of the site in this process, where a test can make its code fail."""
    settings = Settings.from_environ(site.environ)
    worker = assemble(settings, claim_site(settings))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_until(lambda: "ready" in heartbeat(site).get("state", ""), "the worker to be ready")
        yield
        assert thread.is_alive(), "the worker has ended"
    finally:
        worker.stop()
        thread.join()


@pytest.mark.parametrize("flags", [0, codec.STREAM], ids=["recording", "stream"])
def test_a_number_of_400_digits_is_left_out_and_harms_nobody(site: Site, flags: int) -> None:
    worker = site.start_worker()
    with Device(site, "st-01") as bad, Device(site, "st-02") as good:
        bad.send(meta(b'{"amplification":1' + b"0" * 400 + b',"site":"MV"}', 1, flags))
        bad.wait_for(CONTROL, type="ignored", fields=["amplification"])
        good.send_all(cut(PCM, 1))
        good.wait_for("stetho/v1/device/st-02/down/result")
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


def test_a_message_that_raises_is_answered_acknowledged_and_set_aside(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_body: bytes, _recording_id: int) -> dict[str, object]:
        raise OverflowError("a bug")

    monkeypatch.setattr("edge_worker.ingest.recording_intake.parse_meta", fail)
    poison = meta(b'{"site":"poison"}', 1)
    with worker_here(site), Device(site, "st-01") as device:
        device.send(poison)
        answer = device.wait_for(CONTROL, type="rejected")
        # Its sound is analysed without META, and nothing is waited for.
        device.send_all([each._replace(flags=each.flags | codec.HAS_META) for each in cut(PCM, 1)])
        assert device.wait_for(CONTROL, type="stored")["completeness"] == "complete"
        site.broker.stop()
        site.broker.start()  # it would deliver a message again that was not acknowledged
        device.send_all(cut(PCM, 2))
        device.wait_for(CONTROL, type="stored", recording_id=f"{2:016x}")
        wait_until(lambda: heartbeat(site)["quarantine"]["entries"], "a heartbeat that counts it")
        assert heartbeat(site)["counters"]["rejected_failed"] == 1
    assert (answer["recording_id"], answer["reason"]) == (f"{1:016x}", "failed")
    quarantine = Quarantine(site.data_dir / "quarantine")
    (entry,) = quarantine.entries()
    assert quarantine.payload_path(entry.id).read_bytes() == codec.encode(poison)
    assert (entry.kind, entry.device, entry.topic) == ("message", "st-01", topics.pcm("st-01"))
    assert "OverflowError at test_poison.py" in entry.reason


def test_an_outbox_message_that_no_broker_takes_is_set_aside_and_blocks_none(site: Site) -> None:
    site.start_worker().stop()
    values = [("stetho/v1/result/st-01", bytes(100_000)), ("stetho/v1/#", b"1"), ("a\x84b", b"1"), ("", b"1")]
    for topic, payload in [*values, ("stetho/v1/result/st-02", b'{"a":1}')]:
        statement = "INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, 0)"
        with sqlite3.connect(site.data_dir / "stetho.db") as connection:
            connection.execute(statement, (topic, payload))
    with Client(site.broker, site.operator, "stetho/v1/#") as operator:
        worker = site.start_worker()
        operator.wait_for("stetho/v1/result/st-02", a=1)
        wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")
    assert "Unspecified error" not in worker.log, "the broker threw it out"
    entries = Quarantine(site.data_dir / "quarantine").entries()
    assert [(each.kind, each.bytes) for each in entries] == [("outgoing", len(each)) for _, each in values]
    assert "100000 bytes is over" in entries[0].reason


def test_a_message_that_only_this_broker_refuses_is_set_aside_after_some_connections(site: Site) -> None:
    site.start_worker().stop()
    site.broker.stop()
    (site.directory / "broker" / "conf.d" / "small.conf").write_text("max_packet_size 20000\n")
    for topic, size in (("a", 3), ("b", 30_000), ("c", 4)):
        with sqlite3.connect(site.data_dir / "stetho.db") as connection:
            values = (f"stetho/v1/result/{topic}", json.dumps({"x": "x" * size}).encode())
            connection.execute("INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, 0)", values)
    site.broker.start()
    with Client(site.broker, site.operator, "stetho/v1/#") as operator, Device(site, "st-01") as device:
        site.start_worker()
        operator.wait_for("stetho/v1/result/a", x="xxx")
        operator.wait_for("stetho/v1/result/c", x="xxxx")
        wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")
        device.send_all(cut(PCM, 1))
        operator.wait_for("stetho/v1/result/st-01")
    (entry,) = Quarantine(site.data_dir / "quarantine").entries()
    assert (entry.kind, entry.topic, entry.bytes) == ("outgoing", "stetho/v1/result/b", 30_009)


def test_a_recording_of_many_gaps_has_a_result_that_leaves_and_all_its_gaps_are_stored(site: Site) -> None:
    site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/#") as operator, Device(site, "st-01") as device:
        for first in range(0, 1200, 2):
            flags = codec.GAP_BEFORE | (codec.LAST if first == 1198 else 0)
            device.send(Chunk(codec.PCM, flags, 1, 4000, 1, first, 1, b"\1\0"))
        result = operator.wait_for("stetho/v1/result/st-01")
        wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")
    assert (len(result["missing"]), result["missing_ranges"]) == (256, 599)
    ((missing,),) = rows(site, "SELECT missing FROM recordings")
    assert json.loads(missing) == [[first + 1, first + 2] for first in range(0, 1198, 2)]


def test_an_exam_with_a_recording_that_cannot_be_read_costs_no_result(site: Site) -> None:
    worker = site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/#") as operator, Device(site, "st-01") as device:
        for number in (1, 2):
            device.send(meta(b'{"exam":"visit-7"}', number))
            device.send_all(cut(PCM, number))
            result = operator.wait_for("stetho/v1/result/st-01", recording_id=f"{number:016x}")
            with sqlite3.connect(site.data_dir / "stetho.db") as connection:
                connection.execute("UPDATE recordings SET document = '{}' WHERE recording_id LIKE '%1'")
    assert (result["status"], result["exam"]) != ("error", None)
    assert worker.stop() == 0
    assert "event=failed device=st-01 exam=visit-7" in worker.log


def test_a_stream_whose_result_cannot_be_written_keeps_its_sound(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = "edge_worker.live.stream_quality.StreamQuality.heart_rate_bpm"
    monkeypatch.setattr(rate, lambda _self: "a bug")
    with (
        worker_here(site),
        Client(site.broker, site.operator, "stetho/v1/#") as operator,
        Device(site, "st-01") as device,
    ):
        device.send_all([each._replace(flags=each.flags | codec.STREAM) for each in cut(PCM, 1)])
        result = operator.wait_for("stetho/v1/result/st-01")
    assert (result["status"], result["reasons"], result["heart_rate_bpm"]) == ("error", ["failed"], None)
    assert len(list((site.data_dir / "audio" / "st-01").glob("*.wav"))) == 1
