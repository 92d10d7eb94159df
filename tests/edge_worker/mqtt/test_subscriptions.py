"""A subscription that a broker does not answer is asked for again."""

from unittest.mock import Mock

import pytest

from edge_worker.mqtt import subscriptions
from edge_worker.mqtt.subscriptions import Subscriptions


def test_a_subscription_without_an_answer_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A double of the client: no broker keeps silent when it is asked to."""
    monkeypatch.setattr(subscriptions, "_ANSWER_WITHIN_S", 0.0)
    monkeypatch.setattr(subscriptions, "_AGAIN_AFTER_S", 0.0)
    client = Mock()
    client.subscribe.side_effect = [(0, 1), (0, 2)]
    asked = Subscriptions("worker", ["a", "b"])
    asked.renew(client)
    asked.turn(client)  # it waits a moment
    asked.turn(client)
    assert [call.args for call in client.subscribe.call_args_list] == 2 * [([("a", 1), ("b", 1)],)]
    assert "event=subscription_unanswered user=worker topics=a,b" in caplog.text
    granted = Mock(is_failure=False)
    asked.answered(2, [granted, granted])
    asked.turn(client)
    assert client.subscribe.call_count == 2
