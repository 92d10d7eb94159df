"""Rights of each role to publish and to receive, on the real broker.

Over MQTT 3.1.1 a refused message is acknowledged and dropped, so each test observes a receiver. A permitted
message that follows proves that the refused one would have arrived before it.
"""

from pathlib import Path

import pytest
from mqtt_probe import Probe

from broker.account import Credentials
from broker.mosquitto import Broker
from edge_worker.protocol import topics

pytest_plugins = ["broker_accounts"]

ST_01 = "stetho/v1/device/st-01"
ST_02 = "stetho/v1/device/st-02"


def test_a_device_cannot_publish_as_another(broker: Broker, worker: Credentials, device: Credentials) -> None:
    with Probe(broker.port, worker) as receiver, Probe(broker.port, device) as sender:
        receiver.subscribe("stetho/v1/device/+/up/#")
        for topic in (f"{ST_02}/up/pcm", f"{ST_02}/up/state", f"{ST_01}/up/pcm"):
            sender.publish(topic)
        receiver.wait_for(f"{ST_01}/up/pcm")
        assert receiver.topics == [f"{ST_01}/up/pcm"]


def test_a_device_retains_nothing_beside_the_topics_of_the_protocol(
    own_broker: Broker, tmp_path: Path
) -> None:
    device = own_broker.add_user("device", "st-01")
    own_broker.start()
    foreign = [f"{ST_01}/{rest}" for rest in ("up/x/1", "up", "up/pcm/x", "up/other", "down/command", "x")]
    with Probe(own_broker.port, device) as sender:
        for topic in (*foreign, f"{ST_01}/up/state"):
            sender.publish(topic, b"rubbish" if topic in foreign else b"online", retain=True)
    own_broker.stop()
    kept = (tmp_path / "broker" / "data" / "mosquitto.db").read_bytes()
    assert b"online" in kept
    assert b"rubbish" not in kept


@pytest.mark.parametrize(
    "forged",
    [
        topics.result("st-01"),
        topics.exam("st-01", "visit-7"),
        topics.worker("edge-01"),
        "homeassistant/device/st-01/config",
    ],
)
def test_only_a_worker_publishes_results_and_its_state(
    broker: Broker, worker: Credentials, operator: Credentials, device: Credentials, forged: str
) -> None:
    observer = broker.add_user("operator", f"observer-{len(forged)}")
    with Probe(broker.port, observer) as receiver, Probe(broker.port, worker) as honest:
        receiver.subscribe("#")
        for publisher in (device, operator):
            with Probe(broker.port, publisher) as sender:
                sender.publish(forged, b"forged")
        honest.publish(forged, b"honest")
        receiver.wait_for(forged)
        assert [payload for topic, payload in receiver.received if topic == forged] == [b"honest"]


@pytest.mark.parametrize("down", ["control", "live", "result", "sounds"])
def test_only_a_worker_answers_a_device(
    broker: Broker, worker: Credentials, operator: Credentials, other_device: Credentials, down: str
) -> None:
    device = broker.add_user("device", f"reads-{down}")
    topic = f"stetho/v1/device/{device.username}/down/{down}"
    with Probe(broker.port, device) as receiver, Probe(broker.port, worker) as honest:
        receiver.subscribe(f"stetho/v1/device/{device.username}/down/#")
        for publisher in (operator, other_device):
            with Probe(broker.port, publisher) as sender:
                sender.publish(topic, b"forged")
        honest.publish(topic, b"honest")
        receiver.wait_for(topic)
        assert receiver.received == [(topic, b"honest")]


def test_a_device_receives_its_own_topics_and_the_worker_state_only(
    broker: Broker, worker: Credentials, device: Credentials, other_device: Credentials
) -> None:
    with (
        Probe(broker.port, device) as receiver,
        Probe(broker.port, worker) as analyser,
        Probe(broker.port, other_device) as neighbour,
    ):
        for topic_filter in ("#", "stetho/v1/device/+/down/#", "$share/group/stetho/v1/device/+/up/pcm"):
            receiver.subscribe(topic_filter)
        neighbour.publish(f"{ST_02}/up/pcm")
        for topic in (f"{ST_02}/down/control", topics.result("st-02"), topics.worker("edge-02")):
            analyser.publish(topic)
        analyser.publish(f"{ST_01}/down/control")
        receiver.wait_for(f"{ST_01}/down/control")
        assert set(receiver.topics) == {topics.worker("edge-02"), f"{ST_01}/down/control"}


def test_only_the_worker_receives_sound(
    broker: Broker, worker: Credentials, operator: Credentials, device: Credentials
) -> None:
    with (
        Probe(broker.port, operator) as reader,
        Probe(broker.port, worker) as analyser,
        Probe(broker.port, device) as sender,
    ):
        analyser.subscribe(topics.ALL_PCM)
        reader.subscribe("stetho/v1/#").subscribe(topics.ALL_PCM)
        sender.publish(f"{ST_01}/up/pcm", b"sound")
        sender.publish(f"{ST_01}/up/state", b"online")
        reader.wait_for(f"{ST_01}/up/state")
        analyser.wait_for(f"{ST_01}/up/pcm")
        assert f"{ST_01}/up/pcm" not in reader.topics


def test_an_operator_commands_a_device_which_answers(
    broker: Broker, operator: Credentials, device: Credentials
) -> None:
    with Probe(broker.port, device) as receiver, Probe(broker.port, operator) as sender:
        receiver.subscribe(f"{ST_01}/down/#")
        sender.subscribe(topics.ALL_ANSWERS)
        sender.publish(topics.command("st-01"), b"identify")
        receiver.wait_for(topics.command("st-01"))
        receiver.publish(topics.answer("st-02"), b"forged")
        receiver.publish(topics.answer("st-01"), b"done")
        sender.wait_for(topics.answer("st-01"))
        assert sender.received == [(topics.answer("st-01"), b"done")]


