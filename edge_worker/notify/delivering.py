"""Delivering: what is in the queue goes to its receivers, again and again until they have it."""

import logging
from datetime import UTC, datetime
from typing import Final

from edge_worker.notify.message import Writer
from edge_worker.notify.notice_queue import Delivery, NoticeQueue
from edge_worker.notify.rule import Rules
from edge_worker.notify.sending import LONGEST_WAIT_S, Sending, Sent, wait_s
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)


class Delivering:
    """Takes deliveries from the queue; all methods within a transaction of the queue."""

    def __init__(self, queue: NoticeQueue, sending: Sending, language: str, public_url: str) -> None:
        """Write messages in a language, with links to the dashboard at an address."""
        self._queue = queue
        self._sending = sending
        self._language, self._public_url = language, public_url

    def note(self, sent: list[Sent], now: float) -> None:
        """Note what receivers took, and what they did not."""
        for delivery, error in sent:
            facts = {"rule": delivery.rule, "receiver": delivery.receiver, "key": delivery.occurrence.key}
            if not error:
                self._queue.done(delivery, "sent", "", now)
                self._queue.count("sent")
                _LOG.info(line("sent", **facts, after_s=f"{max(0.0, now - delivery.made):.3f}"))
                continue
            self._queue.count("failed")
            _LOG.warning(line("not_sent", **facts, attempt=delivery.attempts + 1, reason=error))
            if delivery.occurrence.news == "test":  # somebody waits for the answer
                self._queue.done(delivery, "given up", error, now)
            else:
                self._queue.again(delivery, error, now + wait_s(delivery.attempts))

    def start_due(self, rules: Rules, now: float) -> None:
        """Send to each receiver that is idle what is due for it."""
        writer = Writer(self._language, rules.zone, self._public_url)
        for name, url in rules.receivers.items():
            if name in self._sending.busy:
                continue
            delivery = self._queue.due(name, now, LONGEST_WAIT_S)
            if delivery is not None:
                moment = datetime.fromtimestamp(now, UTC)
                self._sending.start(delivery, url, writer.write(delivery.occurrence, delivery.rule, moment))

    def give_up(self, rules: Rules, now: float) -> None:
        """Give up what is too old, or for a receiver that there is no more."""
        for delivery in self._queue.waiting():
            is_known = delivery.receiver in rules.receivers
            if delivery.receiver in self._sending.busy or (
                is_known and now - delivery.made < rules.give_up_s
            ):
                continue
            reason = "it was too old" if is_known else "the rules have no such receiver now"
            self._give_up(delivery, reason, now)

    def _give_up(self, delivery: Delivery, reason: str, now: float) -> None:
        self._queue.done(delivery, "given up", reason, now)
        self._queue.count("given_up")
        _LOG.error(
            line(
                "given_up",
                rule=delivery.rule,
                receiver=delivery.receiver,
                key=delivery.occurrence.key,
                reason=reason,
            )
        )
