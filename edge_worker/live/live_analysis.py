"""The live analysis: a thread that classifies streams and previews recordings while their sound arrives.

Streams have its time first; open recordings get what is left, up to a share. When it falls behind, windows
and live values of all streams come less often, evenly (`stretch`), and no sound is left out.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from edge_worker.analysis.active_adaptations import ActiveAdaptations
from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.storing.shard_release import ShardRelease
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.intake_event import StreamAudio, StreamEnd
from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_spool import SEGMENT_S, StreamSpool
from edge_worker.leases.shared_states import SharedStates
from edge_worker.live.live_queue import Item, LiveQueue
from edge_worker.live.preview_schedule import PREVIEW_SHARE, PreviewBudget
from edge_worker.live.preview_turns import PreviewTurns
from edge_worker.live.stream_session import StreamSession
from edge_worker.protocol import topics
from edge_worker.protocol.live_value import LiveValue
from edge_worker.settings import Settings
from edge_worker.telemetry.live_metrics import LiveMetrics
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.turns import Turns

_LOG = logging.getLogger(__name__)
DEFERRED_S: Final = 2.0
"""Of sound: windows that have waited for so long are classified though more sound waits."""
_RECOVERY_S: Final = 0.2
"""While live values come less often than they should, so often is looked whether that is over."""
_REFRESH_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """A live value to be published at QoS 0."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class TrimRequest:
    """Sound of a stream before a sample may leave the spool."""

    key: RecordingKey
    before: int


Post = Callable[[LiveMessage | TrimRequest], None]
"""Hands something to the network thread."""
Submit = Callable[[list[EventRecording | FinishedStream]], None]
"""Hands events and finished streams to the recording analysis."""


