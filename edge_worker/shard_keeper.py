"""Keeper of shards: takes and lets go what the leases say, each with a session of its own at the broker.

A shard that is taken brings what is in the spool, in the database and in the queue of its session. One that
is let go is disconnected first; when all work on it has ended, others may have it.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from edge_worker.analysis.pipeline import UnanalysedRecording
from edge_worker.analysis.recording_analysis import RecordingAnalysis
from edge_worker.analysis.storing.shard_release import ShardRelease
from edge_worker.database.sharing.moving_files import MovingFiles
from edge_worker.database.store import Store
from edge_worker.errors import StoreError
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ControlMessage, IntakeEvent
from edge_worker.ingest.recording import RecordingKey
from edge_worker.ingest.spool_transfer import SpoolTransfer
from edge_worker.leases.cluster import Cluster
from edge_worker.leases.fair_share import Shares
from edge_worker.leases.handover import Handover
from edge_worker.leases.shard_leases import LeaseEvent, ShardLeases, ShardsLeft, ShardsTaken, ShardVerified
from edge_worker.live.live_analysis import LiveAnalysis
from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.session import Session
from edge_worker.protocol import control, topics
from edge_worker.protocol.chunk import recording_name
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.sharing.shard import shard_account, shard_of
from edge_worker.publisher import Publisher
from edge_worker.reception import Reception

_JOIN_WITHIN_S: Final = 15.0
"""So long the lock of a process whose machine went away may stay, and that of its next start is refused."""
_DELIVER_WITHIN_S: Final = 2.0
"""So long the broker may take for what was published of a shard that is let go."""


@dataclass(frozen=True, slots=True)
class ShardsIdle:
    """Shards that are let go, on which no thread works any more; `is_final`: nothing was published since."""

    shards: HeldShards
    is_final: bool


KeeperEvent = LeaseEvent | ShardsIdle


class ShardKeeper:
    """The shards of one process. Used by the network thread."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        *,
        intake: Intake,
        analysis: RecordingAnalysis,
        live: LiveAnalysis,
        post: Callable[[KeeperEvent], None],
        handle: Callable[[Iterable[IntakeEvent]], None],
    ) -> None:
        """Hand events of other threads to the network thread with `post`."""
        self._settings = cluster.settings
        self._locks = cluster.locks
        self._received = store.received
        self._intake = intake
        self._shards = intake.shards
        self._analysis = analysis
        self._live = live
        self._post = post
        self._handle = handle
        self._sessions: dict[int, Session] = {}
        self._delivering: list[tuple[HeldShards, float]] = []
        """Shards that nobody works on, and until when the broker may take what was published of them."""
        transfer = SpoolTransfer(intake.directory)
        self.leases = ShardLeases(
            cluster.locks,
            store,
            intake.directory,
            shares=Shares(cluster.locks.number, cluster.locks.machine),
            handover=Handover(MovingFiles(cluster.locks), transfer, live.states, lambda: intake.unstored),
            post=post,
            busy=lambda: {shard_of(device) for device, _ in intake.unstored},
            hears=lambda: self._connection.is_connected,
        )

    def connect(self, connection: Connection, reception: Reception, publisher: Publisher) -> None:
        """Set what sessions are driven by, where messages go, and what publishes; before `start`."""
        self._connection, self._reception, self._publisher = connection, reception, publisher

    @property
    def handlers(self) -> dict[type, Callable[[Any], None]]:
        """What each event that other threads post leads to."""
        return {
            ShardsTaken: self.take,
            ShardsLeft: self.leave,
            ShardVerified: self.reconnect,
            ShardsIdle: self.finish,
        }

    def start(self) -> None:
        """Begin to take shards.

        Raises:
            StoreError: the database cannot be reached, or another process has the number of this one.
        """
        deadline = time.monotonic() + _JOIN_WITHIN_S
        while True:
            try:
                self._locks.connect()
                break
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
        self.leases.start()

    def stop(self) -> None:
        """Let others have all shards."""
        self.leases.stop()

    def document(self) -> dict[str, Any]:
        """Return which shards are held, and how many of them are connected; safe from any thread."""
        connected = sum(session.is_connected for session in list(self._sessions.values()))
        return {"held": sorted(self._shards.numbers), "connected": connected}

    def turn(self, now: float) -> None:
        """Go on with shards that are let go, once the broker has what was published of them."""
        for entry in self._delivering.copy():
            shards, until = entry
            if now >= until or not self._publisher.waits_for(shards):
                self._delivering.remove(entry)
                self._end_work(shards, is_final=True)

    # --- what the leases say ------------------------------------------------------------------------

    def take(self, taken: ShardsTaken) -> None:
        """Take shards: first what is on disk and in the database, then what comes."""
        self._received.forget()  # whoever had them has stored some
        self._shards.take(taken.shards)
        new, now = HeldShards(taken.shards), time.monotonic()
        try:
            self._analysis.submit(map(UnanalysedRecording, taken.unanalysed))
            self._handle(self._intake.load(now, new))
            for message in taken.pending:
                self._publisher.publish_outbox(message)
            self._handle(self._intake.load_streams(now, new))
            self._handle(self._ask_for(taken.unstored))
        finally:
            for shard in sorted(taken.shards):
                self._open(shard)

    def _ask_for(self, unstored: Iterable[RecordingKey]) -> Iterator[ControlMessage]:
        """Ask for what the last holder had not stored, and which is not here: it took its spool along."""
        known = self._intake.unstored
        for device_id, recording_id in unstored:
            if (device_id, recording_id) not in known:
                document = control.missing(recording_name(recording_id), [control.ALL_SO_FAR], meta=True)
                yield ControlMessage(device_id, document)

    def leave(self, left: ShardsLeft) -> None:
        """Let shards go: receive nothing more of them, and end the work on them."""
        shards = HeldShards(left.shards)
        for shard in sorted(left.shards):
            session = self._sessions.pop(shard)
            self._reception.forget(session.ack)
            self._connection.end(session)
        self._intake.release(shards)
        if left.is_lost:
            self._shards.drop(left.shards)
        done = partial(self._end_work, shards, is_final=left.is_lost, are_lost=left.is_lost)
        self._live.release(ShardRelease(shards, done))

    def reconnect(self, verified: ShardVerified) -> None:
        """Let a shard that is ours connect again."""
        if (session := self._sessions.get(verified.shard)) is not None:
            session.may_connect = True

    def finish(self, idle: ShardsIdle) -> None:
        """Let others have shards that nobody works on."""
        if not idle.is_final:
            self._delivering.append((idle.shards, time.monotonic() + _DELIVER_WITHIN_S))
            return
        self._intake.release(idle.shards)  # what was opened again meanwhile, from a damaged file
        self._shards.drop(idle.shards.numbers)
        self.leases.free(idle.shards.numbers)

    def _end_work(self, shards: HeldShards, *, is_final: bool, are_lost: bool = False) -> None:
        """Let the analysis say when nobody works on shards any more; safe from any thread."""
        idle = ShardsIdle(shards, is_final)
        self._analysis.release(ShardRelease(shards, lambda: self._post(idle), are_lost))

    # --- sessions -----------------------------------------------------------------------------------

    def _open(self, shard: int) -> None:
        settings = replace(self._settings, mqtt_username=shard_account(self._settings.mqtt_username, shard))
        listener = _ShardListener(self, shard)
        subscriptions = [topics.shard_pcm(shard)]
        session = Session(
            settings, subscriptions, None, listener, is_persistent=True, log_level=logging.DEBUG
        )
        self._sessions[shard] = listener.session = session
        self._connection.open(session)

    def on_connected(self, shard: int) -> None:
        """Note that the messages of a shard arrive; those that waited for it come first."""
        self._shards.set_heard(shard, is_heard=True)
        self._intake.broker_reconnected(time.monotonic())

    def on_disconnected(self, shard: int, session: Session) -> None:
        """Ask whether a shard is still ours: two that hold it would throw each other out for ever."""
        if self._sessions.get(shard) is session:
            session.may_connect = False
            self._shards.set_heard(shard, is_heard=False)
            self._reception.forget(session.ack)
            self.leases.verify(shard)

    def on_message(self, message: Inbound, session: Session) -> None:
        """Receive a chunk."""
        self._reception.receive(message, session.ack)


class _ShardListener:
    """Listener of the session of one shard."""

    session: Session

    def __init__(self, keeper: ShardKeeper, shard: int) -> None:
        self._keeper = keeper
        self._shard = shard

    def on_connected(self) -> None:
        self._keeper.on_connected(self._shard)

    def on_disconnected(self) -> None:
        self._keeper.on_disconnected(self._shard, self.session)

    def on_message(self, message: Inbound) -> None:
        self._keeper.on_message(message, self.session)

    def on_published(self, number: int) -> None:
        """Nothing is published here."""
