"""Exams through the real broker, worker and models."""

import json
import sqlite3
from typing import Any

import pytest
from conftest import Client, Device, cut

from edge_worker.protocol import chunk as codec
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise

RATE = 4000
TOPIC = topics.exam("st-01", "visit-7")
STORED = topics.control("st-01")


@pytest.fixture(scope="module")
def heart() -> bytes:
    return (synthesise("normal", 72, 8.0, RATE, 1) * 32767).astype("<i2").tobytes()


def send(device: Device, number: int, pcm: bytes, **about: Any) -> None:  # noqa: ANN401 - JSON
    """Send a recording with its META."""
    body = json.dumps(about).encode()
    device.send(Chunk(codec.META, 0, 1, RATE, number, 0, len(body), body))
    device.send_all([each._replace(flags=each.flags | codec.HAS_META) for each in cut(pcm, number)])


def test_each_recording_of_an_exam_is_announced_until_no_position_is_missing(
    site: Site, heart: bytes
) -> None:
    site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/exam/#") as operator, Device(site, "st-01") as device:
        for number, where in enumerate(("AV", "PV", "TV"), start=1):
            send(device, number, heart, site=where, exam="visit-7")
            announced = operator.wait_for(TOPIC, recordings=number)
        assert announced["missing"] == ["MV"]
        assert announced["label"] != "normal", "a position is missing"
        silence = bytes(2 * 8 * RATE)
        send(device, 4, silence, site="MV", exam="visit-7")
        announced = operator.wait_for(TOPIC, recordings=4)
        assert announced["missing"] == ["MV"]
        assert announced["positions"][3]["reason"] == "one_value"
        send(device, 5, heart, site="MV", exam="visit-7")
        announced = operator.wait_for(TOPIC, recordings=5)
    assert announced["missing"] == []
    assert announced["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert [each["recording_id"] for each in announced["positions"]] == [f"{n:016x}" for n in (1, 2, 3, 5)]
    labels = {
        model["label"] for each in announced["positions"] for model in each["models"] if model["accepted"]
    }
    assert announced["label"] == ("normal" if labels == {"normal"} else "abnormal")


def test_a_stream_belongs_to_an_exam_as_a_recording_does(site: Site, heart: bytes) -> None:
    site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/exam/#") as operator, Device(site, "st-01") as device:
        body = b'{"site":"AV","exam":"visit-7"}'
        device.send(Chunk(codec.META, codec.STREAM, 1, RATE, 1, 0, len(body), body))
        marked = codec.STREAM | codec.HAS_META
        device.send_all([each._replace(flags=each.flags | marked) for each in cut(heart, 1)])
        announced = operator.wait_for(TOPIC, recordings=1)
        send(device, 2, heart, site="MV", exam="visit-7")
        announced = operator.wait_for(TOPIC, recordings=2)
    assert announced["missing"] == ["PV", "TV"]
    assert [announced["positions"][n]["recording_id"] for n in (0, 3)] == [f"{1:016x}", f"{2:016x}"]


def test_an_exam_is_announced_again_after_a_kill_9(site: Site, heart: bytes) -> None:
    worker = site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/exam/#") as operator, Device(site, "st-01") as device:
        send(device, 1, heart, site="AV", exam="visit-7")
        first = operator.wait_for(TOPIC, recordings=1)
        worker.kill()
        with sqlite3.connect(site.data_dir / "stetho.db") as connection:
            # As if the broker had never acknowledged it.
            values = (TOPIC, json.dumps(first).encode())
            connection.execute("INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, 0)", values)
        operator.messages.clear()
        site.start_worker()
        assert operator.wait_for(TOPIC, recordings=1) == first


@pytest.mark.parametrize("wrong", ["Visit 7", "#", 7, "a" * 33])
def test_an_invalid_exam_id_is_left_out_and_the_recording_is_analysed_without(
    site: Site, heart: bytes, wrong: object
) -> None:
    worker = site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/#") as operator, Device(site, "st-01") as device:
        send(device, 1, heart, site="MV", exam=wrong)
        device.wait_for(STORED, type="ignored", fields=["exam"])
        result = operator.wait_for("stetho/v1/result/st-01")
        send(device, 2, heart, exam="visit-7")
        operator.wait_for(TOPIC)
    assert (result["exam"], result["site"], result["completeness"]) == (None, "MV", "complete")
    assert result["ignored_meta"] == ["exam"]
    assert [each.topic for each in operator.messages if "/exam/" in each.topic] == [TOPIC]
    assert worker.stop() == 0
    assert "Traceback" not in worker.log
