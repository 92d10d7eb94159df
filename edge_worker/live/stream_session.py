"""Session of one open stream in the live analysis: its classifier, its events, its saved state."""

import logging
import time
from typing import Any, Final

import numpy as np

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.intake_event import StreamAudio
from edge_worker.ingest.stream import Stream
from edge_worker.live.event_extractor import EventAudio, EventExtractor
from edge_worker.live.stream_buffer import StreamBuffer
from edge_worker.live.stream_classifier import Adapt, StreamClassifier
from edge_worker.protocol.live_value import LiveValue
from edge_worker.signal.gate import GateSettings
from edge_worker.signal.pcm import amplify
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
VALUE_EVERY_S: Final = 0.5
"""Of sound: live values are published twice a second."""
_PART_S: Final = 2.0
_MIN_VALUE_INTERVAL_S: Final = 0.2
"""Of time: sound that is caught up with after a pause does not get all its live values."""


class StreamSession:
    """State of one open stream. Used by the thread of the live analysis."""

    def __init__(
        self,
        stream: Stream,
        models: LoadedModels,
        segmenter: HeartSegmenter,
        profiles: DeviceProfiles,
        adapt: Adapt,
    ) -> None:
        """Begin, or continue from the state that an earlier process saved."""
        self.stream = stream
        self._models, self._segmenter = models, segmenter
        state, stream.state = stream.state, None
        self.classifier = self._classifier(state, adapt)
        self.classifier.language = profiles.language
        self._requested: tuple[str, ...] = ()
        """Names of the models that META or the profile of the device request."""
        self._classifiers: list[Classifier] = []
        self._in_use: tuple[Any, ...] = ()
        """Requested models, gate and model versions, to notice a change."""
        self._unstored_events: list[EventRecording] = []
        self._saved_position = self.classifier.buffer.position
        self._value_position_s = self._value_at = float("-inf")
        self._follow_settings(profiles)

    def process(self, audio: StreamAudio, profiles: DeviceProfiles) -> list[EventRecording]:
        """Process the next sound; return the events that ended in it."""
        events = self._follow_settings(profiles)
        buffer, extractor = self.classifier.buffer, self.classifier.event_extractor
        buffer.check.is_of_another_rate = self.stream.is_of_another_rate
        pcm = np.frombuffer(audio.body, "<i2").reshape(-1, self.stream.channels)
        if extractor is not None:
            events += extractor.process(audio.first_sample, pcm)
        if buffer.begins_anew(audio.first_sample):
            buffer.finish()
            self.classify_windows(1.0)
        amplification = (self.stream.meta or {}).get("amplification", 1)
        length = round(_PART_S * self.stream.sample_rate)
        for start in range(0, len(pcm), length):
            if start:  # a chunk may be longer than what the buffer holds
                self.classify_windows(1.0)
            buffer.append(audio.first_sample + start, amplify(pcm[start : start + length], amplification))
        return self._event_recordings(events)

    def classify_windows(self, stretch: float) -> int:
        """Classify the windows that are full; return how many."""
        return self.classifier.classify_windows(self._classifiers, self._segmenter, stretch)

    @property
    def overdue_s(self) -> float:
        """Sound since `classify_windows` has something to do, seconds; under 0: it has nothing to do."""
        return self.classifier.overdue_s(self._classifiers)

    def value_due(self, audio: StreamAudio, stretch: float) -> bool:
        """Return whether a live value is due after this sound."""
        position_s = self.classifier.buffer.position / self.stream.sample_rate
        length_s = len(audio.body) / self.stream.bytes_per_sample / self.stream.sample_rate
        # The next chunk would come too late.
        is_time = position_s - self._value_position_s + length_s > VALUE_EVERY_S * stretch
        return audio.at > 0 and is_time and time.monotonic() - self._value_at >= _MIN_VALUE_INTERVAL_S

    def value(self, stretch: float) -> LiveValue:
        """Return the live value of this moment."""
        self._value_position_s = self.classifier.buffer.position / self.stream.sample_rate
        self._value_at = time.monotonic()
        return self.classifier.live_value(self.stream.name, self._classifiers, self._segmenter, stretch)

    def state_due(self, every_s: float) -> bool:
        """Return whether so much sound was processed since the last state, and all events are durable."""
        self._unstored_events = [each for each in self._unstored_events if not each.is_stored.is_set()]
        processed = self.classifier.buffer.position - self._saved_position
        return not self._unstored_events and processed >= every_s * self.stream.sample_rate

    def state(self) -> dict[str, Any]:
        """Return all that the next process needs to continue from here, as JSON."""
        stream, extractor = self.stream, self.classifier.event_extractor
        self._saved_position = self.classifier.buffer.position
        return {
            **self.classifier.document(self._models),
            "cutter": None if extractor is None else extractor.document(),
            "received_at": stream.received_at,
            "meta": stream.meta,
            "sample_rate": stream.sample_rate,
            "channels": stream.channels,
        }

    def finish(self, *, is_ended: bool) -> tuple[FinishedStream, list[EventRecording]]:
        """End the stream; return its summary, to be stored, and its last event."""
        classifier, buffer = self.classifier, self.classifier.buffer
        if self.stream.next_sample > buffer.position:  # given up after the last sound
            buffer.note_missing(self.stream.next_sample)
        events = [] if classifier.event_extractor is None else classifier.event_extractor.finish()
        buffer.finish()
        classifier.classify_windows(self._classifiers, self._segmenter, is_end=True)
        finished = FinishedStream(self.stream, classifier.summary(self._requested), is_ended)
        return finished, self._event_recordings(events)

    def _classifier(self, state: dict[str, Any] | None, adapt: Adapt) -> StreamClassifier:
        """Return a classifier that continues from `state`; with none, or a damaged one, it begins anew."""
        rate = self.stream.sample_rate
        if state is not None:
            try:
                buffer = StreamBuffer(rate, state["needed_from"], state["position"])
                classifier = StreamClassifier(buffer, adapt)
                classifier.restore(state, self._models)
                if state["cutter"] is not None:
                    classifier.event_extractor = EventExtractor.restore(rate, state["cutter"])
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                facts = {"device": self.stream.device_id, "recording": self.stream.name}
                _LOG.error(line("state_damaged", **facts, reason=repr(error)))
            else:
                return classifier
        return StreamClassifier(StreamBuffer(rate, 0, 0), adapt)

    def _follow_settings(self, profiles: DeviceProfiles) -> list[EventAudio]:
        """Follow META, the profile of the device and the loaded models; return an event that this ends."""
        device = self.stream.device_id
        requested = profiles.models(device, self.stream.meta)
        classifiers = [self._models[model] for model in requested if model in self._models]
        gate = profiles.of_device(device).gate
        in_use = (requested, gate, *(each.card.sha256 for each in classifiers))
        if in_use == self._in_use:
            return []
        is_first, self._in_use = not self._in_use, in_use
        self._requested, self._classifiers = requested, classifiers
        self.classifier.use_models(classifiers)
        if not is_first:
            facts = {"device": device, "recording": self.stream.name, "models": ",".join(requested)}
            _LOG.info(line("stream_follows", **facts))
        return self._use_gate(gate)

    def _use_gate(self, gate: GateSettings | None) -> list[EventAudio]:
        extractor = self.classifier.event_extractor
        if gate == (None if extractor is None else extractor.settings):
            return []
        events = [] if extractor is None else extractor.finish()
        rate, position = self.stream.sample_rate, self.classifier.buffer.position
        self.classifier.event_extractor = None if gate is None else EventExtractor(rate, gate, position)
        return events

    def _event_recordings(self, events: list[EventAudio]) -> list[EventRecording]:
        recordings = [
            EventRecording.from_stream(self.stream, event, pcm.astype("<i2").tobytes())
            for event, pcm in events
        ]
        self._unstored_events += recordings
        return recordings
