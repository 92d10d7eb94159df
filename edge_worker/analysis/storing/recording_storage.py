"""Storage of recordings, events and streams: together where possible, one by one where one of them fails.

So a damaged file, a folder that cannot be written or a bug hold up one recording and no other.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.storing.postponed_jobs import PostponedJobs
from edge_worker.analysis.storing.storage_retry import StorageFault, StorageRetry
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import StoreFault
from edge_worker.errors import SpoolFileError
from edge_worker.ingest.intake_event import ClosedRecording, ControlMessage, stored_message
from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.protocol import control
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS, HeldShards
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.recording_metrics import RecordingMetrics

_LOG = logging.getLogger(__name__)

Unstored = ClosedRecording | EventRecording | FinishedStream
U = TypeVar("U", ClosedRecording, EventRecording, FinishedStream)
Waiting = tuple[U, float]
"""Something to be stored, and the monotonic time since when it waits."""
Unanalysed = list[tuple[UnanalysedRecording, float]]


@dataclass(frozen=True, slots=True)
class SpoolFileLost:
    """The chunk file of a closed recording is gone or damaged: it is to be received again."""

    recording: Recording
    reason: SpoolFileError


@dataclass(frozen=True, slots=True)
class RecordingStored:
    """A recording is durable: the database answers for it from now on."""

    key: RecordingKey


Post = Callable[[ControlMessage | OutboxMessage | RecordingStored | SpoolFileLost | StorageFault], None]
"""Hands something to the network thread."""


class RecordingStorage:
    """Stores what intake and live analysis have closed. Used by the thread of the recording analysis."""

    def __init__(
        self,
        pipeline: Pipeline,
        streams: StreamResultWriter,
        metrics: RecordingMetrics,
        retry: StorageRetry,
        post: Post,
        *,
        shards: HeldShards = ALL_SHARDS,
    ) -> None:
        """Retry what the database refuses with `retry`, as long as its shard is among `shards`."""
        self._pipeline = pipeline
        self._streams = streams
        self._metrics = metrics
        self._retry = retry
        self._post = post
        self._shards = shards
        self.postponed: PostponedJobs[Unstored] = PostponedJobs()
        """What the disk refused one by one, to be stored again later."""

    def store_recordings(self, closed: list[Waiting[ClosedRecording]]) -> Unanalysed:
        """Make recordings durable and tell their devices; return those that are to be analysed."""
        return self._store(closed, self._recordings)

    def store_events(self, events: list[Waiting[EventRecording]]) -> Unanalysed:
        """Make events of streams durable; return those that are to be analysed."""
        return self._store(events, self._events)

    def store_stream(self, stream: FinishedStream, since: float) -> None:
        """Make a stream durable with its result, and publish it."""
        self._store([(stream, since)], self._stream)

    def _store(
        self, waiting: list[Waiting[U]], store: Callable[[list[Waiting[U]]], Unanalysed]
    ) -> Unanalysed:
        if not waiting:
            return []

        def store_held() -> Unanalysed:
            # Another worker may have taken a shard while the database was away, and stored what it got.
            held = [each for each in waiting if self._shards.holds(_names(each[0])[0])]
            return store(held) if held else []

        try:
            stored = self._retry.call(store_held, StoreFault)
        except Exception as error:
            if len(waiting) > 1:
                return [each for one in waiting for each in self._store([one], store)]
            self._refuse(*waiting[0], error)
            return []
        for one, _ in waiting:
            if self.postponed.forget(one):
                self._post(StorageFault("", "recordings"))
        return stored or []

    def _recordings(self, closed: list[Waiting[ClosedRecording]]) -> Unanalysed:
        stored = self._pipeline.store([each for each, _ in closed])
        now = time.monotonic()
        for each, since in closed:
            recording = each.recording
            self._post(RecordingStored(recording.key))
            self._post(stored_message(recording.device_id, recording.name, each.completeness))
            self._metrics.observe_stored(now - since)
        return [(each, since) for each, (_, since) in zip(stored, closed, strict=True)]

    def _events(self, events: list[Waiting[EventRecording]]) -> Unanalysed:
        since = min(since for _, since in events)
        return [(each, since) for each in self._pipeline.store_events([event for event, _ in events])]

    def _stream(self, streams: list[Waiting[FinishedStream]]) -> Unanalysed:
        for finished, _ in streams:
            result, messages = self._streams.store(finished)
            self._metrics.count_stream(result)
            stream = finished.stream
            self._post(RecordingStored(stream.key))
            self._post(stored_message(stream.device_id, stream.name, finished.completeness))
            for message in messages:
                self._post(message)
        return []

    def _refuse(self, one: Unstored, since: float, error: Exception) -> None:
        """Deal with what cannot be stored: now, or from its damaged file, or never."""
        device_id, name = _names(one)
        if isinstance(error, SpoolFileError) and isinstance(one, ClosedRecording):
            self.postponed.forget(one)
            self._post(SpoolFileLost(one.recording, error))
        elif isinstance(error, OSError):
            _LOG.error(line("storage_refuses", device=device_id, recording=name, error=error))
            self.postponed.add(one, since)
            self._post(StorageFault(f"{device_id}/{name} cannot be stored: {error}", "recordings"))
        else:
            _LOG.error(line("failed", device=device_id, recording=name), exc_info=error)
            self._give_up(one, error)
            self._post(RecordingStored((device_id, int(name, 16))))  # nothing waits for it any more
            self._post(ControlMessage(device_id, control.rejected(name, "failed", "it cannot be stored")))

    def _give_up(self, one: Unstored, reason: Exception) -> None:
        self.postponed.forget(one)
        match one:
            case ClosedRecording():
                self._pipeline.set_aside(one, reason)
            case FinishedStream():
                self._streams.set_aside(one, reason)
            case EventRecording():
                one.is_stored.set()  # the state of its stream waits for it


def _names(one: Unstored) -> tuple[str, str]:
    """Return device id and recording id."""
    match one:
        case ClosedRecording():
            return one.recording.device_id, one.recording.name
        case FinishedStream():
            return one.stream.device_id, one.stream.name
        case EventRecording():
            return one.recording.device_id, one.recording.recording_id
