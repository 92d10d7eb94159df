"""Uploads at the MQTT session without a broker: rejections, and what an earlier process left."""

import json
import time
from pathlib import Path

import pytest

from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import topics
from history_api.mqtt.command_exchange import SentCommand
from history_api.mqtt.mqtt_session import MqttSession
from history_api.mqtt.upload_publisher import Sound, UploadPublisher
from history_api.settings import ApiSettings


def test_a_rejected_upload_can_still_be_found_with_the_reason(tmp_path: Path) -> None:
    mqtt_session = MqttSession(ApiSettings(data_dir=tmp_path, api_mqtt_password="x"))
    pcm = tmp_path / "sound.pcm"
    pcm.write_bytes(bytes(8))
    publisher = UploadPublisher.spool(Sound("st-01", 7, 4000, 1, 4), pcm)
    mqtt_session.send(publisher)
    rejection = {
        "type": "rejected",
        "recording_id": publisher.sound.name,
        "reason": "too_long",
        "detail": "too long",
    }
    mqtt_session.on_message(Inbound(topics.control("st-01"), json.dumps(rejection).encode(), False, 1))
    assert mqtt_session.uploads.find("st-01", publisher.sound.name) is publisher
    assert (publisher.rejection, publisher.finished.is_set()) == ("too long", True)
    assert publisher.next_payload(0.0) is None
    assert not list(tmp_path.glob("sound.*"))


def test_recover_yields_spooled_uploads_and_removes_incomplete_files(tmp_path: Path) -> None:
    for name in ("whole.pcm", "half.pcm", "sent.part", "sent.ffmpeg.wav", "orphan.json", "note.tmp"):
        (tmp_path / name).write_bytes(bytes(8))
    (tmp_path / "labelled").mkdir()
    (tmp_path / "labelled" / "0001.wav").write_bytes(b"RIFF")
    sound = Sound("st-01", 7, 4000, 1, 4, {"site": "MV"})
    UploadPublisher.spool(sound, tmp_path / "whole.pcm")
    assert [each.sound for each in UploadPublisher.recover(tmp_path)] == [sound]
    assert {path.name for path in tmp_path.iterdir()} == {"whole.pcm", "whole.json"}
    assert not list(UploadPublisher.recover(tmp_path / "nowhere"))


def test_an_upload_that_is_refused_for_now_is_sent_again_when_the_worker_says(tmp_path: Path) -> None:
    path = tmp_path / "whole.pcm"
    path.write_bytes(bytes(8))
    publisher = UploadPublisher(Sound("st-01", 7, 4000, 1, 4, {}), path)
    start = time.monotonic()
    first = [publisher.next_payload(start) for _ in range(3)]
    assert [payload is None for payload in first] == [False, False, True]
    publisher.on_control({"type": "rejected", "reason": "too_fast", "retry_after_s": 20.0})
    assert publisher.next_payload(start + 15) is None
    again = [publisher.next_payload(time.monotonic() + 21) for _ in range(3)]
    assert [payload is None for payload in again] == [False, False, True]
    assert again[0] == first[0], "META"
    publisher.on_control({"type": "rejected", "reason": "too_fast", "retry_after_s": 20.0})
    publisher.on_control({"type": "missing", "ranges": [[0, None]]})
    assert publisher.next_payload(start + 1) is not None
    assert not publisher.rejection


def test_messages_come_together_only_while_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = MqttSession(ApiSettings(data_dir=tmp_path, api_mqtt_password="x"))
    pcm = tmp_path / "sound.pcm"
    pcm.write_bytes(bytes(8))
    upload = UploadPublisher.spool(Sound("st-01", 7, 4000, 1, 4), pcm)
    command = SentCommand("st-01", "restart", {})
    during = iter(
        (
            lambda: session.send(upload),
            lambda: session.uploads.on_result("st-01", {"recording_id": upload.sound.name}),
            lambda: session.commands._open.update({command.id: command}),
            session.commands._open.clear,
            session.stop,
        )
    )
    gathers: list[bool] = []

    def loop(connection: Connection) -> bool:
        gathers.append(connection.gathers)
        next(during)()
        return True

    monkeypatch.setattr(Connection, "loop", loop)
    session._run()
    assert gathers == [True, False, True, False, True]
