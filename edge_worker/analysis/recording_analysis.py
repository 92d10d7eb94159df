"""The recording analysis: a thread that stores recordings and computes their results.

It is a thread of its own so that chunks never wait for it. Recordings are taken as they arrive, and those
that waited together are stored together: the disk is what a recording waits for, and one sync serves them
all.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge_worker.analysis import last_sounds
from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.storage_retry import StorageFault, StorageRetry
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store
from edge_worker.ingest.intake_event import ClosedRecording, ControlMessage, stored_message
from edge_worker.ingest.recording import RecordingKey
from edge_worker.telemetry.recording_metrics import RecordingMetrics

_IDLE_S: Final = 0.2
_HEARTBEAT_EVERY_S: Final = 5.0
_REFRESH_EVERY_S: Final = 1.0

_BATCH_SAMPLES: Final = 4_000_000
"""Sound of one batch, at most one recording more: bounds what is in memory (two bytes a sample, twice)."""

Job = ClosedRecording | UnanalysedRecording | EventRecording | FinishedStream


@dataclass(frozen=True, slots=True)
class RecordingStored:
    """A recording is durable: the database answers for it from now on."""

    key: RecordingKey


Post = Callable[[ControlMessage | OutboxMessage | RecordingStored | StorageFault], None]
"""Hands something to the network thread."""


class RecordingAnalysis(threading.Thread):
    """The only thread that writes recordings and results. Other threads call its public methods."""

    def __init__(
        self,
        pipeline: Pipeline,
        streams: StreamResultWriter,
        store: Store,
        metrics: RecordingMetrics,
        *,
        post: Post,
        write_heartbeat: Callable[[], None],
    ) -> None:
        super().__init__(name="recording-analysis", daemon=True)
        self._pipeline = pipeline
        self._streams = streams
        self._store = store
        self._metrics = metrics
        self._post = post
        self._write_heartbeat = write_heartbeat
        self._jobs: queue.SimpleQueue[tuple[Job, float]] = queue.SimpleQueue()
        """Jobs, and the monotonic time since when each waits."""
        self._acknowledged: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._delivered: list[int] = []
        self._stopping = threading.Event()
        self._retry = StorageRetry(post, self._stopping)
        self._heartbeat_at = float("-inf")
        self._refreshed_at = float("-inf")
        self.failure: BaseException | None = None
        """The exception that ended the thread, a bug, for the main thread to raise."""

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue recordings to be stored, and stored ones to be analysed."""
        for job in jobs:
            self._jobs.put((job, time.monotonic()))

    def acknowledge(self, message_id: int) -> None:
        """Note that the broker has a message of the outbox."""
        self._acknowledged.put(message_id)

    def request_heartbeat(self) -> None:
        """Write the next heartbeat at once: something changed that operators watch."""
        self._heartbeat_at = float("-inf")

    def stop(self) -> None:
        """End after the current job; queued jobs are taken up from disk and database at the next start."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    @property
    def backlog(self) -> int:
        """Number of jobs that wait."""
        return self._jobs.qsize()

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.is_set():
                self._work()
                self._retry.call(self._housekeeping)
            self._retry.call(self._clear_outbox)
        except BaseException as error:
            self.failure = error
            self._post(StorageFault(str(error)))

    def _work(self) -> None:
        """Store and analyse one batch of jobs."""
        batch = self._next_batch()
        closed = [(job, since) for job, since in batch if isinstance(job, ClosedRecording)]
        events = [(job, since) for job, since in batch if isinstance(job, EventRecording)]
        unanalysed = [(job, since) for job, since in batch if isinstance(job, UnanalysedRecording)]
        if closed:
            unanalysed += self._retry.call(lambda: self._store_recordings(closed)) or []
        if events:
            unanalysed += self._retry.call(lambda: self._store_events(events)) or []
        if unanalysed:
            results = [(self._analyse(each), since) for each, since in unanalysed]
            for message in self._retry.call(lambda: self._save(results)) or ():
                self._post(message)
            self._pipeline.delete_event_audio([result for result, _ in results])
        for job, _ in batch:  # after their events, which came before
            if isinstance(job, FinishedStream):
                self._store_stream(job)

    def _next_batch(self) -> list[tuple[Job, float]]:
        """Return the jobs that wait, as far as they fit into memory; wait a while when there is none."""
        batch: list[tuple[Job, float]] = []
        samples = 0
        try:
            while samples < _BATCH_SAMPLES:
                job, since = self._jobs.get(timeout=0 if batch else _IDLE_S)
                samples += _samples(job)
                batch.append((job, since))
        except queue.Empty:
            pass
        return batch

    def _store_recordings(
        self, closed: list[tuple[ClosedRecording, float]]
    ) -> list[tuple[UnanalysedRecording, float]]:
        stored = self._pipeline.store([each for each, _ in closed])
        now = time.monotonic()
        for each, since in closed:
            recording = each.recording
            self._post(RecordingStored(recording.key))
            self._post(stored_message(recording.device_id, recording.name, each.completeness))
            self._metrics.observe_stored(now - since)
        return [(each, since) for each, (_, since) in zip(stored, closed, strict=True)]

    def _store_events(
        self, events: list[tuple[EventRecording, float]]
    ) -> list[tuple[UnanalysedRecording, float]]:
        since = min(since for _, since in events)
        return [(each, since) for each in self._pipeline.store_events([event for event, _ in events])]

    def _store_stream(self, finished: FinishedStream) -> None:
        """Store a stream with its result, and publish it."""
        saved = self._retry.call(lambda: self._streams.store(finished))
        if saved is None:
            return
        result, messages = saved
        self._metrics.count_stream(result)
        stream = finished.stream
        self._post(RecordingStored(stream.key))
        self._post(stored_message(stream.device_id, stream.name, finished.completeness))
        for message in messages:
            self._post(message)

    def _analyse(self, unanalysed: UnanalysedRecording) -> AnalysisResult:
        started = time.perf_counter()
        analysed = self._pipeline.analyse(unanalysed)
        self._metrics.observe_analysis(analysed.result, time.perf_counter() - started)
        return analysed

    def _save(self, results: list[tuple[AnalysisResult, float]]) -> list[OutboxMessage]:
        """Save results, and take the messages that were delivered out of the outbox, in one transaction."""
        self._collect_delivered()
        announced = last_sounds.with_messages([result for result, _ in results], self._store)
        messages = self._store.save_results(announced, self._delivered)
        self._delivered.clear()
        now = time.monotonic()
        for _, since in results:
            self._metrics.observe_saved(now - since)
        return messages

    def _housekeeping(self) -> None:
        if self._jobs.empty():  # else the next results take them along
            self._clear_outbox()
        if time.monotonic() - self._refreshed_at >= _REFRESH_EVERY_S:
            self._refreshed_at = time.monotonic()
            if self._pipeline.refresh():
                self.request_heartbeat()
        if time.monotonic() - self._heartbeat_at >= _HEARTBEAT_EVERY_S:
            self._write_heartbeat()
            self._heartbeat_at = time.monotonic()

    def _clear_outbox(self) -> None:
        self._collect_delivered()
        if self._delivered:
            self._store.acknowledge(self._delivered)
            self._delivered.clear()

    def _collect_delivered(self) -> None:
        while not self._acknowledged.empty():
            self._delivered.append(self._acknowledged.get())


def _samples(job: Job) -> int:
    """Return how many samples a job takes into memory."""
    match job:
        case ClosedRecording():
            return job.recording.received.end
        case FinishedStream():
            return 0  # read piece by piece
        case _:
            return job.recording.samples
