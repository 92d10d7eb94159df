"""The worker process: connects the broker, the intake, the other threads and the database.

Four threads: the network thread (the main thread) receives, acknowledges and publishes; the storage stores
recordings; the recording analysis classifies them; the live analysis follows streams. So neither chunks nor
recordings wait for a model.
"""

import logging
import time
from collections.abc import Iterable
from typing import Any, Final

from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.recording_analysis import RecordingAnalysis
from edge_worker.analysis.storing.recording_storage import RecordingStored, SpoolFileLost
from edge_worker.analysis.storing.storage_retry import StorageFault
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import Store
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording, ControlMessage, IntakeEvent
from edge_worker.leases.cluster import Cluster
from edge_worker.leases.shard_leases import LeaseFault, ShardLeases, ShardsTaken
from edge_worker.live.live_analysis import LiveAnalysis, LiveMessage, TrimRequest
from edge_worker.message_router import MessageRouter
from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.outgoing import Outgoing
from edge_worker.protocol import topics
from edge_worker.protocol.home_assistant_discovery import HomeAssistantDiscovery
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.publisher import Publisher
from edge_worker.reception import Reception
from edge_worker.settings import Settings
from edge_worker.shard_keeper import ShardKeeper
from edge_worker.telemetry import metrics
from edge_worker.telemetry.heartbeat_metrics import worker_families
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.recording_metrics import RecordingMetrics
from edge_worker.upkeep.disk_reserve import DiskReserve
from edge_worker.upkeep.start_log import StartLog
from edge_worker.worker_report import WorkerReport
from edge_worker.worker_state import WorkerState
from edge_worker.worker_status import WorkerStatus

_LOG = logging.getLogger(__name__)
_TIMEOUTS_EVERY_S: Final = 0.05
_CLOSE_WITHIN_S: Final = 2.0
_MANY: Final = 8
"""Open recordings and streams: of so many, several send within 50 ms, and some end within 0.2 s."""
_BUSY_FROM: Final = 2
"""Closed recordings that wait: with more, their results come before previews of those that are open."""