def test_home_assistant_reads_what_its_entities_need_and_publishes_only_its_status(
    broker: Broker, worker: Credentials, device: Credentials
) -> None:
    account, observer = broker.add_user("homeassistant"), broker.add_user("operator", "observer")
    readable = [
        "homeassistant/device/st-01/config",
        topics.worker("edge-01"),
        topics.device_result("st-01"),
        topics.live("st-01"),
    ]
    with (
        Probe(broker.port, account) as reader,
        Probe(broker.port, worker) as analyser,
        Probe(broker.port, device) as sender,
        Probe(broker.port, observer) as others,
    ):
        others.subscribe("#")
        analyser.subscribe(topics.HOME_ASSISTANT_STATUS).subscribe(topics.ALL_PCM)
        reader.subscribe("stetho/v1/#").subscribe("homeassistant/#")
        sender.publish(f"{ST_01}/up/pcm", b"sound")
        sender.publish(topics.HOME_ASSISTANT_STATUS, b"forged")
        for topic in (
            topics.result("st-01"),
            topics.exam("st-01", "visit-7"),
            topics.control("st-01"),
            *readable,
        ):
            analyser.publish(topic)
        reported = {f"{ST_01}/up/{report}" for report in ("state", "telemetry")}
        for topic in sorted(reported):
            sender.publish(topic)
            reader.wait_for(topic)
        reader.wait_for(readable[-1])
        assert set(reader.topics) == {*readable, *reported}
        for topic in (
            topics.device_result("st-01"),
            "homeassistant/device/st-01/config",
            topics.pcm("st-01"),
        ):
            reader.publish(topic, b"forged")
        reader.publish(topics.HOME_ASSISTANT_STATUS, b"online")
        analyser.wait_for(topics.HOME_ASSISTANT_STATUS)
        others.wait_for(topics.HOME_ASSISTANT_STATUS)
        assert [topic for topic, payload in analyser.received + others.received if payload == b"forged"] == []


def test_notifications_read_what_they_tell_of_and_publish_nothing(
    broker: Broker, worker: Credentials, device: Credentials
) -> None:
    account, observer = broker.add_user("notify"), broker.add_user("operator", "sees-notify")
    with (
        Probe(broker.port, account) as reader,
        Probe(broker.port, worker) as analyser,
        Probe(broker.port, device) as sender,
        Probe(broker.port, observer) as others,
    ):
        others.subscribe("#")
        reader.subscribe("#")
        for report in ("pcm", "info", "telemetry", "state"):
            sender.publish(f"{ST_01}/up/{report}")
        for topic in (topics.exam("st-01", "visit-7"), topics.device_result("st-01"), topics.live("st-01")):
            analyser.publish(topic)
        for topic in (topics.worker("edge-01"), topics.result("st-01")):
            analyser.publish(topic)
            reader.wait_for(topic)
        reader.wait_for(topics.state("st-01"))
        assert set(reader.topics) == {
            topics.state("st-01"),
            topics.worker("edge-01"),
            topics.result("st-01"),
        }
        for topic in (topics.result("st-01"), topics.worker("edge-01"), topics.state("notify")):
            reader.publish(topic, b"forged")
        analyser.publish(topics.result("st-01"), b"honest")
        others.wait_for(topics.result("st-01"))
        assert [topic for topic, payload in others.received if payload == b"forged"] == []


def test_a_role_does_not_publish_as_a_device(
    broker: Broker, worker: Credentials, operator: Credentials, device: Credentials
) -> None:
    """The pattern for devices holds for every account; a role must not record under its own name."""
    with Probe(broker.port, worker) as receiver:
        receiver.subscribe("stetho/v1/device/+/up/#")
        receiver.publish("stetho/v1/device/worker/up/pcm")
        with Probe(broker.port, operator) as sender:
            sender.publish(f"stetho/v1/device/{operator.username}/up/pcm")
        with Probe(broker.port, device) as sender:
            sender.publish(f"{ST_01}/up/pcm")
        receiver.wait_for(f"{ST_01}/up/pcm")
        assert receiver.topics == [f"{ST_01}/up/pcm"]


def test_a_foreign_client_id_is_replaced_by_the_user_name(
    broker: Broker, worker: Credentials, device: Credentials, other_device: Credentials
) -> None:
    with (
        Probe(broker.port, other_device, clean_session=False) as owner,
        Probe(broker.port, worker) as sender,
    ):
        owner.subscribe(f"{ST_02}/down/#")
        with Probe(broker.port, device, client_id=other_device.username) as impostor:
            assert impostor.is_accepted
            sender.publish(f"{ST_02}/down/control", b"while both are there")
            owner.wait_for(f"{ST_02}/down/control")
            assert not owner.disconnected.is_set()
            assert impostor.received == []


def test_a_foreign_client_id_does_not_reach_an_offline_session(
    broker: Broker, worker: Credentials, device: Credentials, other_device: Credentials
) -> None:
    with Probe(broker.port, other_device, clean_session=False) as owner:
        owner.subscribe(f"{ST_02}/down/#")
    with Probe(broker.port, worker) as sender:
        sender.publish(f"{ST_02}/down/control", b"queued")
    for clean_session in (False, True):  # the one would receive the queue, the other would delete it
        with Probe(
            broker.port, device, client_id=other_device.username, clean_session=clean_session
        ) as impostor:
            assert impostor.is_accepted
            assert impostor.received == []
    with Probe(broker.port, other_device, clean_session=False) as owner:
        owner.wait_for(f"{ST_02}/down/control")
