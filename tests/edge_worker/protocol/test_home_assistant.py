"""Discovery by Home Assistant: its rules, the templates, and when descriptions are published or cleared."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from home_assistant_rules import check, rendered
from jsonschema.exceptions import ValidationError

from edge_worker.errors import SettingsError
from edge_worker.protocol import home_assistant, topics
from edge_worker.protocol.home_assistant_discovery import DiscoveryMessage, HomeAssistantDiscovery
from edge_worker.protocol.result import REASONS
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.sharing.shard import SHARDS, shard_of
from edge_worker.settings import Settings

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "results.json").read_text())
INFO = {"firmware": "1.2.0", "hardware": "esp32-s3", "formats": ["s16le"]}
TOPIC = topics.home_assistant("st-01")
Edit = Callable[[dict[str, Any]], object]


def described(info: dict[str, Any] | None = None, device_id: str = "st-01") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(home_assistant.payload(device_id, "edge-01", info or {}))
    return document


def value(component: str, payload: str) -> str:
    return rendered(described()["components"][component]["value_template"], payload)


@pytest.mark.parametrize("device_id", ["st-01", "-", "a" * 32, "0"])
def test_a_description_follows_the_rules_of_home_assistant(device_id: str) -> None:
    check(described(INFO, device_id))
    check(described({}, device_id))
    # The form of a topic: https://www.home-assistant.io/integrations/mqtt/#discovery-topic
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topics.home_assistant(device_id))


BROKEN: dict[str, Edit] = {
    "no device": lambda it: it.pop("device"),
    "no origin": lambda it: it.pop("origin"),
    "no components": lambda it: it.pop("components"),
    "a device without identifiers": lambda it: it["device"].pop("identifiers"),
    "a device with an unknown key": lambda it: it["device"].update(colour="red"),
    "an unknown key": lambda it: it.update(colour="red"),
    "no name of the origin": lambda it: it["origin"].pop("name"),
    "a component without platform": lambda it: it["components"]["label"].pop("platform"),
    "a component without unique_id": lambda it: it["components"]["label"].pop("unique_id"),
    "a platform that there is not": lambda it: it["components"]["label"].update(platform="stethoscope"),
    "an impossible qos": lambda it: it.update(qos=3),
    "a template that is none": lambda it: it["components"]["label"].update(value_template="{{ value_json."),
    "an availability without topic": lambda it: it["availability"][0].pop("topic"),
    "an icon that is none": lambda it: it["components"]["label"].update(icon="heart"),
    "options without enum": lambda it: it["components"]["quality"].pop("device_class"),
    "options with a unit": lambda it: it["components"]["quality"].update(unit_of_measurement="%"),
    "no options": lambda it: it["components"]["quality"].update(options=[]),
    "a sensor of the category config": lambda it: it["components"]["state"].update(entity_category="config"),
    "a class that there is not": lambda it: it["components"]["connected"].update(device_class="heart"),
    "a state class that there is not": lambda it: it["components"]["heart_rate"].update(state_class="beats"),
    "a negative time": lambda it: it["components"]["hint"].update(expire_after=-1),
    "a topic with a wildcard inside": lambda it: it["components"]["hint"].update(state_topic="a/b+/c"),
    "an empty topic": lambda it: it["components"]["hint"].update(state_topic=""),
    "no topic": lambda it: it["components"]["hint"].pop("state_topic"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_rules_notice_what_home_assistant_refuses(name: str) -> None:
    document = copy.deepcopy(described(INFO))
    BROKEN[name](document)
    with pytest.raises(ValidationError):
        check(document)


def test_names_are_unique_and_carry_the_notice() -> None:
    device = described(INFO)["device"]
    assert (device["name"], device["sw_version"]) == ("Stethoscope st-01", "1.2.0")
    assert device["model"] == "esp32-s3 (research and education, not a medical device)"
    ids = [component["unique_id"] for each in ("st-01", "st-02") for component in components(each)]
    assert len(set(ids)) == len(ids)


def components(device_id: str) -> list[dict[str, Any]]:
    return list(described({}, device_id)["components"].values())


def test_only_topics_of_its_own_device_and_its_worker_are_named() -> None:
    document = described()
    assert {each["topic"] for each in document["availability"]} == {topics.worker("edge-01")}
    named = {each[key] for each in components("st-01") for key in each if key.endswith("_topic")}
    assert named == {
        *(topics.device_result("st-01"), topics.live("st-01"), topics.state("st-01")),
    }


@pytest.mark.parametrize(
    "info",
    [
        {"firmware": 7, "hardware": None},
        {"firmware": "x" * 10_000, "hardware": "\x00\n"},
        {"hardware": "左{{ 1 }}\"'"},
    ],
)
def test_any_info_of_a_device_gives_a_valid_description(info: dict[str, Any]) -> None:
    document = described(info)
    check(document)
    assert len(json.dumps(document["device"])) < 600


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_compact_result_has_its_values(vector: dict[str, Any]) -> None:
    payload, compact = vector["compact"], json.loads(vector["compact"])
    assert value("result", payload) == compact["status"]
    assert value("heart_rate", payload) == str(compact["bpm"])
    assert value("quality", payload) == compact.get("reason", "good")
    assert value("quality", payload) in described()["components"]["quality"]["options"]
    if compact.get("accepted"):
        assert value("label", payload) == compact["text"]
        assert float(value("confidence", payload)) == pytest.approx(100 * compact["confidence"], abs=0.05)
    else:
        assert value("label", payload) == compact["text"] in ("Cannot tell", "Analysis failed")
        assert value("confidence", payload) == "None"
    assert value("severity", payload) == compact["severity"]
    assert value("severity", payload) in described()["components"]["severity"]["options"]
    assert value("finding", payload) == ("ON" if compact["severity"] == "finding" else "OFF")
    assert value("disagree", payload) == ("ON" if "note" in compact else "OFF")
    attributes = rendered(described()["components"]["label"]["json_attributes_template"], payload)
    assert json.loads(attributes) == compact | {"notice": "research and education, not a medical device"}


def test_a_result_of_an_earlier_worker_shows_no_label_that_was_not_accepted() -> None:
    before = {"v": 1, "status": "ok", "bpm": 72, "label": "murmur", "confidence": 0.9, "accepted": True}
    assert value("label", json.dumps(before)) == "murmur"
    assert value("label", json.dumps(before | {"accepted": False})) == "Cannot tell"
    assert value("severity", json.dumps(before)) == "unknown"


def test_a_cleared_result_is_unknown_again() -> None:
    """The API clears what is retained for the display when the recording is deleted; None is `unknown`."""
    for name in ("label", "confidence", "heart_rate", "quality", "result", "severity"):
        assert value(name, "") == "None"
    assert rendered(described()["components"]["label"]["json_attributes_template"], "") == "{}"


def test_a_battery_is_described_only_where_the_device_has_one() -> None:
    assert "battery" not in described(INFO)["components"]
    assert "battery" not in described(INFO | {"battery": "yes"})["components"]
    document = described(INFO | {"battery": True})
    check(document)
    battery = document["components"]["battery"]
    assert battery["state_topic"] == topics.telemetry("st-01")
    assert rendered(battery["value_template"], '{"battery_percent":78,"battery_mv":3990}') == "78"
    assert rendered(battery["value_template"], '{"uptime_ms":7}') == "None"


def test_live_values_and_states_have_their_values() -> None:
    live = '{"v":1,"recording_id":"00000000000000ab","t_s":2.5,"bpm":72,"quality":0.83,"hint":"HR 72 good"}'
    assert [value(name, live) for name in ("live_heart_rate", "hint")] == ["72", "HR 72 good"]
    assert float(value("live_quality", live)) == 83
    early = '{"v":1,"recording_id":"00000000000000ab","t_s":0.5,"bpm":null,"quality":null,"hint":"listening"}'
    assert [value(name, early) for name in ("live_heart_rate", "live_quality")] == ["None", "None"]
    for state, is_online in (("online", "ON"), ("recording", "ON"), ("offline", "OFF"), ("lost", "OFF")):
        message = json.dumps({"state": state, "boot": "9f3a12cd"})
        assert (value("state", message), value("connected", message)) == (state, is_online)
        assert state in described()["components"]["state"]["options"]
    assert value("connected", "") == "OFF"


@pytest.mark.parametrize(
    "payload", ["[1]", "5", '"online"', "null", '{"state":["online"]}', '{"state":5}', "{}"]
)
def test_what_is_no_state_is_unknown_and_not_connected(payload: str) -> None:
    assert (value("state", payload), value("connected", payload)) == ("None", "OFF")


def test_entities_are_available_while_their_worker_is() -> None:
    (availability,) = described()["availability"]
    for state, availability_state in (("ready", "online"), ("degraded", "online"), ("offline", "offline")):
        assert rendered(availability["value_template"], f'{{"state":"{state}"}}') == availability_state
    assert rendered(availability["value_template"], "") == "offline"


def test_every_reason_is_an_option() -> None:
    assert set(REASONS) < set(described()["components"]["quality"]["options"])


# --- when it is published --------------------------------------------------------------------------


def new_discovery(*known: str, is_on: bool = True) -> HomeAssistantDiscovery:
    return HomeAssistantDiscovery("edge-01", is_on=is_on, is_known=lambda device: device in known)


def config(device_id: str = "st-01", info: dict[str, Any] | None = None, worker: str = "edge-01") -> bytes:
    return home_assistant.payload(device_id, worker, info or {})


def test_a_stethoscope_is_described_when_it_is_online_or_has_recordings() -> None:
    discovery = new_discovery("st-02")
    assert discovery.update_device("st-01", is_online=True) == [DiscoveryMessage(TOPIC, config())]
    assert discovery.update_device("st-01", is_online=True) == []
    assert discovery.update_device("st-01", is_online=False) == []
    assert discovery.update_device("st-02", is_online=False) == [
        (topics.home_assistant("st-02"), config("st-02"))
    ]
    assert discovery.update_device("st-03", is_online=False) == []


def test_new_info_of_a_device_changes_its_description() -> None:
    discovery = new_discovery()
    assert discovery.receive(topics.info("st-01"), json.dumps(INFO).encode()) == []
    assert discovery.update_device("st-01", is_online=True) == [(TOPIC, config("st-01", INFO))]
    assert discovery.receive(topics.info("st-01"), json.dumps(INFO).encode()) == []
    newer = INFO | {"firmware": "1.3.0"}
    assert discovery.receive(topics.info("st-01"), json.dumps(newer).encode()) == [
        (TOPIC, config("st-01", newer))
    ]


@pytest.mark.parametrize("info", [b"", b"{", b"[]", b"7", b"\xff", b'{"firmware":"\\ud800"}', b"[" * 100_000])
def test_invalid_info_is_ignored(info: bytes) -> None:
    discovery = new_discovery()
    discovery.receive(topics.info("st-01"), info)
    assert discovery.update_device("st-01", is_online=True) == [(TOPIC, config())]


def test_all_descriptions_are_published_again_when_home_assistant_starts() -> None:
    discovery = new_discovery()
    discovery.update_device("st-01", is_online=True)
    discovery.update_device("st-02", is_online=True)
    assert discovery.receive(topics.HOME_ASSISTANT_STATUS, b"offline") == []
    assert [each.topic for each in discovery.receive(topics.HOME_ASSISTANT_STATUS, b"online")] == [
        *(TOPIC, topics.home_assistant("st-02"))
    ]


def test_a_cleared_device_is_forgotten_until_it_is_online_again() -> None:
    discovery = new_discovery()
    discovery.update_device("st-01", is_online=True)
    assert discovery.receive(TOPIC, config()) == [], "its own message, which comes back"
    assert discovery.receive(TOPIC, b"") == []
    assert discovery.receive(topics.HOME_ASSISTANT_STATUS, b"online") == []
    assert discovery.update_device("st-01", is_online=False) == []
    assert discovery.update_device("st-01", is_online=True) == [(TOPIC, config())]


def test_descriptions_of_an_earlier_run_are_known_and_updated() -> None:
    discovery = new_discovery()
    assert discovery.receive(TOPIC, config("st-01", INFO)) == []
    assert discovery.update_device("st-01", is_online=False) == [(TOPIC, config())]


def test_a_device_whose_shard_moves_is_described_by_the_process_that_has_it() -> None:
    one, two = (HomeAssistantDiscovery(name, is_on=True, is_known=pytest.fail) for name in ("one", "two"))
    ours, info = HeldShards([shard_of("st-01")]), json.dumps(INFO).encode()
    (first,) = one.update_device("st-01", is_online=True)
    for each in (one, two):  # both read what the broker retains
        each.receive(topics.info("st-01"), info)
        each.receive(*first)
    two.note_device("st-01", is_online=False)
    two.note_device("st-02", is_online=False)
    assert two.take(HeldShards(set(range(SHARDS)) - ours.numbers)) == []
    (moved,) = two.take(ours)
    assert moved == (TOPIC, config(info=INFO, worker="two"))
    for each in (one, two):
        each.receive(*moved)
    assert [each.topic for each in one.receive(topics.HOME_ASSISTANT_STATUS, b"online")] == []
    assert two.take(ours) == []
    assert one.take(ours) == [(TOPIC, config(info=INFO, worker="one"))], "and back"


def test_switched_off_it_clears_its_own_descriptions_only() -> None:
    discovery = new_discovery("st-01", is_on=False)
    assert discovery.subscriptions == [topics.ALL_HOME_ASSISTANT]
    assert discovery.update_device("st-01", is_online=True) == []
    assert discovery.receive(TOPIC, config()) == [(TOPIC, b"")]
    for foreign in (config(worker="edge-02"), b'{"origin":{"name":"zigbee2mqtt"}}', b"{", b"[]", b'"x"', b""):
        assert discovery.receive(TOPIC, foreign) == []
    # A session remembers what was subscribed while it was on.
    assert discovery.handles(topics.info("st-01"))
    assert discovery.receive(topics.info("st-01"), json.dumps(INFO).encode()) == []
    assert discovery.receive(topics.HOME_ASSISTANT_STATUS, b"online") == []


def test_chunks_and_states_are_not_handled() -> None:
    discovery = new_discovery()
    assert not discovery.handles(topics.pcm("st-01"))
    assert not discovery.handles(topics.state("st-01"))
    assert discovery.handles(topics.HOME_ASSISTANT_STATUS)


@pytest.mark.parametrize("text", ["yes", "ON", "", "1"])
def test_the_setting_is_on_or_off(text: str) -> None:
    with pytest.raises(SettingsError, match="use off or on"):
        Settings.from_environ({"STETHO_HOME_ASSISTANT": text})