class LiveAnalysis(threading.Thread):
    """Thread with the sessions of all open streams. The network thread calls its public methods."""

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        profiles: ActiveProfiles,
        *,
        models: LoadedModels,
        segmenter: HeartSegmenter,
        metrics: LiveMetrics,
        adaptations: ActiveAdaptations | None = None,
    ) -> None:
        super().__init__(name="live-analysis", daemon=True)
        self._audio_s = settings.stream_audio_s
        self._models, self._segmenter, self._profiles, self.metrics = models, segmenter, profiles, metrics
        self._adaptations = adaptations or ActiveAdaptations()
        self._stream_spool = StreamSpool(spool.directory, spool.quarantine)
        self.states = SharedStates()
        self._post: Post = lambda _item: None
        self._post_at_once: Post = lambda _item: None
        self._submit: Submit = lambda _jobs: None
        self._is_busy: Callable[[], bool] = lambda: False
        self._queue = LiveQueue(self.is_alive)
        budget = PreviewBudget(PREVIEW_SHARE / settings.process_count)
        self._previews = PreviewTurns(
            spool, profiles, models=models, segmenter=segmenter, metrics=metrics, budget=budget
        )
        self._sessions: dict[RecordingKey, StreamSession | None] = {}
        """None: the session failed."""
        self._unclassified: dict[RecordingKey, float] = {}
        """Streams with full windows that were not classified, and since when; the oldest first."""
        self._refreshed_at = float("-inf")
        self.turns: Final = Turns(self.name)
        self._stopping = threading.Event()
        self.failure: BaseException | None = None
        """The exception that ended the thread, a bug, for the main thread to raise."""

    def connect(self, post: Post, post_at_once: Post, submit: Submit, is_busy: Callable[[], bool]) -> None:
        """Set where messages (`post_at_once`: those of streams) and jobs go, and whether results wait."""
        self._post, self._post_at_once, self._submit, self._is_busy = post, post_at_once, submit, is_busy

    # --- on the network thread ----------------------------------------------------------------------

    def offer(self, item: StreamAudio | StreamEnd) -> None:
        """Queue sound or the end of a stream; wait while too much sound waits."""
        self._queue.put(item)

    def has_room(self, device_id: str) -> bool:
        """Return whether more sound of the streams of a device may wait."""
        return self._queue.has_room(device_id)

    def preview(self, recording: Recording, now: float) -> None:
        """Note that a recording has new sound, of which there will be a preview."""
        if self._previews.note(recording, now):
            self._queue.wake()

    def forget(self, key: RecordingKey) -> None:
        """End the previews of a recording that is closed."""
        self._previews.forget(key)

    def release(self, release: ShardRelease) -> None:
        """Forget what is open of shards, then call `done`; what was saved of them stays."""
        self._previews.forget_shards(release.shards)
        self._queue.release(release)

    def stop(self) -> None:
        """End after the current item; what is queued is in the spool."""
        self._stopping.set()
        self._queue.wake()
        if self.is_alive():
            self.join()

    # --- on the thread of the live analysis ---------------------------------------------------------

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.is_set():
                self.turns.take()
                self._refresh()
                self._work()
        except BaseException as error:
            self.failure = error

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._refreshed_at >= _REFRESH_EVERY_S:
            self._refreshed_at = now
            self._models.refresh()

    def _work(self) -> None:
        """Process the next item; classify windows and make previews while nothing arrives."""
        try:
            item = self._queue.get(self._wait_s(time.monotonic()))
        except queue.Empty:
            if not self._unclassified:
                self.metrics.observe_delays(time.monotonic(), 0.0, 0.0)
            self._classify_oldest()
            self._publish_previews()
            return
        self._process(item)

    def _wait_s(self, now: float) -> float:
        """Return for how long nothing is to be done unless something arrives."""
        if self._unclassified:
            return 0
        is_behind = self.metrics.stretch > 1 or self.metrics.window_stretch > 1
        return min(_RECOVERY_S if is_behind else _REFRESH_EVERY_S, self._previews.wait_s(now))

    def _process(self, item: Item) -> None:
        if isinstance(item, ShardRelease):
            self._release(item)
        elif isinstance(item, StreamEnd):
            self._finish(item)
        else:
            self._guarded(item.stream, lambda: self._process_audio(item))

    def _guarded(self, stream: Stream, action: Callable[[], None]) -> None:
        """Do something for a stream; an exception ends its session, and no other."""
        try:
            action()
        except Exception:
            _LOG.exception(line("failed", device=stream.device_id, recording=stream.name))
            self._sessions[stream.key] = None
            self._unclassified.pop(stream.key, None)
            self.metrics.streams = len(self._sessions)

    # --- streams ------------------------------------------------------------------------------------

    def _process_audio(self, audio: StreamAudio) -> None:
        session = self._session(audio.stream)
        if session is None:
            return  # it failed before; the end of the stream reports it
        now = time.monotonic()
        if audio.at:
            windows_wait_s = now - next(iter(self._unclassified.values()), now)
            self.metrics.observe_delays(now, now - audio.at, windows_wait_s)
        self._submit([*session.process(audio, self._profiles.current)])
        stretch = self.metrics.stretch
        if session.value_due(audio, stretch):
            self._publish(audio.stream.device_id, session.value(stretch), audio.at, self._post_at_once)
        # A display waits for a value, and for no window: those have some time before their sound is gone.
        overdue_s = session.overdue_s
        if overdue_s > DEFERRED_S:
            self._classify(session)
        elif overdue_s >= 0:
            self._unclassified.setdefault(audio.stream.key, now)
        if session.state_due(self.states.every_s(SEGMENT_S)):
            self._save_state(session)

    def _session(self, stream: Stream) -> StreamSession | None:
        """Return the session of a stream, None when it failed; a new stream gets one."""
        if stream.key not in self._sessions:
            self._sessions[stream.key] = StreamSession(
                stream,
                self._models,
                self._segmenter,
                self._profiles.current,
                partial(self._adaptations.of_device, stream.device_id),
            )
            self.metrics.streams = len(self._sessions)
        return self._sessions[stream.key]

    def _classify_oldest(self) -> None:
        """Classify the windows of the stream that has waited longest."""
        if not self._unclassified:
            return
        key = next(iter(self._unclassified))
        del self._unclassified[key]
        session = self._sessions[key]
        if session is not None:
            self._guarded(session.stream, lambda: self._classify(session))

    def _classify(self, session: StreamSession) -> None:
        self._unclassified.pop(session.stream.key, None)
        schedule = session.classifier.schedule
        skipped = schedule.skipped
        self.metrics.windows += session.classify_windows(self.metrics.window_stretch)
        self.metrics.skipped_windows += schedule.skipped - skipped

    def _save_state(self, session: StreamSession) -> None:
        """Save the state of a stream, and let the sound that it covers leave the spool."""
        state = session.state()
        try:
            saved = self._stream_spool.save_state(session.stream, state)
        except OSError as error:  # the sound stays; it is tried again after the next segment
            _LOG.error(line("storage_refuses", error=error, recording=session.stream.name))
            return
        self.states.put(session.stream.device_id, session.stream.name, saved)
        stored_from = state["position"] - round(self._audio_s * session.stream.sample_rate)
        self._post(TrimRequest(session.stream.key, min(state["needed_from"], stored_from)))

    def _finish(self, end: StreamEnd) -> None:
        """Hand a finished stream and its last event to the recording analysis, also when it failed."""
        finished, events = FinishedStream(end.stream, None, end.is_ended), list[EventRecording]()
        try:
            session = self._session(end.stream)
            if session is not None:
                finished, events = session.finish(is_ended=end.is_ended)
        except Exception:
            _LOG.exception(line("failed", device=end.stream.device_id, recording=end.stream.name))
        self._sessions.pop(end.stream.key, None)
        self._unclassified.pop(end.stream.key, None)
        self.metrics.streams = len(self._sessions)
        self._submit([*events, finished])

    def _release(self, release: ShardRelease) -> None:
        for key in [key for key in self._sessions if release.shards.holds(key[0])]:
            del self._sessions[key]
            self._unclassified.pop(key, None)
        self.metrics.streams = len(self._sessions)
        self._previews.release(release.shards)
        release.done()

    # --- live values --------------------------------------------------------------------------------

    def _publish_previews(self) -> None:
        """Publish live values of some open recordings; streams come first again afterwards."""
        began = time.monotonic()
        for device_id, value in self._previews.make(self._is_busy):
            self._publish(device_id, value, began, self._post)

    def _publish(self, device_id: str, value: LiveValue, since: float, post: Post) -> None:
        post(LiveMessage(topics.live(device_id), value.to_json()))
        self.metrics.observe_value(time.monotonic() - since)
