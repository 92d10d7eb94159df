"""The recording analysis: a thread that stores recordings and computes their results.

It is a thread of its own so that chunks never wait for it. Devices take turns, and storing comes before
analysing: a device waits for `stored` with its sound in memory. Recordings that waited together are stored
together: the disk is what a recording waits for, and one sync serves them all.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from edge_worker.analysis import last_sounds
from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.fair_queue import FairQueue
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.recording_storage import Post, RecordingStorage, Unstored
from edge_worker.analysis.storage_retry import StorageFault, StorageRetry
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.errors import StoreError
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.recording_metrics import RecordingMetrics

_LOG = logging.getLogger(__name__)
_IDLE_S: Final = 0.2
_HEARTBEAT_EVERY_S: Final = 5.0
_REFRESH_EVERY_S: Final = 1.0

_BATCH_SAMPLES: Final = 4_000_000
"""Sound of one batch, at most one recording more: bounds what is in memory (two bytes a sample, twice)."""
_BATCH_JOBS: Final = 16
"""Jobs of one batch: very short recordings are many, and each has a file."""
_ANALYSE_AT_LEAST_S: Final = 0.01
"""Results are computed for so long before recordings are stored that have arrived meanwhile."""
_JOB_COST_S: Final = 0.1
"""A job takes as much time as the analysis of so much sound, beside its own."""

Job = Unstored | UnanalysedRecording
Analysed = tuple[AnalysisResult, StoredRecording, float]
"""A result, its recording, and the monotonic time since when it waits."""


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
        self._store = store
        self._metrics = metrics
        self._post = post
        self._write_heartbeat = write_heartbeat
        self._to_store: FairQueue[tuple[Unstored, float]] = FairQueue()
        """Jobs, and the monotonic time since when each waits."""
        self._to_analyse: FairQueue[tuple[UnanalysedRecording | FinishedStream, float]] = FairQueue()
        """Streams are here behind their events, which are stored before."""
        self._held_samples = 0
        """Sound in memory of recordings that wait to be analysed; the others are read from their files."""
        self._acknowledged: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._delivered: list[int] = []
        self._stopping = threading.Event()
        self._retry = StorageRetry(post, self._stopping, store.mend)
        self._damage: StoreError | None = None
        """Met by another thread, to be repaired by this one."""
        self._storage = RecordingStorage(pipeline, streams, metrics, self._retry, post)
        self._lost: Iterator[StoredRecording] = iter(())
        """Recordings whose sound is there, and whose rows a damaged database lost."""
        self._heartbeat_at = float("-inf")
        self._refreshed_at = float("-inf")
        self.failure: BaseException | None = None
        """The exception that ended the thread, a bug, for the main thread to raise."""

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue recordings to be stored, and stored ones to be analysed."""
        now = time.monotonic()
        for job in jobs:
            if isinstance(job, UnanalysedRecording):
                self._put_unanalysed(job, now)
            else:
                self._to_store.put(_device_of(job), _cost_s(job), (job, now))

    def acknowledge(self, message_id: int) -> None:
        """Note that the broker has a message of the outbox."""
        self._acknowledged.put(message_id)

    def request_repair(self, error: Exception) -> None:
        """Repair the database soon, if `error` says that it is damaged or gone."""
        if isinstance(error, StoreError):
            self._damage = error

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
        return len(self._to_store) + len(self._to_analyse) + len(self._storage.postponed)

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.is_set():
                self._work()
                self._retry.call(self._housekeeping)
            self._retry.call(self._clear_outbox)
            self._retry.call(self._write_heartbeat)  # the last one: it is offline
        except BaseException as error:
            self.failure = error
            self._post(StorageFault(str(error)))

    def _work(self) -> None:
        """Store what waits, and analyse until more waits to be stored."""
        batch = self._next_batch()
        closed = [(job, since) for job, since in batch if isinstance(job, ClosedRecording)]
        events = [(job, since) for job, since in batch if isinstance(job, EventRecording)]
        for unanalysed, since in self._storage.store_recordings(closed) + self._storage.store_events(events):
            self._put_unanalysed(unanalysed, since)
        for job, since in batch:
            if isinstance(job, FinishedStream):
                self._to_analyse.put(_device_of(job), _cost_s(job), (job, since))
        self._analyse_next()

    def _next_batch(self) -> list[tuple[Unstored, float]]:
        """Return the jobs that wait, as far as they fit into memory; wait a while when there is none."""
        batch: list[tuple[Unstored, float]] = [*self._storage.postponed.take_due()]
        samples = sum(_samples(job) for job, _ in batch)
        try:
            while samples < _BATCH_SAMPLES and len(batch) < _BATCH_JOBS:
                job, since = self._to_store.get(0 if batch or len(self._to_analyse) else _IDLE_S)
                samples += _samples(job)
                batch.append((job, since))
        except queue.Empty:
            pass
        return batch

    def _put_unanalysed(self, unanalysed: UnanalysedRecording, since: float) -> None:
        """Queue a stored recording; without its sound, if much sound waits already."""
        samples = 0 if unanalysed.pcm is None else unanalysed.recording.samples
        if self._held_samples + samples > _BATCH_SAMPLES:
            unanalysed, samples = replace(unanalysed, pcm=None), 0
        self._held_samples += samples
        self._to_analyse.put(_device_of(unanalysed), _cost_s(unanalysed), (unanalysed, since))

    def _analyse_next(self) -> None:
        """Compute and save results, only for a short time if more waits to be stored."""
        results: list[Analysed] = []
        samples, until = 0, time.monotonic() + _ANALYSE_AT_LEAST_S
        while len(self._to_analyse) and samples < _BATCH_SAMPLES and not self._stopping.is_set():
            job, since = self._to_analyse.get(0)
            if isinstance(job, FinishedStream):
                self._publish(results)
                results = []
                self._storage.store_stream(job, since)
            else:
                samples += job.recording.samples
                self._held_samples -= 0 if job.pcm is None else job.recording.samples
                results.append((self._analyse(job), job.recording, since))
            if len(self._to_store) and time.monotonic() >= until:
                break
        self._publish(results)

    def _publish(self, results: list[Analysed]) -> None:
        """Save results, and hand on the messages that announce them."""
        for message in self._save_all(results):
            self._post(message)
        self._pipeline.delete_event_audio([result for result, *_ in results])

    def _analyse(self, unanalysed: UnanalysedRecording) -> AnalysisResult:
        started = time.perf_counter()
        analysed = self._pipeline.analyse(unanalysed)
        self._metrics.observe_analysis(analysed.result, time.perf_counter() - started)
        return analysed

    def _save_all(self, results: list[Analysed]) -> list[OutboxMessage]:
        """Save results together; one by one where that fails. One that cannot be saved becomes an error."""
        if not results:
            return []
        try:
            return self._retry.call(lambda: self._save(results)) or []
        except Exception:
            if len(results) > 1:
                return [message for each in results for message in self._save_all([each])]
            result, recording, since = results[0]
            _LOG.exception(line("failed", device=recording.device_id, recording=recording.recording_id))
            if result.result.status == "error":
                return []  # the next start tries again
            return self._save_all([(self._pipeline.failed_result(recording), recording, since)])

    def _save(self, results: list[Analysed]) -> list[OutboxMessage]:
        """Save results, and take the messages that were delivered out of the outbox, in one transaction."""
        self._collect_delivered()
        announced = last_sounds.with_messages([result for result, *_ in results], self._store)
        messages = self._store.save_results(announced, self._delivered)
        self._delivered.clear()
        now = time.monotonic()
        for *_, since in results:
            self._metrics.observe_saved(now - since)
        return messages

    def _housekeeping(self) -> None:
        damage, self._damage = self._damage, None
        if damage is not None:
            self._store.mend(damage)
        if not len(self._to_store) and not len(self._to_analyse):  # else the next results take them along
            self._clear_outbox()
            self._adopt_lost()
        if time.monotonic() - self._refreshed_at >= _REFRESH_EVERY_S:
            self._refreshed_at = time.monotonic()
            if self._pipeline.refresh():
                self.request_heartbeat()
        if time.monotonic() - self._heartbeat_at >= _HEARTBEAT_EVERY_S:
            self._write_heartbeat()
            self._heartbeat_at = time.monotonic()

    def _adopt_lost(self) -> None:
        """Give the next recording that lost its row a new one, after a repair of the database."""
        if self._store.repair.take_lost_rows():
            self._lost = self._pipeline.lost_recordings()
        for lost in self._lost:
            (stored,) = self._store.save_recordings([lost])
            self.submit([UnanalysedRecording(stored)])
            return

    def _clear_outbox(self) -> None:
        self._collect_delivered()
        if self._delivered:
            self._store.acknowledge(self._delivered)
            self._delivered.clear()

    def _collect_delivered(self) -> None:
        while not self._acknowledged.empty():
            self._delivered.append(self._acknowledged.get())


def _device_of(job: Job) -> str:
    return job.stream.device_id if isinstance(job, FinishedStream) else job.recording.device_id


def _cost_s(job: Job) -> float:
    """Return what a job costs, in seconds of sound."""
    rate = job.stream.sample_rate if isinstance(job, FinishedStream) else job.recording.sample_rate
    return _samples(job) / max(1, rate) + _JOB_COST_S


def _samples(job: Job) -> int:
    """Return how many samples a job takes into memory."""
    match job:
        case ClosedRecording():
            return job.recording.received.end
        case FinishedStream():
            return 0  # read piece by piece
        case _:
            return job.recording.samples
