"""The worker: chunks go to the intake, closed recordings to the analyst, what they say to the broker."""

import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any, Final

from edge_worker import __version__
from edge_worker.analysis.pipeline import Kept, Pipeline
from edge_worker.analysis.recording_analysis import RecordingAnalysis, Stored, Trouble
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.connection import Connection, Inbound
from edge_worker.database.store import OutboxMessage, Store, StoreFault
from edge_worker.errors import ChunkError
from edge_worker.inference.interpreter import runtime_name
from edge_worker.ingest.intake import ClosedRecording, ControlMessage, Intake, IntakeEvent
from edge_worker.live.live_analysis import Live, LiveAnalysis, Trim
from edge_worker.protocol import topics
from edge_worker.protocol.home_assistant_discovery import DiscoveryMessage, HomeAssistantDiscovery
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.telemetry import metrics
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.recording_metrics import RecordingMetrics

_LOG = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
_DUE_EVERY_S: Final = 0.05
_FAREWELL_S: Final = 2.0
_BUSY_FROM: Final = 2
"""Closed recordings that wait: with more, their results come before hints for those that are open."""

_device_of = lru_cache(maxsize=4096)(topics.device_of)


Outgoing = ControlMessage | OutboxMessage | Stored | Trouble | Live | Trim
"""What other threads hand to the network thread."""


