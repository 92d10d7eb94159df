"""Messages of the broker at the door of the API: identity from the topic, documents that were checked."""

import json
from pathlib import Path

import pytest

from edge_worker.errors import PayloadError
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import topics
from edge_worker.protocol.device_report import MAX_BYTES
from edge_worker.protocol.strict_json import JsonError
from history_api.mqtt import bus_message
from history_api.mqtt.bus_message import BusMessage
from history_api.mqtt.mqtt_session import MqttSession
from history_api.mqtt.upload_publisher import Sound, UploadPublisher
from history_api.settings import ApiSettings

FORGED = {"device_id": "st-02", "worker_id": "other", "exam": "other", "state": "ready", "type": "stored"}
STATE = topics.state("st-01")


def session(directory: Path) -> MqttSession:
    return MqttSession(ApiSettings(data_dir=directory, api_mqtt_password="x"))


def say(mqtt_session: MqttSession, topic: str, payload: object) -> None:
    encoded = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    mqtt_session.on_message(Inbound(topic, encoded, False, 0))


@pytest.mark.parametrize(
    ("topic", "named"),
    [
        (topics.info("st-01"), {"device_id": "st-01"}),
        (topics.live("st-01"), {"device_id": "st-01"}),
        (topics.control("st-01"), {"device_id": "st-01"}),
        (topics.result("st-01"), {"device_id": "st-01"}),
        (topics.exam("st-01", "visit-7"), {"device_id": "st-01", "exam": "visit-7"}),
        (topics.worker("edge-01"), {"worker_id": "edge-01"}),
    ],
)
def test_the_topic_alone_says_who_is_meant(topic: str, named: dict[str, str]) -> None:
    message = bus_message.read(topic, json.dumps(FORGED).encode())
    assert message is not None
    assert named.items() <= message.document.items()
    assert message.name == next(iter(named.values()))


def test_a_state_in_the_name_of_another_device_changes_only_its_own(tmp_path: Path) -> None:
    mqtt_session = session(tmp_path)
    say(mqtt_session, STATE, {"state": "lost", "boot": "x", "device_id": "st-02", "info": {"firmware": "no"}})
    assert mqtt_session.devices == {"st-01": {"device_id": "st-01", "state": "lost", "boot": "x"}}


@pytest.mark.parametrize(
    "topic", ["stetho/v1/device/ST/up/state", "stetho/v1/device/st-01/up/other", "stetho/v1/device/up/state"]
)
def test_a_topic_that_is_none_of_ours_is_ignored(topic: str) -> None:
    assert bus_message.read(topic, b'{"state":"online"}') is None


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (STATE, b"online"),
        (STATE, b"[" * 60_000),
        (topics.info("st-01"), b"[1]"),
        (topics.telemetry("st-01"), b'{"rssi":NaN}'),
        (topics.live("st-01"), b"5"),
        (topics.worker("edge-01"), b'{"state":["ready"]}'),
        (topics.exam("st-01", "x"), b"null"),
        (topics.result("st-01"), b"\xff"),
        (topics.answer("st-01"), b'{"id":"a","answer":"maybe"}'),
        (topics.answer("st-01"), b'{"answer":"done"}'),
        (topics.answer("st-01"), b'{"id":"a","answer":"refused","reason":0}'),
        (topics.control("st-01"), b'{"type":"other"}'),
        (topics.control("st-01"), b'{"type":"missing","ranges":[["a",null]]}'),
        (topics.control("st-01"), b'{"type":"missing","ranges":[[1e2,5]]}'),
        (topics.control("st-01"), b'{"type":"missing","ranges":[[9,5]]}'),
        (topics.control("st-01"), b'{"type":"missing","ranges":5}'),
        (topics.control("st-01"), b'{"type":"missing","ranges":[[-5,5]]}'),
    ],
)
def test_what_is_not_as_the_protocol_has_it_is_refused(topic: str, payload: bytes) -> None:
    with pytest.raises(JsonError):
        bus_message.read(topic, payload)


def test_refused_messages_are_counted_and_change_nothing(tmp_path: Path) -> None:
    mqtt_session = session(tmp_path)
    heard: list[BusMessage] = []
    mqtt_session.add_listener(heard.append)
    say(mqtt_session, STATE, {"state": "online", "boot": "a"})
    for payload in (b"x", [1], {"state": [1]}, {"state": "online", "x": float("nan")}):
        say(mqtt_session, STATE, payload)
    say(mqtt_session, topics.exam("st-01", "visit-7"), b"x")
    say(mqtt_session, topics.worker("edge-01"), b"x")
    assert mqtt_session.devices["st-01"]["state"] == "online"
    assert mqtt_session.refused == {"state": 4, "exam": 1, "worker": 1}
    assert [each.kind for each in heard] == ["state"]


