"""The thread that listens while sound arrives: windows of streams, events, and what a person is told.

Streams have its time first; recordings that are open get what is left, up to a share. When it falls behind,
windows and values of all streams come less often, evenly (`stretch`), and no sound is left out.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import EventRecording
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_intake import StreamAudio, StreamEnd
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.live.stream_session import StreamSession
from edge_worker.protocol import topics
from edge_worker.protocol.live_value import LiveValue
from edge_worker.settings import Settings
from edge_worker.telemetry.live_metrics import LiveMetrics
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)

MAX_WAITING_BYTES: Final = 2**25
"""Sound of streams that waits for us; with more, the network thread waits, and the broker with it."""
DEFERRED_S: Final = 2.0
"""Of sound: windows that have waited for so long are judged though more waits."""
GLANCE_EVERY_S: Final = 0.45
GLANCE_SHARE: Final = 0.15
"""Share of a core that hints for open recordings may take, and only while nobody waits for results."""
_GLANCES_WAITING: Final = 64
_AHEAD_S: Final = 1.5
"""Sound that comes faster than this before its time is not being recorded now: nobody looks at a display."""
_IDLE_S: Final = 0.2
_REFRESH_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Live:
    """A message for a display."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Trim:
    """Sound of a stream before a sample is not needed any more."""

    key: RecordingKey
    before: int


Post = Callable[[Live | Trim], None]
Submit = Callable[[list[EventRecording | FinishedStream]], None]


