"""The thread on which recordings are stored and judged, so that chunks are never kept waiting.

Recordings are taken as they come, and those that waited together are stored together: the disk is what a
recording waits for, and one sync serves them all.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from edge_worker.analysis import last_sounds
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import EventRecording, Kept, Pipeline
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.store import AnalysisResult, OutboxMessage, Store, StoreFault
from edge_worker.ingest.intake import ClosedRecording, ControlMessage, stored_message
from edge_worker.ingest.recording import RecordingKey
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.recording_metrics import RecordingMetrics

_LOG = logging.getLogger(__name__)
_IDLE_S: Final = 0.2
_BEAT_EVERY_S: Final = 5.0
_REFRESH_EVERY_S: Final = 1.0
_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)

_BATCH_SAMPLES: Final = 4_000_000
"""Sound of one batch, at most one recording more: bounds what is in memory (two bytes a sample, twice)."""

Job = ClosedRecording | Kept | EventRecording | FinishedStream
Waiting = tuple[Job, float]
"""A job, and the monotonic time at which it began to wait."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """A recording is durable: the database answers for it from now on."""

    key: RecordingKey


@dataclass(frozen=True, slots=True)
class Trouble:
    """Disk or database refuse; an empty text says that they work again."""

    text: str


Post = Callable[[ControlMessage | OutboxMessage | Stored | Trouble], None]
"""Hands something to the network thread."""


class RecordingAnalysis(threading.Thread):
    """Works through closed recordings one by one; the only one that makes recordings and results."""

    def __init__(
        self,
        pipeline: Pipeline,
        streams: StreamResultWriter,
        store: Store,
        tally: RecordingMetrics,
        *,
        post: Post,
        beat: Callable[[], None],
    ) -> None:
        super().__init__(name="analyst", daemon=True)
        self._pipeline = pipeline
        self._streams = streams
        self._store = store
        self._tally = tally
        self._post = post
        self._beat = beat
        self._jobs: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._acknowledged: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._delivered: list[int] = []
        self._stopping = threading.Event()
        self._beaten_at = float("-inf")
        self._refreshed_at = float("-inf")
        self.failure: BaseException | None = None
        """What ended the thread, if anything did: a bug, for the main thread to raise."""

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue recordings to be stored, or stored ones to be judged."""
        for job in jobs:
            self._jobs.put((job, time.monotonic()))

    def acknowledged(self, message_id: int) -> None:
        """Note that the broker has a message of the outbox."""
        self._acknowledged.put(message_id)

    def beat_soon(self) -> None:
        """Write the next heartbeat at once: something changed that people look for."""
        self._beaten_at = float("-inf")

    def stop(self) -> None:
        """End after the job at hand; what is queued is found again at the next start."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    @property
    def backlog(self) -> int:
        """How many recordings wait."""
        return self._jobs.qsize()

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.is_set():
                self._work()
                self._persistently(self._housekeeping)
            self._persistently(self._clear_outbox)
        except BaseException as error:
            self.failure = error
            self._post(Trouble(str(error)))

    def _work(self) -> None:
        """Store and judge what waits, as far as it fits into one batch."""
        batch = self._next_batch()
        closes = [(job, since) for job, since in batch if isinstance(job, ClosedRecording)]
        kept = [(job, since) for job, since in batch if isinstance(job, Kept)]
        if closes:
            kept += self._persistently(lambda: self._keep(closes)) or []
        if events := [(job, since) for job, since in batch if isinstance(job, EventRecording)]:
            kept += self._persistently(lambda: self._keep_events(events)) or []
        if kept:
            verdicts = [(self._judge(each), since) for each, since in kept]
            for message in self._persistently(lambda: self._save(verdicts)) or ():
                self._post(message)
            self._pipeline.let_go([verdict for verdict, _ in verdicts])
        for job, _ in batch:  # after their events, which came before
            if isinstance(job, FinishedStream):
                self._conclude(job)

    def _conclude(self, concluded: FinishedStream) -> None:
        """Save a stream with its result, and say so."""
        saved = self._persistently(lambda: self._streams.keep(concluded))
        if saved is None:
            return
        result, messages = saved
        self._tally.concluded(result)
        stream = concluded.stream
        self._post(Stored(stream.key))
        self._post(stored_message(stream.device_id, stream.name, concluded.completeness))
        for message in messages:
            self._post(message)

    def _keep_events(self, events: list[tuple[EventRecording, float]]) -> list[tuple[Kept, float]]:
        since = min(since for _, since in events)
        return [(each, since) for each in self._pipeline.keep_events([event for event, _ in events])]

    def _next_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        samples = 0
        try:
            while samples < _BATCH_SAMPLES:
                job, since = self._jobs.get(timeout=0 if batch else _IDLE_S)
                samples += _samples(job)
                batch.append((job, since))
        except queue.Empty:
            pass
        return batch

    def _keep(self, closes: list[tuple[ClosedRecording, float]]) -> list[tuple[Kept, float]]:
        kept = self._pipeline.store([close for close, _ in closes])
        now = time.monotonic()
        for close, since in closes:
            self._post(Stored(close.recording.key))
            self._post(stored_message(close.recording.device_id, close.recording.name, close.completeness))
            self._tally.stored(now - since)
        return [(each, since) for each, (_, since) in zip(kept, closes, strict=True)]

    def _judge(self, kept: Kept) -> AnalysisResult:
        started = time.perf_counter()
        verdict = self._pipeline.analyse(kept)
        self._tally.judged(verdict.result, time.perf_counter() - started)
        return verdict

    def _save(self, verdicts: list[tuple[AnalysisResult, float]]) -> list[OutboxMessage]:
        self._collect_delivered()
        said = self._with_sounds([verdict for verdict, _ in verdicts])
        messages = self._store.save_results(said, self._delivered)
        self._delivered.clear()
        now = time.monotonic()
        for _, since in verdicts:
            self._tally.saved(now - since)
        return messages

    def _with_sounds(self, verdicts: list[AnalysisResult]) -> list[AnalysisResult]:
        """Let the last event of each device announce the list of its last sounds, too."""
        events = {each.result.device_id: each for each in verdicts if each.result.event is not None}
        for device_id, last in events.items():
            fresh = [
                each.document
                for each in reversed(verdicts)
                if each.result.event is not None and each.result.device_id == device_id
            ]
            known = self._store.last_events(device_id, last_sounds.MAX_SOUNDS)
            sounds = last_sounds.message(device_id, map(json.loads, [*fresh, *known]))
            events[device_id] = replace(last, messages=(*last.messages, sounds))
        by_row = {each.recording: each for each in events.values()}
        return [by_row.get(each.recording, each) for each in verdicts]

    def _housekeeping(self) -> None:
        if self._jobs.empty():  # else the next results take them along
            self._clear_outbox()
        if time.monotonic() - self._refreshed_at >= _REFRESH_EVERY_S:
            self._refreshed_at = time.monotonic()
            if self._pipeline.refresh():
                self.beat_soon()
        if time.monotonic() - self._beaten_at >= _BEAT_EVERY_S:
            self._beat()
            self._beaten_at = time.monotonic()

    def _clear_outbox(self) -> None:
        self._collect_delivered()
        if self._delivered:
            self._store.acknowledge(self._delivered)
            self._delivered.clear()

    def _collect_delivered(self) -> None:
        while not self._acknowledged.empty():
            self._delivered.append(self._acknowledged.get())

    def _persistently(self, action: Callable[[], T]) -> T | None:
        """Do `action`, again and again while disk or database refuse; None when stopped before it worked."""
        attempt = 0
        while True:
            try:
                outcome = action()
            except (OSError, *StoreFault) as error:
                problem = str(error).split("\n", 1)[0]
                _LOG.error(line("storage_refuses", error=problem, attempt=attempt))
                self._post(Trouble(problem))
                if self._stopping.wait(_RETRY_S[min(attempt, len(_RETRY_S) - 1)]):
                    return None
                attempt += 1
            else:
                if attempt:
                    self._post(Trouble(""))
                return outcome


def _samples(job: Job) -> int:
    """Return how much sound a job takes into memory."""
    match job:
        case ClosedRecording():
            return job.recording.received.end
        case FinishedStream():
            return 0  # piece by piece
        case _:
            return job.recording.samples