class Worker:
    """The network thread, and the owner of the analysis threads. `run` is called on the main thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        intake: Intake,
        store: Store,
        pipeline: Pipeline,
        streams: StreamResultWriter,
        live_analysis: LiveAnalysis,
        status: WorkerStatus,
        lock: object,
        cluster: Cluster | None = None,
    ) -> None:
        """Connect the parts; `lock` is held as long as the worker lives.

        With a `cluster` it takes its share of the devices, instead of those that `intake` holds for good.
        """
        self._lock = lock
        self._worker_id, self._processes = settings.worker_id, settings.process_count
        self._intake = intake
        self._store = store
        self._status = status
        self._reserve = DiskReserve.from_settings(settings)
        self._start_log = StartLog(settings.data_dir / intake.shards.file("worker.starts"))
        self._versions = pipeline.versions
        self._report = WorkerReport(self._worker_id, store, self._document)
        self.metrics = metrics.new_registry()
        """Registry for Prometheus; safe from any thread."""
        self.metrics.register(
            metrics.CallbackCollector(lambda: worker_families({self._worker_id: self._report.current()}))
        )
        discovery = HomeAssistantDiscovery(
            self._worker_id, is_on=settings.home_assistant == "on", is_known=store.has_recordings
        )
        own = topics.worker(self._worker_id)
        chunks = [] if cluster else [topics.ALL_PCM]  # else each shard has a session of its own
        self._connection = Connection(
            settings,
            [*discovery.subscriptions, *chunks, topics.ALL_STATES, own],
            (own, status.message("offline")),
            self,
            is_persistent=cluster is None,
        )
        self._outgoing = Outgoing(self._connection.wake, self._connection.wake_soon)
        self._recording_metrics = RecordingMetrics(self._worker_id, self.metrics)
        self._recording_analysis = RecordingAnalysis(
            pipeline,
            streams,
            store,
            self._recording_metrics,
            post=self._outgoing.post,
            write_heartbeat=self._report.write,
            many_come=self._many_come,
            shards=intake.shards,
        )
        self._live_analysis = live_analysis
        live_analysis.metrics.register(self.metrics)
        live_analysis.connect(
            self._outgoing.post,
            self._outgoing.post_at_once,
            self._recording_analysis.submit,
            lambda: self._recording_analysis.backlog > _BUSY_FROM,
        )
        intake.recordings.on_progress = live_analysis.preview
        intake.streams.has_room = live_analysis.has_room
        self._timeouts_at, self._is_stopping = 0.0, False
        analysis = self._recording_analysis
        self._publisher = Publisher(self._connection, analysis.acknowledge, intake.quarantine)
        self._state = WorkerState(settings, status, self._publisher, analysis.request_heartbeat)
        self._state.turns = (*analysis.turns, live_analysis.turns)
        self._router = MessageRouter(intake, discovery, self._publisher.announce)
        self._reception = Reception(
            self._router,
            self._state,
            handle=self._handle,
            request_repair=analysis.request_repair,
        )
        self._outgoing.handlers = {
            ControlMessage: self._publisher.publish_control,
            OutboxMessage: self._publisher.publish_outbox,
            RecordingStored: lambda stored: self._intake.mark_stored(stored.key),
            SpoolFileLost: lambda lost: self._handle(
                self._intake.reopen(lost.recording, lost.reason, time.monotonic())
            ),
            StorageFault: lambda fault: self._state.set_fault(fault.source, fault.text),
            LiveMessage: lambda live: self._connection.publish_at_most_once(live.topic, live.payload),
            TrimRequest: lambda trim: self._intake.streams.trim(trim.key, trim.before),
        }
        self._threads: list[RecordingAnalysis | LiveAnalysis | ShardLeases] = [analysis, live_analysis]
        self._keeper = None if cluster is None else self._keep_shards(cluster)

    def _keep_shards(self, cluster: Cluster) -> ShardKeeper:
        keeper = ShardKeeper(
            cluster,
            self._store,
            intake=self._intake,
            analysis=self._recording_analysis,
            live=self._live_analysis,
            post=self._outgoing.post,
            handle=self._handle,
        )
        keeper.connect(self._connection, self._reception, self._publisher)
        self._outgoing.handlers |= keeper.handlers
        self._outgoing.handlers[ShardsTaken] = self._take_shards
        self._outgoing.handlers[LeaseFault] = lambda fault: self._state.set_fault("leases", fault.text)
        self._threads.append(keeper.leases)
        return keeper

    def _take_shards(self, taken: ShardsTaken) -> None:
        if self._keeper is not None:
            self._keeper.take(taken)
        self._router.take(HeldShards(taken.shards))

    def run(self) -> None:
        """Serve until `stop`.

        Raises:
            BrokerError: the broker refuses us for good.
        """
        self._recording_analysis.submit(map(UnanalysedRecording, self._store.unanalysed(self._intake.shards)))
        self._handle(self._intake.load(time.monotonic()))
        for message in self._store.pending(self._intake.shards):
            self._publisher.publish_outbox(message)
        self._recording_analysis.start()
        self._live_analysis.start()
        self._handle(self._intake.load_streams(time.monotonic()))
        try:
            if self._keeper is not None:
                self._keeper.start()
            while not self._is_stopping:
                self._connection.gathers = self._many_come()
                self._connection.is_prompt = bool(self._intake.streams.open)
                is_quiet = self._connection.loop(is_idle=self._is_idle)
                self._work(time.monotonic(), is_quiet=is_quiet)
        finally:
            self._live_analysis.stop()
            self._recording_analysis.stop()
            self._outgoing.drain()
            self._state.publish("offline")
            self._connection.close(_CLOSE_WITHIN_S)
            if self._keeper is not None:
                self._keeper.stop()
        self._start_log.stopped()
        self._reserve.keep(float("inf"))  # for the next start
        _LOG.info(line("stopped"))

    def stop(self) -> None:
        """End `run` soon; safe from a signal handler."""
        self._is_stopping = True
        self._status.is_stopping = True
        self._connection.wake()

    @property
    def _is_idle(self) -> bool:
        """Whether nothing happens without a message."""
        return not (self._intake or self._reception.waits or self._keeper)

    def _many_come(self) -> bool:
        """Return whether so much is open that it costs less together. Safe from any thread."""
        return len(self._intake) >= _MANY

    # --- callbacks of the connection ----------------------------------------------------------------

    def on_connected(self) -> None:
        """Publish the state; no device counts as silent for the time without a connection."""
        self._publisher.on_connected()
        self._intake.broker_reconnected(time.monotonic())
        self._state.publish()
        self._recording_analysis.request_heartbeat()
        facts = self._status.facts
        _LOG.info(line("ready", models=",".join(facts["models"]), runtime=facts["runtime"]))

    def on_disconnected(self) -> None:
        """Drop the deferred messages: the broker delivers them again."""
        self._reception.forget(self._connection.ack)
        self._publisher.on_disconnected()

    def on_message(self, message: Inbound) -> None:
        """Receive a message; one on our own topic may say what another wrote there."""
        if message.topic == self._state.topic:
            self._connection.ack(message)
            self._state.on_message(message.payload)
        else:
            self._reception.receive(message, self._connection.ack)

    def on_published(self, number: int) -> None:
        """Take a message that the broker has out of the outbox."""
        self._publisher.on_published(number)

    # --- turns --------------------------------------------------------------------------------------

    def _work(self, now: float, *, is_quiet: bool) -> None:
        self._outgoing.drain()
        for thread in self._threads:
            if thread.failure is not None:
                raise thread.failure
        if self._keeper is not None:
            self._keeper.turn(now)
        self._state.set_fault("account", self._connection.account_fault)
        self._state.turn(now, is_connected=self._connection.is_connected)
        self._state.set_fault("disk", self._reserve.keep(now))
        self._state.set_fault("folder", self._intake.folders.fault(now))
        self._intake.has_room = not self._reserve.problem
        if self._reception.waits and self._reception.retry(now):
            self._intake.broker_reconnected(now)
        # While chunks wait to be read no device is silent: asking for them now would only bring them twice,
        # and a worker that cannot keep up would drown in what it asked for.
        if (
            not self._reception.waits
            and now >= self._timeouts_at
            and (is_quiet or self._connection.is_drained)
        ):
            self._timeouts_at = now + _TIMEOUTS_EVERY_S
            self._handle(self._intake.check_timeouts(now, self._connection.busy_s(now)))

    def _handle(self, events: Iterable[IntakeEvent]) -> None:
        for event in events:
            if isinstance(event, ClosedRecording):
                self._live_analysis.forget(event.recording.key)
                self._recording_analysis.submit([event])
            elif isinstance(event, ControlMessage):
                self._publisher.publish_control(event)
            else:
                self._live_analysis.offer(event)

    def _document(self) -> dict[str, Any]:
        """Return the heartbeat document; safe from any thread, and cheap."""
        return {
            **self._status.document(is_connected=self._connection.is_connected),
            "processes": self._processes,
            "warning": self._start_log.warning(),
            "versions": self._versions(),
            "open_recordings": len(self._intake),
            "backlog": self._recording_analysis.backlog,
            "spool_bytes": self._intake.spool_bytes,
            "outbox": self._publisher.waiting,
            "quarantine": self._intake.quarantine.document(),
            "counters": dict(self._intake.counts),
            "shared_accounts": self._router.boots.shared(time.monotonic()),
            "live": self._live_analysis.metrics.document(),
            **self._recording_metrics.document(),
            **({} if self._keeper is None else {"shards": self._keeper.document()}),
        }
