"""The recording analysis: a thread that computes the results of stored recordings, and saves them.

It is a thread of its own so that neither chunks nor recordings to be stored wait for it. Devices take turns.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from edge_worker.analysis import last_sounds
from edge_worker.analysis.fair_queue import FairQueue
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.storing.recording_storage import Post, RecordingStorage
from edge_worker.analysis.storing.shard_release import ShardRelease
from edge_worker.analysis.storing.storage_retry import StorageFault, StorageRetry
from edge_worker.analysis.storing.storage_thread import (
    BATCH_SAMPLES,
    Job,
    StorageThread,
    cost_s,
    device_of,
)
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.errors import AudioStoreError
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS, HeldShards
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.recording_metrics import RecordingMetrics

_LOG = logging.getLogger(__name__)
_REFRESH_EVERY_S: Final = 1.0
"""Between two looks for new models and settings; what was delivered leaves the outbox then, if not before."""
_SAVE_AFTER_S: Final = 0.1
"""Results are computed for so long, or until none waits, before they are saved with one sync."""

Analysed = tuple[AnalysisResult, StoredRecording, float]
"""A result, its recording, and the monotonic time since when it waits."""


class RecordingAnalysis(threading.Thread):
    """The only thread that writes results; it owns the storage thread. Others call its public methods."""

    def __init__(
        self,
        pipeline: Pipeline,
        streams: StreamResultWriter,
        store: Store,
        metrics: RecordingMetrics,
        *,
        post: Post,
        write_heartbeat: Callable[[], None],
        many_come: Callable[[], bool],
        shards: HeldShards = ALL_SHARDS,
    ) -> None:
        super().__init__(name="recording-analysis", daemon=True)
        self._pipeline = pipeline
        self._store = store
        self._metrics = metrics
        self._post = post
        self._stopping = threading.Event()
        self._retry = StorageRetry(post, self._stopping, store.mend, source="analysis")
        self._streams = RecordingStorage(pipeline, streams, metrics, self._retry, post, shards=shards)
        storing = StorageRetry(post, self._stopping, store.mend, source="storage")
        self._storing = StorageThread(
            pipeline,
            store,
            RecordingStorage(pipeline, streams, metrics, storing, post, shards=shards),
            storing,
            self._stopping,
            analyse=self._put,
            release=self._release,
            write_heartbeat=write_heartbeat,
            many_come=many_come,
        )
        self.turns = (self._retry.turns, storing.turns)
        """Of both threads."""
        self.release = self._storing.release
        """Forget shards: what waits of them is stored, and analysed by whoever holds them next."""
        self.request_repair = self._storing.request_repair
        self.request_heartbeat = self._storing.request_heartbeat
        self._waiting: FairQueue[tuple[UnanalysedRecording | FinishedStream | ShardRelease, float]] = (
            FairQueue()
        )
        """Streams are here behind their events."""
        self._held = threading.Lock()
        self._held_samples = 0
        """Sound in memory of recordings that wait to be analysed; the others are read from their files."""
        self._acknowledged: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._delivered: list[int] = []
        self._refreshed_at = float("-inf")
        self._failure: BaseException | None = None

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended one of the two threads, a bug, for the main thread to raise."""
        return self._failure or self._storing.failure

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue recordings to be stored, and stored ones to be analysed."""
        now = time.monotonic()
        for job in jobs:
            if isinstance(job, UnanalysedRecording):
                self._put(job, now)
            else:
                self._storing.submit(job, now)

    def acknowledge(self, message_id: int) -> None:
        """Note that the broker has a message of the outbox."""
        self._acknowledged.put(message_id)

    def start(self) -> None:
        """Start both threads."""
        self._storing.start()
        super().start()

    def stop(self) -> None:
        """End after the current job; queued jobs are taken up from disk and database at the next start."""
        self._stopping.set()
        self._waiting.wake()
        self._storing.wake()
        for thread in (self, self._storing):
            if thread.is_alive():
                thread.join()

    @property
    def backlog(self) -> int:
        """Number of jobs that wait."""
        return len(self._storing) + len(self._waiting) + len(self._streams.postponed)

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.is_set():
                self._analyse_next()
                self._retry.call(self._housekeeping)
            self._retry.call(self._clear_outbox)
        except BaseException as error:
            self._failure = error
            self._post(StorageFault(str(error)))

    def _put(self, job: UnanalysedRecording | FinishedStream, since: float) -> None:
        """Queue what is stored; a recording without its sound, if much sound waits already."""
        if isinstance(job, UnanalysedRecording) and job.pcm is not None:
            with self._held:
                if self._held_samples + job.recording.samples > BATCH_SAMPLES:
                    job = replace(job, pcm=None)
                else:
                    self._held_samples += job.recording.samples
        self._waiting.put(device_of(job), cost_s(job), (job, since))

    def _release(self, release: ShardRelease) -> None:
        """Take what waits of shards out of the queue; a stream is stored, which nobody else could."""
        if release.are_lost:
            self._waiting.put_first((release, 0.0))
            return
        taken = self._waiting.take(
            lambda each: not isinstance(each[0], ShardRelease) and release.shards.holds(device_of(each[0]))
        )
        for job, since in taken:
            if isinstance(job, FinishedStream):
                self._waiting.put_first((job, since))
            elif isinstance(job, UnanalysedRecording) and job.pcm is not None:
                with self._held:
                    self._held_samples -= job.recording.samples
        self._waiting.put_first((release, 0.0))

    def _analyse_next(self) -> None:
        """Compute and save the next results; wait a while when there is nothing to do."""
        for stream, since in self._streams.postponed.take_due():
            if isinstance(stream, FinishedStream):
                self._streams.store_stream(stream, since)
        results: list[Analysed] = []
        samples, until = 0, time.monotonic() + _SAVE_AFTER_S
        while samples < BATCH_SAMPLES and not self._stopping.is_set():
            try:
                job, since = self._waiting.get(0 if results else _REFRESH_EVERY_S)
            except queue.Empty:
                break
            if isinstance(job, ShardRelease):
                self._publish(results)
                self._finish(job)
                return
            if isinstance(job, FinishedStream):
                self._publish(results)
                results = []
                self._streams.store_stream(job, since)
            else:
                samples += job.recording.samples
                analysed = self._retry.call(partial(self._analyse, job), (AudioStoreError,))
                if analysed is not None:  # else it stops meanwhile
                    results.append((analysed, job.recording, since))
            if time.monotonic() >= until:
                break
        self._publish(results)

    def _finish(self, release: ShardRelease) -> None:
        """End the work on shards: what was delivered of them is not to be published again."""
        self._streams.postponed.drop(lambda job: release.shards.holds(device_of(job)))
        self._retry.call(self._clear_outbox)
        release.done()

    def _publish(self, results: list[Analysed]) -> None:
        """Save results, and hand on the messages that announce them."""
        for message in self._save_all(results):
            self._post(message)
        self._pipeline.delete_event_audio([result for result, *_ in results])

    def _analyse(self, unanalysed: UnanalysedRecording) -> AnalysisResult:
        started = time.perf_counter()
        analysed = self._pipeline.analyse(unanalysed)
        if unanalysed.pcm is not None:
            with self._held:
                self._held_samples -= unanalysed.recording.samples
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
        if time.monotonic() - self._refreshed_at >= _REFRESH_EVERY_S:
            self._refreshed_at = time.monotonic()
            if not len(self._waiting):  # else the next results take them along
                self._clear_outbox()
            if self._pipeline.refresh():
                self.request_heartbeat()

    def _clear_outbox(self) -> None:
        self._collect_delivered()
        if self._delivered:
            self._store.acknowledge(self._delivered)
            self._delivered.clear()

    def _collect_delivered(self) -> None:
        while not self._acknowledged.empty():
            self._delivered.append(self._acknowledged.get())