def test_a_flood_of_refused_messages_fills_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mqtt_session = session(tmp_path)
    with caplog.at_level("INFO"):
        for _ in range(500):
            say(mqtt_session, STATE, b"x")
            say(mqtt_session, topics.telemetry("st-01"), b"x")
    assert mqtt_session.refused == {"state": 500, "telemetry": 500}
    assert [each.getMessage().split()[0] for each in caplog.records] == ["event=message_refused"] * 2


def test_a_device_keeps_one_report_of_each_kind_whatever_it_sends(tmp_path: Path) -> None:
    mqtt_session = session(tmp_path)
    for number in range(200):
        keys = {f"k{number}-{k}": "y" * 40 for k in range(60)}
        say(mqtt_session, STATE, {"state": "online", "boot": "a"} | keys)
        for topic in (topics.info("st-01"), topics.telemetry("st-01")):
            say(mqtt_session, topic, keys)
            say(mqtt_session, topic, {"big": "y" * MAX_BYTES})
    known = mqtt_session.devices["st-01"]
    assert known.keys() == {"device_id", "state", "boot", "info", "telemetry"}
    assert set(known["telemetry"]) == {f"k199-{k}" for k in range(60)}
    assert len(json.dumps(known)) < 3 * MAX_BYTES


def test_a_cleared_state_is_forgotten(tmp_path: Path) -> None:
    mqtt_session = session(tmp_path)
    say(mqtt_session, STATE, {"state": "online", "boot": "a"})
    say(mqtt_session, STATE, b"")
    assert mqtt_session.devices["st-01"]["state"] is None
    say(mqtt_session, topics.worker("edge-01"), {"state": "ready"})
    say(mqtt_session, topics.worker("edge-01"), b"")
    assert mqtt_session.workers["edge-01"]["state"] is None


def test_a_fault_of_ours_at_one_message_does_not_end_the_session(tmp_path: Path) -> None:
    mqtt_session = session(tmp_path)
    heard: list[str] = []

    def listen(message: BusMessage) -> None:
        if not heard:
            heard.append("fails")
            raise KeyError("a fault")
        heard.append(message.kind)

    mqtt_session.add_listener(listen)
    for _ in range(2):
        say(mqtt_session, STATE, {"state": "online"})
    assert heard == ["fails", "state"]
    assert mqtt_session.refused == {"state": 1}


def test_a_topic_that_mqtt_does_not_take_is_refused_before_it_is_queued(tmp_path: Path) -> None:
    mqtt_session = session(tmp_path)
    with pytest.raises(PayloadError):
        mqtt_session.clear_retained("\x84")
    assert mqtt_session._retained.empty()


def test_an_upload_whose_file_is_gone_holds_up_no_other(tmp_path: Path) -> None:
    uploads = session(tmp_path).uploads
    publishers = []
    for number in (1, 2, 3):
        pcm = tmp_path / f"{number}.pcm"
        pcm.write_bytes(bytes(8))
        publishers.append(UploadPublisher.spool(Sound("st-01", number, 4000, 1, 4), pcm))
        uploads.add(publishers[-1])
    (tmp_path / "1.pcm").unlink()
    (tmp_path / "2.pcm").write_bytes(b"x")
    sent: list[bytes] = []

    def publish(_topic: str, payload: bytes) -> int:
        sent.append(payload)
        return len(sent)

    for now in (1.0, 2.0):
        uploads.publish_due(publish, now)
    assert ["removed" in each.rejection for each in publishers] == [True, True, False]
    assert [each.finished.is_set() for each in publishers] == [True, True, False]
    assert len(sent) == 4, "META of each, and the sound of the third"
    assert uploads.find("st-01", publishers[0].sound.name) is publishers[0]


@pytest.mark.parametrize(
    "damage",
    [
        {"device_id": "\x84"},
        {"recording_id": 2**64},
        {"sample_rate": "x"},
        {"channels": 9},
        {"samples": -1},
        {"samples": 1.5},
        {"meta": [1]},
        {"more": 1},
    ],
)
def test_a_damaged_description_of_an_upload_is_removed_at_the_start(
    tmp_path: Path, damage: dict[str, object]
) -> None:
    pcm = tmp_path / "sound.pcm"
    pcm.write_bytes(bytes(8))
    UploadPublisher.spool(Sound("st-01", 7, 4000, 1, 4), pcm)
    sidecar = pcm.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | damage))
    assert not list(UploadPublisher.recover(tmp_path))
    assert not list(tmp_path.iterdir())
