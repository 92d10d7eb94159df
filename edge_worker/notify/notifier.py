"""The program: takes messages of the broker, decides who is told, and sends until the receivers have it.

One thread drives the connection and the queue. A message is acknowledged once what it tells is in the queue,
on disk: the broker delivers again what a `kill -9` interrupts.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Final

from edge_worker.errors import BrokerError, PayloadError
from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.notify import occurrence, pacing, status
from edge_worker.notify.delivering import Delivering
from edge_worker.notify.notice_queue import NoticeQueue
from edge_worker.notify.occurrence import Occurrence
from edge_worker.notify.presence import Moment, PresenceWatch
from edge_worker.notify.rule import Rule
from edge_worker.notify.rules_watch import RulesWatch
from edge_worker.notify.sending import Sending
from edge_worker.notify.settings import NotifySettings
from edge_worker.protocol import topics
from edge_worker.protocol.strict_json import JsonError
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.supervisor import Supervisor

_LOG: Final = logging.getLogger(__name__)
_TOPICS: Final = (topics.ALL_RESULTS, topics.ALL_STATES, topics.ALL_WORKERS)
_LOOK_EVERY_S: Final = 0.5
_STATUS_EVERY_S: Final = 5.0
_RETRY_S: Final = 1.0
_RETRY_REFUSED_S: Final = 15.0
_STOP_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.05
_KEEP_S: Final = 30 * 86_400.0
"""So long a notice is remembered, and not told again: as long as the broker keeps a session."""


class Notifier:
    """Notifications of one site."""

    def __init__(self, settings: NotifySettings, watch: RulesWatch, queue: NoticeQueue) -> None:
        """Prepare; `run` connects."""
        self._watch, self._queue = watch, queue
        self._connection = Connection(settings.account(), list(_TOPICS), None, self)
        self._sending = Sending(self._connection.wake)
        self._delivering = Delivering(queue, self._sending, settings.language, settings.api_public_url)
        self._presence = PresenceWatch(queue)
        self._supervisor = Supervisor(os.environ)
        self._stopping = threading.Event()
        self._unwritten: list[Inbound] = []
        """Messages that the queue did not take, because its disk is full."""
        self._faults = {"rules": "", "broker": "", "queue": ""}
        self._look_at = self._status_at = self._connect_at = 0.0

    def stop(self) -> None:
        """End `run`; safe in a signal handler."""
        self._stopping.set()
        self._connection.wake()

    def run(self) -> None:
        """Take and send messages until `stop`."""
        rules = self._watch.rules
        _LOG.info(line("ready", rules=len(rules.rules), receivers=len(rules.receivers)))
        while not self._stopping.is_set():
            self._drive_connection()
            self._take_unwritten()
            self._note_sent()
            self._guarded(self._step)
            self._tell_supervisor(time.monotonic())
        deadline = time.monotonic() + _STOP_WITHIN_S
        while self._sending.busy and time.monotonic() < deadline:  # else they would be sent again
            self._note_sent()
            time.sleep(_POLL_S)
        self._connection.close(_POLL_S)
        _LOG.info(line("stopped"))

    # --- called by the connection ------------------------------------------------------------------

    def on_connected(self) -> None:
        """Note that the broker takes us; it sends the retained states again."""
        self._faults["broker"] = ""

    def on_disconnected(self) -> None:
        """Forget what is not acknowledged: it comes again."""
        self._unwritten.clear()

    def on_message(self, message: Inbound) -> None:
        """Queue what a message tells; it is acknowledged once that is on disk."""
        try:
            with self._queue.transaction():
                self._take(message)
        except sqlite3.Error as error:
            self._refused_by_disk(error)
            self._unwritten.append(message)
            return
        except (PayloadError, JsonError) as error:
            _LOG.info(line("message_refused", topic=message.topic, reason=error))
        except Exception:  # one message that meets a fault of ours does not end the notifications
            _LOG.exception(line("message_failed", topic=message.topic))
        self._connection.ack(message)

    def on_published(self, number: int) -> None:
        """Do nothing: nothing is published."""

    # --- what a message tells ----------------------------------------------------------------------

    def _take(self, message: Inbound) -> None:
        now, rules = Moment.now(), self._watch.rules
        name = message.topic.rsplit("/", 1)[-1]
        if message.topic.startswith(f"{topics.PREFIX}/result/"):
            self._take_result(message.payload)
        elif message.topic.startswith(f"{topics.PREFIX}/worker/"):
            self._add_all(self._presence.on_worker(name, message.payload, now, rules))
        elif name == "state" and (device := topics.device_of(message.topic)) is not None:
            self._add_all(self._presence.on_device(device, message.payload, now, rules))

    def _take_result(self, payload: bytes) -> None:
        heard = occurrence.of_result(payload)
        if heard is None:
            return
        for rule in self._watch.rules.rules:
            if rule.matches(heard) and not self._was_told(rule, heard):
                self._add(rule, heard)

    def _was_told(self, rule: Rule, heard: Occurrence) -> bool:
        """Return whether an event told already what its stream, which is over now, is about."""
        return heard.is_stream and self._queue.has_told_stream(
            rule.name, heard.name, heard.recording, heard.label
        )

    def _add_all(self, told: list[tuple[Rule, Occurrence]]) -> None:
        for rule, each in told:
            self._add(rule, each)

    def _add(self, rule: Rule, each: Occurrence) -> None:
        """Queue a notice; send it at once unless it has to wait."""
        now = time.time()
        is_free = pacing.is_free(self._queue, self._watch.rules, rule, each, now)
        notice = self._queue.add(rule.name, each, now)
        if notice is None:
            self._queue.count("repeated")
        elif is_free:
            self._queue.tell(notice, rule.send_to, now)
        else:
            self._queue.count("held")

    # --- what is done again and again --------------------------------------------------------------

    def _drive_connection(self) -> None:
        if time.monotonic() < self._connect_at:
            self._stopping.wait(_POLL_S)
            return
        try:
            self._connection.loop()
        except BrokerError as error:
            if self._faults["broker"] != str(error):
                _LOG.error(line("broker_refused", reason=error))
            self._faults["broker"] = str(error)
            self._connect_at = time.monotonic() + _RETRY_REFUSED_S

    def _take_unwritten(self) -> None:
        waiting, self._unwritten = self._unwritten, []
        for message in waiting:
            self.on_message(message)

    def _note_sent(self) -> None:
        """Note what receivers took; what the disk refuses is noted later, and not sent again."""
        sent = self._sending.finished()
        if sent and not self._guarded(lambda: self._delivering.note(sent, time.time())):
            self._sending.give_back(sent)

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Do something with the queue in one transaction; return False where its disk refuses that."""
        try:
            with self._queue.transaction():
                work()
        except sqlite3.Error as error:
            self._refused_by_disk(error)
            self._stopping.wait(_RETRY_S)
            return False
        self._faults["queue"] = ""
        return True

    def _refused_by_disk(self, error: sqlite3.Error) -> None:
        if not self._faults["queue"]:
            _LOG.error(line("queue_refuses", reason=error))
        self._faults["queue"] = f"the queue of notifications cannot be written ({error}): make room"
        self._presence = PresenceWatch(self._queue)  # as it is on disk

    def _step(self) -> None:
        now = time.time()
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_EVERY_S
            self._look(now)
        self._delivering.start_due(self._watch.rules, now)
        if time.monotonic() >= self._status_at:
            self._status_at = time.monotonic() + _STATUS_EVERY_S
            self._delivering.give_up(self._watch.rules, now)
            self._queue.forget(now - _KEEP_S)
            self._write_status()

    def _look(self, now: float) -> None:
        """Look at what changes without a message: rules, what is away, what waits, tests."""
        if self._watch.look():
            self._faults["rules"] = self._watch.fault
            self._write_status()
        rules = self._watch.rules
        is_here = self._connection.is_connected
        self._add_all(self._presence.on_broker(is_here=is_here, now=Moment.now(), rules=rules))
        self._add_all(self._presence.overdue(rules, Moment.now()))
        if released := pacing.release(self._queue, rules, now):
            _LOG.info(line("released", messages=released))
        self._take_tests(now)

    def _take_tests(self, now: float) -> None:
        """Queue the tests that the history API asked for, at once whatever the rule says."""
        for identity, name in self._queue.take_tests():
            rule = self._watch.rules.named(name)
            if rule is not None:
                notice = self._queue.add(
                    name, occurrence.of_test(rule.on, name, f"test/{identity}", Moment.now().at), now
                )
                if notice is not None:
                    self._queue.tell(notice, rule.send_to, now)

    def _tell_supervisor(self, now: float) -> None:
        if self._supervisor.is_due(now):
            is_here = self._connection.is_connected
            problems = [] if is_here else ["not connected to the broker"]
            status = "; ".join([*problems, *filter(None, self._faults.values())])
            self._supervisor.turn(now, is_ready=is_here, status=status or "ready")

    def _write_status(self) -> None:
        faults = [*filter(None, (*self._faults.values(), self._connection.account_fault))]
        status.write(self._queue, self._watch.rules, faults, is_connected=self._connection.is_connected)
