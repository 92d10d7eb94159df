"""One open stream on the coach's thread: its judge, its events, when something is to be said or saved."""

import logging
import time
from typing import Any, Final

import numpy as np

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import EventRecording
from edge_worker.analysis.stream_result import occurrence
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_intake import StreamAudio
from edge_worker.ingest.stream_spool import SEGMENT_S
from edge_worker.live.event_extractor import EventAudio, EventExtractor
from edge_worker.live.stream_buffer import StreamBuffer
from edge_worker.live.stream_classifier import StreamClassifier
from edge_worker.protocol.live_value import LiveValue
from edge_worker.signal.features import louder
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
VALUE_EVERY_S: Final = 0.5
"""Of sound: a person is told something twice a second."""
_PART_S: Final = 2.0
_SOONEST_S: Final = 0.2
"""Of time: what is caught up with after a pause is not told in full."""


class StreamSession:
    """What is held of one stream."""

    def __init__(
        self, stream: Stream, models: LoadedModels, segmenter: Segmenter, profiles: DeviceProfiles
    ) -> None:
        """Begin, or go on where an earlier process was."""
        self.stream = stream
        state, stream.state = stream.state, None
        begin, known_until = (0, 0) if state is None else (state["needed_from"], state["position"])
        self.judge = StreamClassifier(StreamBuffer(stream.sample_rate, begin, known_until))
        self.asked: tuple[str, ...] = ()
        self._models, self._segmenter = models, segmenter
        self._classifiers: list[Classifier] = []
        self._standing: tuple[Any, ...] = ()
        self._pending: list[EventRecording] = []
        self._saved = self.judge.ear.position
        self._said_s = self._said_at = float("-inf")
        if state is not None:
            self.judge.restore(state, models)
            if state["cutter"] is not None:
                self.judge.cutter = EventExtractor.restore(stream.sample_rate, state["cutter"])
        self._stand_by(profiles)

    def hear(self, piece: StreamAudio, profiles: DeviceProfiles) -> list[EventRecording]:
        """Take the next sound; return the events that ended in it."""
        events = self._stand_by(profiles)
        pcm = np.frombuffer(piece.body, "<i2").reshape(-1, self.stream.channels)
        if self.judge.cutter is not None:
            events += self.judge.cutter.hear(piece.first_sample, pcm)
        if self.judge.ear.is_far(piece.first_sample):
            self.judge.ear.finish()
            self.judge_windows(1.0)
        amplification = (self.stream.meta or {}).get("amplification", 1)
        length = round(_PART_S * self.stream.sample_rate)
        for start in range(0, len(pcm), length):
            if start:  # a chunk may be longer than what the ear holds
                self.judge_windows(1.0)
            self.judge.ear.hear(
                piece.first_sample + start, louder(pcm[start : start + length], amplification)
            )
        return self._occurrences(events)

    def judge_windows(self, stretch: float) -> int:
        """Judge the windows that are full; return how many."""
        return self.judge.judge(self._classifiers, self._segmenter, stretch)

    @property
    def overdue_s(self) -> float:
        """Sound since `judge_windows` has something to do, seconds; under 0: it has nothing to do."""
        return self.judge.overdue_s(self._classifiers)

    def value_due(self, piece: StreamAudio, stretch: float) -> bool:
        """Return whether a person is to be told something after this piece."""
        position_s = self.judge.ear.position / self.stream.sample_rate
        length_s = len(piece.body) / self.stream.bytes_per_sample / self.stream.sample_rate
        # The next piece would come too late.
        is_time = position_s - self._said_s + length_s > VALUE_EVERY_S * stretch
        return piece.at > 0 and is_time and time.monotonic() - self._said_at >= _SOONEST_S

    def value(self, stretch: float) -> LiveValue:
        """Return what to tell now."""
        self._said_s = self.judge.ear.position / self.stream.sample_rate
        self._said_at = time.monotonic()
        return self.judge.value(self.stream.name, self._classifiers, self._segmenter, stretch)

    def state_due(self) -> bool:
        """Return whether sound of a segment was heard, and all events are durable that were found in it."""
        self._pending = [each for each in self._pending if not each.is_kept.is_set()]
        heard = self.judge.ear.position - self._saved
        return not self._pending and heard >= SEGMENT_S * self.stream.sample_rate

    def state(self) -> dict[str, Any]:
        """Return all that the next process needs to go on from here."""
        stream, cutter = self.stream, self.judge.cutter
        self._saved = self.judge.ear.position
        return {
            **self.judge.document(self._models),
            "cutter": None if cutter is None else cutter.document(),
            "received_at": stream.received_at,
            "meta": stream.meta,
            "sample_rate": stream.sample_rate,
            "channels": stream.channels,
        }

    def conclude(self, *, is_ended: bool) -> tuple[FinishedStream, list[EventRecording]]:
        """End the stream; return what is to be kept of it, and its last event."""
        judge = self.judge
        silent = self.stream.next_sample - judge.ear.position  # given up after the last piece
        if silent > 0:
            judge.ear.missing.add(judge.ear.position, self.stream.next_sample)
        events = [] if judge.cutter is None else judge.cutter.finish()
        judge.ear.finish()
        judge.judge(self._classifiers, self._segmenter, is_end=True)
        return FinishedStream(self.stream, judge.summary(self.asked), is_ended), self._occurrences(events)

    def _stand_by(self, profiles: DeviceProfiles) -> list[EventAudio]:
        """Follow what META and the site want, and the models in use; return an event that this ends."""
        device = self.stream.device_id
        asked = profiles.models(device, self.stream.meta)
        classifiers = [self._models[model] for model in asked if model in self._models]
        gate = profiles.of_device(device).gate
        standing = (asked, gate, *(each.card.sha256 for each in classifiers))
        if standing == self._standing:
            return []
        is_first, self._standing = not self._standing, standing
        self.asked, self._classifiers = asked, classifiers
        self.judge.listen_with(classifiers)
        if not is_first:
            _LOG.info(
                line("stream_follows", device=device, recording=self.stream.name, models=",".join(asked))
            )
        return self._use_gate()

    def _use_gate(self) -> list[EventAudio]:
        gate, cutter = self._standing[1], self.judge.cutter
        if gate == (None if cutter is None else cutter.settings):
            return []
        events = [] if cutter is None else cutter.finish()
        position = self.judge.ear.position
        self.judge.cutter = None if gate is None else EventExtractor(self.stream.sample_rate, gate, position)
        return events

    def _occurrences(self, events: list[EventAudio]) -> list[EventRecording]:
        found = [occurrence(self.stream, event, pcm.astype("<i2").tobytes()) for event, pcm in events]
        self._pending += found
        return found