class LiveAnalysis(threading.Thread):
    """`offer` and `glance` belong to the network thread."""

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        board: ActiveProfiles,
        *,
        models: LoadedModels,
        segmenter: Segmenter,
        tally: LiveMetrics,
    ) -> None:
        super().__init__(name="coach", daemon=True)
        self._audio_s = settings.stream_audio_s
        self._models, self._segmenter, self._board, self.tally = models, segmenter, board, tally
        self._stream_spool = StreamSpool(spool.directory)
        self._spool = spool
        self._post: Post = lambda _item: None
        self._submit: Submit = lambda _jobs: None
        self._is_busy: Callable[[], bool] = lambda: False
        self._queue: queue.SimpleQueue[StreamAudio | StreamEnd | RecordingPreview] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._waiting_bytes = 0
        self._sessions: dict[RecordingKey, StreamSession | None] = {}
        self._glances: dict[RecordingKey, tuple[RecordingPreview, float]] = {}
        self._unjudged: dict[RecordingKey, float] = {}
        """Streams with full windows that were not judged, and since when; the oldest first."""
        self._credit_s, self._credited_at = 0.0, time.monotonic()
        self._refreshed_at = float("-inf")
        self._stopping = threading.Event()
        self.failure: BaseException | None = None
        """What ended the thread, if anything did: a bug, for the main thread to raise."""

    def connect(self, post: Post, submit: Submit, is_busy: Callable[[], bool]) -> None:
        """Say where messages and jobs go, and how to know that others need the time; before `start`."""
        self._post, self._submit, self._is_busy = post, submit, is_busy

    # --- on the network thread ----------------------------------------------------------------------

    def offer(self, item: StreamAudio | StreamEnd) -> None:
        """Queue what happens to a stream; waits while too much does."""
        size = len(item.body) if isinstance(item, StreamAudio) else 0
        with self._room:
            while self._waiting_bytes > MAX_WAITING_BYTES and self.is_alive():
                self._room.wait(_IDLE_S)
            self._waiting_bytes += size
        self._queue.put(item)

    def glance(self, recording: Recording, now: float) -> None:
        """Note that a recording has new sound; it is looked at when it is time and there is time."""
        glance, looked_at = self._glances.get(recording.key) or (RecordingPreview(recording), 0.0)
        is_new = glance.recording is not recording
        if now - looked_at < GLANCE_EVERY_S and not is_new:
            return
        heard_s = recording.received.end / recording.sample_rate
        if heard_s > time.time() - recording.received_at + _AHEAD_S or heard_s < GLANCE_EVERY_S:
            return
        glance = RecordingPreview(recording) if is_new else glance
        self._glances[recording.key] = (glance, now)
        if self._queue.qsize() < _GLANCES_WAITING:
            self._queue.put(glance)

    def forget(self, key: RecordingKey) -> None:
        """Note that a recording is closed."""
        self._glances.pop(key, None)

    def stop(self) -> None:
        """End after the item at hand; what is queued is in the spool."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    # --- on our own thread --------------------------------------------------------------------------

    def run(self) -> None:
        """Listen until stopped."""
        try:
            while not self._stopping.is_set():
                self._refresh()
                self._work()
        except BaseException as error:
            self.failure = error

    def _work(self) -> None:
        """Take what came; judge windows while nothing comes."""
        try:
            item = self._queue.get(timeout=0 if self._unjudged else _IDLE_S)
        except queue.Empty:
            if not self._unjudged:
                self.tally.observe_delays(time.monotonic(), 0.0, 0.0)
            self._judge_next()
            return
        self._take(item)

    def _judge_next(self) -> None:
        """Judge the windows of the stream that has waited longest."""
        if not self._unjudged:
            return
        key = next(iter(self._unjudged))
        del self._unjudged[key]
        session = self._sessions[key]
        if session is not None:
            self._guarded(session.stream, lambda: self._judge(session))

    def _judge(self, session: StreamSession) -> None:
        self._unjudged.pop(session.stream.key, None)
        skipped = session.judge.skipped
        self.tally.windows += session.judge_windows(self.tally.window_stretch)
        self.tally.skipped_windows += session.judge.skipped - skipped

    def _take(self, item: StreamAudio | StreamEnd | RecordingPreview) -> None:
        if isinstance(item, RecordingPreview):
            self._look(item)
        elif isinstance(item, StreamEnd):
            self._conclude(item)
        else:
            with self._room:
                self._waiting_bytes -= len(item.body)
                self._room.notify()
            self._guarded(item.stream, lambda: self._hear(item))

    def _guarded(self, stream: Stream, action: Callable[[], None]) -> None:
        """Do something for a stream; what no code can digest must not end the others."""
        try:
            action()
        except Exception:
            _LOG.exception(line("failed", device=stream.device_id, recording=stream.name))
            self._sessions[stream.key] = None
            self._unjudged.pop(stream.key, None)
            self.tally.streams = len(self._sessions)

    def _hear(self, piece: StreamAudio) -> None:
        session = self._session(piece.stream)
        if session is None:
            return  # it failed before; its end says so
        now = time.monotonic()
        if piece.at:
            self.tally.observe_delays(now, now - piece.at, now - next(iter(self._unjudged.values()), now))
        self._submit([*session.hear(piece, self._board.current)])
        stretch = self.tally.stretch
        if session.value_due(piece, stretch):
            self._tell(piece.stream.device_id, session.value(stretch), piece.at)
        # A person waits for a value, and for no window: those have some time before their sound is gone.
        overdue_s = session.overdue_s
        if overdue_s > DEFERRED_S:
            self._judge(session)
        elif overdue_s >= 0:
            self._unjudged.setdefault(piece.stream.key, now)
        if session.state_due():
            self._save(session)

    def _session(self, stream: Stream) -> StreamSession | None:
        """Return the session of a stream, None when it failed; a new stream gets one."""
        if stream.key not in self._sessions:
            self._sessions[stream.key] = StreamSession(
                stream, self._models, self._segmenter, self._board.current
            )
            self.tally.streams = len(self._sessions)
        return self._sessions[stream.key]

    def _save(self, session: StreamSession) -> None:
        """Save what was said so far, and let go of the sound that it was said of."""
        state = session.state()
        try:
            self._stream_spool.save_state(session.stream, state)
        except OSError as error:  # the sound stays; it is tried again after the next segment
            _LOG.error(line("storage_refuses", error=error, recording=session.stream.name))
            return
        keep_from = state["position"] - round(self._audio_s * session.stream.sample_rate)
        self._post(Trim(session.stream.key, min(state["needed_from"], keep_from)))

    def _conclude(self, end: StreamEnd) -> None:
        failed = FinishedStream(end.stream, None, end.is_ended)
        try:
            session = self._session(end.stream)
            concluded, events = (failed, []) if session is None else session.conclude(is_ended=end.is_ended)
        except Exception:
            _LOG.exception(line("failed", device=end.stream.device_id, recording=end.stream.name))
            concluded, events = failed, []
        self._sessions.pop(end.stream.key, None)
        self._unjudged.pop(end.stream.key, None)
        self.tally.streams = len(self._sessions)
        self._submit([*events, concluded])

    def _look(self, glance: RecordingPreview) -> None:
        """Tell somebody who makes a recording how it goes, if we have time to spare."""
        now = time.monotonic()
        self._credit_s = min(1.0, self._credit_s + GLANCE_SHARE * (now - self._credited_at))
        self._credited_at = now
        if self._credit_s < 0 or self.tally.stretch > 1 or self._is_busy():
            self.tally.skipped_glances += 1
            return
        started = time.thread_time()
        try:
            value = glance.value(self._spool, self._models, self._segmenter, self._board.current)
        except Exception:
            _LOG.exception(line("failed", device=glance.recording.device_id, recording=glance.recording.name))
            return
        finally:
            self._credit_s -= time.thread_time() - started
        if value is not None:
            self._tell(glance.recording.device_id, value, now)

    def _tell(self, device_id: str, value: LiveValue, since: float) -> None:
        self._post(Live(topics.live(device_id), value.to_json()))
        self.tally.observe_value(time.monotonic() - since)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._refreshed_at >= _REFRESH_EVERY_S:
            self._refreshed_at = now
            self._models.refresh()
