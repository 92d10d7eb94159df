"""Topics: which of them a message can have."""

import pytest

from edge_worker.errors import PayloadError
from edge_worker.protocol import topics

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
