"""The storage thread: makes recordings and events durable, and writes the heartbeat.

It is a thread of its own because a device waits for `stored` with its sound in memory: no recording waits for
the analysis of another. Recordings that waited together are stored together: the disk is what they wait for,
and one sync serves them all.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.fair_queue import FairQueue
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.storing.recording_storage import RecordingStorage, Unstored
from edge_worker.analysis.storing.shard_release import ShardRelease
from edge_worker.analysis.storing.storage_retry import StorageFault, StorageRetry
from edge_worker.database.store import Store, StoredRecording, StoreFault
from edge_worker.database.worker_heartbeat import EVERY_S
from edge_worker.errors import AudioStoreError, StoreError
from edge_worker.ingest.intake_event import ClosedRecording

_CHECK_EVERY_S: Final = 10.0
_IDLE_S: Final = 1.0
BATCH_SAMPLES: Final = 4_000_000
"""Sound of one batch, at most one recording more: bounds what is in memory (two bytes a sample, twice)."""
_BATCH_JOBS: Final = 16
"""Jobs of one batch: very short recordings are many, and each has a file."""
_PACE_S: Final = 0.2
"""From the begin of one batch to the next where many come: those of this time are stored, analysed and saved
together. One that waits costs less than one that does not: a sync of the disk, a transaction and a wake-up of
each thread serve several. Where few come none waits for others.
"""
_JOB_COST_S: Final = 0.1
"""A job takes as much time as the analysis of so much sound, beside its own."""

Job = Unstored | UnanalysedRecording
Analyse = Callable[[UnanalysedRecording | FinishedStream, float], None]
"""Hands on what is stored, or a stream behind its events, with the monotonic time since when it waits."""


class StorageThread(threading.Thread):
    """The only thread that writes recordings, events and the heartbeat. Others call its public methods."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        storage: RecordingStorage,
        retry: StorageRetry,
        stopping: threading.Event,
        *,
        analyse: Analyse,
        release: Callable[[ShardRelease], None],
        write_heartbeat: Callable[[], None],
        many_come: Callable[[], bool],
    ) -> None:
        """Wait for others to be stored with a recording while `many_come`."""
        super().__init__(name="recording-storage", daemon=True)
        self._pipeline = pipeline
        self._store = store
        self._storage = storage
        self._retry = retry
        self._stopping = stopping
        self._analyse = analyse
        self._release = release
        self._write_heartbeat = write_heartbeat
        self._many_come = many_come
        pipeline.while_waiting = retry.while_waiting = self._beat
        self._waiting: FairQueue[tuple[Unstored | ShardRelease, float]] = FairQueue()
        """Jobs, and the monotonic time since when each waits."""
        self._damage: StoreError | None = None
        """Met by another thread, to be repaired by this one."""
        self._lost: Iterator[StoredRecording] = iter(())
        """Recordings whose sound is there, and whose rows a damaged database lost."""
        self._begun_at = float("-inf")
        """When the last batch began."""
        self._heartbeat_at = float("-inf")
        self._checked_at = float("-inf")
        self.failure: BaseException | None = None
        """The exception that ended the thread, a bug, for the main thread to raise."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._storage.postponed)

    def submit(self, job: Unstored, since: float) -> None:
        """Queue a job, which waits since a monotonic time."""
        self._waiting.put(device_of(job), cost_s(job), (job, since))

    def release(self, release: ShardRelease) -> None:
        """Hand a release on once what waits now is stored; nothing of its shards is submitted any more."""
        self._waiting.put_last((release, 0.0))

    def request_repair(self, error: Exception) -> None:
        """Repair the database soon, if `error` says that it is damaged or gone."""
        if isinstance(error, StoreError):
            self._damage = error
            self.wake()

    def request_heartbeat(self) -> None:
        """Write the next heartbeat at once: something changed that operators watch."""
        self._heartbeat_at = float("-inf")
        self.wake()

    def wake(self) -> None:
        """Look at once for something to do."""
        self._waiting.wake()

    def run(self) -> None:
        """Work until stopped."""
        try:
            self._retry.call(self._check_audio)
            while not self._stopping.is_set():
                self._store_batch()
                self._retry.call(self._housekeeping)
            self._retry.call(self._write_heartbeat)  # the last one: it is offline
        except BaseException as error:
            self.failure = error
            self._retry.report(StorageFault(str(error)))

    def _store_batch(self) -> None:
        batch, release = self._next_batch()
        closed = [(job, since) for job, since in batch if isinstance(job, ClosedRecording)]
        events = [(job, since) for job, since in batch if isinstance(job, EventRecording)]
        for unanalysed, since in self._storage.store_recordings(closed) + self._storage.store_events(events):
            self._analyse(unanalysed, since)
        for job, since in batch:
            if isinstance(job, FinishedStream):
                self._analyse(job, since)
        if release is not None:
            self._storage.postponed.drop(lambda job: release.shards.holds(device_of(job)))
            self._release(release)

    def _next_batch(self) -> tuple[list[tuple[Unstored, float]], ShardRelease | None]:
        """Return the jobs that wait, as far as they fit into memory; wait a while when there is none.

        A release ends a batch.
        """
        batch: list[tuple[Unstored, float]] = [*self._storage.postponed.take_due()]
        samples = sum(samples_of(job) for job, _ in batch)
        try:
            while samples < BATCH_SAMPLES and len(batch) < _BATCH_JOBS:
                job, since = self._waiting.get(0 if batch else _IDLE_S)
                if not batch:
                    self._keep_pace()
                if isinstance(job, ShardRelease):
                    return batch, job
                samples += samples_of(job)
                batch.append((job, since))
        except queue.Empty:
            return batch, None
        self._begun_at = float("-inf")  # more may wait: the next batch begins at once
        return batch, None

    def _keep_pace(self) -> None:
        """Let a batch begin no sooner than `_PACE_S` after the last one, unless that was full or few come."""
        now = time.monotonic()
        wait_s = self._begun_at + _PACE_S - now if self._many_come() else 0.0
        if wait_s > 0:
            self._stopping.wait(wait_s)
        self._begun_at = max(now, now + wait_s)

    def _housekeeping(self) -> None:
        damage, self._damage = self._damage, None
        if damage is not None:
            self._store.mend(damage)
        if not len(self._waiting):
            self._adopt_lost()
        if time.monotonic() - self._checked_at >= _CHECK_EVERY_S:
            self._check_audio()
        self._beat_if_due()

    def _check_audio(self) -> None:
        """Find out whether sounds can be stored, also while none comes: operators watch it."""
        self._pipeline.check_audio()
        self._checked_at = time.monotonic()

    def _beat_if_due(self) -> None:
        if time.monotonic() - self._heartbeat_at >= EVERY_S:
            self._write_heartbeat()
            self._heartbeat_at = time.monotonic()

    def _beat(self) -> None:
        """Write the heartbeat if it is due, and if the database takes it: something else is waited for."""
        with contextlib.suppress(OSError, *StoreFault):
            self._beat_if_due()

    def _adopt_lost(self) -> None:
        """Give the next recording that lost its row a new one, after a repair of the database."""
        if self._store.repair.take_lost_rows():
            self._lost = self._pipeline.lost_recordings()
        try:
            lost = next(self._lost, None)
        except AudioStoreError:
            self._lost = self._pipeline.lost_recordings()  # from its beginning, at the next try
            raise
        if lost is not None:
            (stored,) = self._store.save_recordings([lost])
            self._analyse(UnanalysedRecording(stored), time.monotonic())
            self.wake()  # for the next one


def device_of(job: Job) -> str:
    """Return the id of the device that a job is for."""
    return job.stream.device_id if isinstance(job, FinishedStream) else job.recording.device_id


def cost_s(job: Job) -> float:
    """Return what a job costs, in seconds of sound."""
    rate = job.stream.sample_rate if isinstance(job, FinishedStream) else job.recording.sample_rate
    return samples_of(job) / max(1, rate) + _JOB_COST_S


def samples_of(job: Job) -> int:
    """Return how many samples a job takes into memory."""
    match job:
        case ClosedRecording():
            return job.recording.received.end
        case FinishedStream():
            return 0  # read piece by piece
        case _:
            return job.recording.samples
