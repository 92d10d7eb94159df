"""The thread on which recordings are stored and judged, so that chunks are never kept waiting."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from edge_worker.intake import Answer, Close, stored_answer
from edge_worker.pipeline import Pipeline
from edge_worker.recording import Key
from edge_worker.store import Message, Store, StoredRecording, StoreFault

_LOG = logging.getLogger(__name__)
_IDLE_S: Final = 0.2
_BEAT_EVERY_S: Final = 5.0
_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)

Job = Close | StoredRecording
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """A recording is durable: the database answers for it from now on."""

    key: Key


@dataclass(frozen=True, slots=True)
class Trouble:
    """Disk or database refuse; an empty text says that they work again."""

    text: str


Post = Callable[[Answer | Message | Stored | Trouble], None]
"""Hands something to the network thread."""


class Analyst(threading.Thread):
    """Works through closed recordings one by one; the only writer of the database."""

    def __init__(self, pipeline: Pipeline, store: Store, post: Post, beat: Callable[[], None]) -> None:
        super().__init__(name="analyst", daemon=True)
        self._pipeline = pipeline
        self._store = store
        self._post = post
        self._beat = beat
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._acknowledged: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._delivered: list[int] = []
        self._stopping = threading.Event()
        self._beaten_at = float("-inf")
        self.failure: BaseException | None = None
        """What ended the thread, if anything did: a bug, for the main thread to raise."""

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue recordings to be stored, or stored ones to be judged."""
        for job in jobs:
            self._jobs.put(job)

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
                self._persistently(self._housekeeping)
                self._work()
            self._persistently(self._clear_outbox)
        except BaseException as error:
            self.failure = error
            self._post(Trouble(str(error)))

    def _work(self) -> None:
        try:
            job = self._jobs.get(timeout=_IDLE_S)
        except queue.Empty:
            return
        stored, pcm = self._persistently(lambda: self._keep(job)) or (None, None)
        if stored is not None:
            for message in self._persistently(lambda: self._pipeline.analyse(stored, pcm)) or ():
                self._post(message)

    def _keep(self, job: Job) -> tuple[StoredRecording, bytes | None]:
        if isinstance(job, StoredRecording):
            return job, None
        stored, pcm = self._pipeline.keep(job)
        self._post(Stored(job.recording.key))
        self._post(stored_answer(stored.device_id, stored.recording_id, stored.completeness))
        return stored, pcm

    def _housekeeping(self) -> None:
        self._clear_outbox()
        if time.monotonic() - self._beaten_at >= _BEAT_EVERY_S:
            self._beat()
            self._beaten_at = time.monotonic()

    def _clear_outbox(self) -> None:
        while not self._acknowledged.empty():
            self._delivered.append(self._acknowledged.get())
        if self._delivered:
            self._store.acknowledge(self._delivered)
            self._delivered.clear()

    def _persistently(self, action: Callable[[], T]) -> T | None:
        """Do `action`, again and again while disk or database refuse; None when stopped before it worked."""
        attempt = 0
        while True:
            try:
                outcome = action()
            except (OSError, *StoreFault) as error:
                problem = str(error).split("\n", 1)[0]
                _LOG.error("event=storage_refuses error=%r attempt=%d", problem, attempt)
                self._post(Trouble(problem))
                if self._stopping.wait(_RETRY_S[min(attempt, len(_RETRY_S) - 1)]):
                    return None
                attempt += 1
            else:
                if attempt:
                    self._post(Trouble(""))
                return outcome
