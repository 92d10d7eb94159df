"""Topics: which of them a message can have."""

import pytest

from edge_worker.errors import PayloadError
from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import SHARDS, shard_account, shard_of

ID = "a" * 32


def test_every_topic_of_ours_can_be_published() -> None:
    of_device = (topics.pcm, topics.state, topics.info, topics.telemetry, topics.control, topics.live)
    commands = (topics.command, topics.answer)
    others = (topics.home_assistant, topics.device_result, topics.sounds, topics.result, topics.worker)
    for topic in (*(each(ID) for each in (*of_device, *commands, *others)), topics.exam(ID, ID)):
        topics.require_publishable(topic)


@pytest.mark.parametrize(
    "device_id", ["\x84", "\0", "\x7f", "+", "#", "a b", "\ufffe", "\ud800", "ö", "a" * 300, "\n", "\u202e"]
)
def test_what_a_broker_refuses_is_not_published(device_id: str) -> None:
    with pytest.raises(PayloadError, match="topic"):
        topics.require_publishable(topics.device_result(device_id))


def test_no_message_has_an_empty_topic() -> None:
    with pytest.raises(PayloadError):
        topics.require_publishable("")


def test_the_shard_of_a_device_is_fnv_1a_as_the_broker_computes_it() -> None:
    known = {"": 0x811C9DC5, "a": 0xE40C292C, "b": 0xE70C2DE5, "foobar": 0xBF9CF968}  # published vectors
    assert {text: shard_of(text) for text in known} == {text: full % SHARDS for text, full in known.items()}


def test_a_chunk_that_was_dealt_out_by_shard_is_of_the_same_device() -> None:
    assert topics.device_of(topics.pcm("st-01")) == "st-01"
    for shard in range(SHARDS):
        pattern = topics.shard_pcm(shard)
        assert topics.device_of(pattern.replace("+", "st-01")) == "st-01"
        assert topics.device_of(pattern) is None
    for name in ("32", "01", "-1", "", "x"):
        assert topics.device_of(f"stetho/v1/shard/{name}/device/st-01/up/pcm") is None
    assert topics.device_of("stetho/v1/other/1/device/st-01/up/pcm") is None
    assert shard_account("worker", 7) == "worker-s07"