class Worker:
    """Everything between the broker and the pipeline. `run` is the main thread, beside analyst and coach."""

    def __init__(
        self,
        settings: Settings,
        *,
        intake: Intake,
        store: Store,
        pipeline: Pipeline,
        streams: StreamResultWriter,
        coach: LiveAnalysis,
        models: Iterable[str],
        lock: object,
    ) -> None:
        """Put the parts to work; `lock` is held as long as the worker lives."""
        self._lock = lock
        self._worker_id = settings.worker_id
        self._intake = intake
        self._store = store
        self._facts = {"models": list(models), "runtime": runtime_name(), "version": __version__}
        self._started_at = rfc3339(datetime.now(UTC))
        self._versions = pipeline.versions
        self.metrics = metrics.new_registry()
        """What Prometheus may scrape, on any thread."""
        self.metrics.register(
            metrics.CallbackCollector(lambda: metrics.worker_families({self._worker_id: self._now()}))
        )
        self._tally = RecordingMetrics(self._worker_id, self.metrics)
        self._analyst = RecordingAnalysis(
            pipeline, streams, store, self._tally, post=self._post, beat=self._beat
        )
        self._coach = coach
        coach.tally.register(self.metrics)
        self._coach.connect(self._post, self._analyst.submit, lambda: self._analyst.backlog > _BUSY_FROM)
        intake.on_progress = self._coach.glance
        self._beaten_at: float | None = None
        self._outgoing: SimpleQueue[Outgoing] = SimpleQueue()
        self._handlers: dict[type, Callable[[Any], None]] = {
            ControlMessage: self._answer,
            OutboxMessage: self._publish,
            Stored: lambda stored: self._intake.mark_stored(stored.key),
            Trouble: lambda trouble: self._note_trouble("analyst", trouble.text),
            Live: lambda live: self._connection.publish_at_most_once(live.topic, live.payload),
            Trim: lambda trim: self._intake.streams.trim(trim.key, trim.before),
        }
        self._waiting: deque[Inbound] = deque()
        self._retry_at = 0.0
        self._due_at = 0.0
        self._in_flight: dict[int, int] = {}
        self._boots: dict[str, str] = {}
        self._troubles: dict[str, str] = {}
        self._stopping = False
        will = (topics.worker(self._worker_id), self._state("offline"))
        self._announcer = HomeAssistantDiscovery(
            self._worker_id, is_on=settings.home_assistant == "on", is_known=store.has_recordings
        )
        subscriptions = [*self._announcer.subscriptions, topics.ALL_PCM, topics.ALL_STATES]
        self._connection = Connection(settings, subscriptions, will, self)

    def run(self) -> None:
        """Serve until `stop`.

        Raises:
            BrokerError: the broker refuses us for good.
        """
        self._analyst.submit(Kept(recording) for recording in self._store.unanalysed())
        self._handle(self._intake.load(time.monotonic()))
        for message in self._store.pending():
            self._publish(message)
        self._analyst.start()
        self._coach.start()
        self._handle(self._intake.load_streams(time.monotonic()))
        try:
            while not self._stopping:
                is_quiet = self._connection.loop()
                self._work(time.monotonic(), is_quiet=is_quiet)
        finally:
            self._coach.stop()
            self._analyst.stop()
            self._drain_outgoing()
            self._publish_state("offline")
            self._connection.close(_FAREWELL_S)
            _LOG.info(line("stopped"))

    def stop(self) -> None:
        """End `run` soon; safe from a signal handler."""
        self._stopping = True
        self._connection.wake()

    # --- what the connection tells us ---------------------------------------------------------------

    def on_connected(self) -> None:
        """Say that an analyser is here; nobody was silent while nobody could be heard."""
        self._intake.broker_reconnected(time.monotonic())
        self._publish_state("degraded" if self._troubles else "ready")
        self._analyst.beat_soon()
        _LOG.info(line("ready", models=",".join(self._facts["models"]), runtime=self._facts["runtime"]))

    def on_disconnected(self) -> None:
        """Forget what waited: it comes again."""
        self._waiting.clear()

    def on_message(self, message: Inbound) -> None:
        """Take a message, or let it wait behind others that disk or database refuse for now."""
        if self._waiting or not self._take(message):
            self._waiting.append(message)

    def on_published(self, mid: int) -> None:
        """Take a message out of the outbox that the broker has."""
        message_id = self._in_flight.pop(mid, None)
        if message_id is not None:
            self._analyst.acknowledged(message_id)

    # --- what we do with it -------------------------------------------------------------------------

    def _work(self, now: float, *, is_quiet: bool) -> None:
        self._drain_outgoing()
        for failure in (self._analyst.failure, self._coach.failure):
            if failure is not None:
                raise failure
        if self._waiting and now >= self._retry_at:
            self._retry(now)
        # While chunks wait to be read nobody is silent: asking for them now would only bring them twice, and
        # a worker that cannot keep up would drown in what it asked for.
        if not self._waiting and now >= self._due_at and (is_quiet or self._connection.is_drained):
            self._due_at = now + _DUE_EVERY_S
            self._handle(self._intake.check_timeouts(now))

    def _take(self, message: Inbound) -> bool:
        """Receive and acknowledge one message; False when disk or database refuse it for now."""
        now = time.monotonic()
        try:
            self._handle(self._receive(message, now))
        except (OSError, *StoreFault) as error:
            self._note_trouble("intake", str(error).split("\n", 1)[0])
            self._retry_at = now + _RETRY_S
            return False
        self._connection.ack(message)
        if self._troubles:
            self._note_trouble("intake", "")
        return True

    def _receive(self, message: Inbound, now: float) -> list[IntakeEvent]:
        topic = message.topic
        if self._announcer.handles(topic):
            self._announce(self._announcer.receive(topic, message.payload))
            return []
        device_id = _device_of(topic)
        if device_id is None:
            self._intake.counts["rejected_topic"] += 1
            return []
        if topic.endswith("/up/state"):
            self._note_state(device_id, message.payload, now)
            return []
        if message.retain:
            return self._intake.reject(device_id, ChunkError("retained", "a chunk is never retained"), now)
        return self._intake.receive(device_id, message.payload, now)

    def _retry(self, now: float) -> None:
        while self._waiting:
            if not self._take(self._waiting[0]):
                return
            self._waiting.popleft()
        self._intake.broker_reconnected(now)

    def _note_state(self, device_id: str, payload: bytes, now: float) -> None:
        """Follow births and wills; a will of an earlier boot says nothing about this one."""
        try:
            state = json.loads(payload)
            said, boot = str(state["state"]), str(state.get("boot"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._intake.counts["rejected_state"] += 1
            return
        if said == "lost" and self._boots.get(device_id, boot) != boot:
            return
        self._boots[device_id] = boot
        is_there = said not in ("lost", "offline")
        self._announce(self._announcer.update_device(device_id, is_there=is_there))
        self._intake.set_device_online(device_id, is_there, now)

    def _handle(self, events: Iterable[IntakeEvent]) -> None:
        for event in events:
            if isinstance(event, ClosedRecording):
                self._coach.forget(event.recording.key)
                self._analyst.submit([event])
            elif isinstance(event, ControlMessage):
                self._answer(event)
            else:
                self._coach.offer(event)

    # --- what we say --------------------------------------------------------------------------------

    def _answer(self, answer: ControlMessage) -> None:
        payload = json.dumps(answer.document, separators=(",", ":"))
        self._connection.publish(topics.control(answer.device_id), payload)

    def _publish(self, message: OutboxMessage) -> None:
        mid = self._connection.publish(message.topic, message.payload, retain=message.retain)
        self._in_flight[mid] = message.id

    def _announce(self, announcements: Iterable[DiscoveryMessage]) -> None:
        for topic, payload in announcements:
            self._connection.publish(topic, payload, retain=True)

    def _publish_state(self, state: str) -> None:
        self._connection.publish(topics.worker(self._worker_id), self._state(state), retain=True)

    def _state(self, state: str) -> str:
        reason = {"reason": "; ".join(self._troubles.values())} if state == "degraded" else {}
        return json.dumps({"state": state, **self._facts, **reason})

    def _note_trouble(self, where: str, text: str) -> None:
        """Publish `degraded` with what is wrong, or `ready` when nothing is; no text: it works again."""
        if text == self._troubles.get(where, ""):
            return
        self._troubles = {key: value for key, value in self._troubles.items() if key != where}
        if text:
            self._troubles[where] = text
            _LOG.error(line("degraded", where=where, reason=text))
        else:
            _LOG.info(line("recovered", where=where))
        self._publish_state("degraded" if self._troubles else "ready")

    # --- between the threads ------------------------------------------------------------------------

    def _post(self, item: Outgoing) -> None:
        self._outgoing.put(item)
        self._connection.wake()

    def _drain_outgoing(self) -> None:
        while True:
            try:
                item = self._outgoing.get_nowait()
            except Empty:
                return
            self._handlers[type(item)](item)

    def _beat(self) -> None:
        """Write the heartbeat; on the analyst's thread, which is the one that writes."""
        self._store.save_heartbeat(self._worker_id, rfc3339(datetime.now(UTC)), self._document())
        self._beaten_at = time.monotonic()

    def _now(self) -> dict[str, Any]:
        beaten_at = self._beaten_at
        age = {} if beaten_at is None else {"heartbeat_age_s": time.monotonic() - beaten_at}
        return self._document() | age

    def _document(self) -> dict[str, Any]:
        """Return how things are; safe from any thread, and cheap."""
        state = "offline" if not self._connection.is_connected else "degraded" if self._troubles else "ready"
        return {
            "state": state,
            **self._facts,
            "versions": self._versions(),
            "pid": os.getpid(),
            "started_at": self._started_at,
            "open_recordings": len(self._intake),
            "backlog": self._analyst.backlog,
            "spool_bytes": self._intake.spool_bytes,
            "outbox": len(self._in_flight),
            "counters": dict(self._intake.counts),
            "live": self._coach.tally.document(),
            **self._tally.document(),
        }
