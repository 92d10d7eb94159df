"""Classifier of one stream: windows as they fill, sums over all of them, and live values.

Each window is classified as a recording of its length would be, and accepted by the quality of that window.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from edge_worker.analysis.finished_stream import StreamSummary
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.device_adaptation import DeviceAdaptation
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.model_card import ModelCard
from edge_worker.ingest.sample_ranges import MissingRanges
from edge_worker.live.event_extractor import EventExtractor
from edge_worker.live.heart_rate_tracker import SEARCH_S, HeartRateTracker
from edge_worker.live.stream_buffer import StreamBuffer
from edge_worker.live.stream_quality import StreamQuality
from edge_worker.live.stream_scores import StreamScores
from edge_worker.live.window_schedule import WindowSchedule
from edge_worker.protocol.live_value import LiveValue, heart_hint, room_hint
from edge_worker.protocol.meaning import LANGUAGES
from edge_worker.protocol.result import Quality
from edge_worker.protocol.verdict import Verdict, of_predictions
from edge_worker.signal import quality
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.level_meter import Level
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import trim, windows

RECENT_S: Final = 2.0
"""The last sound, which a hint is about."""
RATE_EVERY_S: Final = 1.5
"""Sound between two searches for a heart rate, where no window of a heart was classified meanwhile."""

Adapt = Callable[[ModelCard], DeviceAdaptation]
"""Returns what a model knows of the device of the stream."""


class StreamClassifier:
    """Windows, sums and live values of one stream. Used by one thread, as the models it is given."""

    def __init__(self, buffer: StreamBuffer, adapt: Adapt = lambda _card: DeviceAdaptation()) -> None:
        self.buffer = buffer
        self._adapt = adapt
        self.event_extractor: EventExtractor | None = None
        self.language = LANGUAGES[0]
        """Of what a display of the device says."""
        """Where there is one, only windows that overlap an event are classified."""
        self.heart_quality, self.sound_quality = StreamQuality(), StreamQuality()
        """Of windows for models of hearts, and of windows for models of any sound."""
        self.scores: dict[str, StreamScores] = {}
        """By model, in the order in which they were first requested."""
        self.schedule = WindowSchedule(buffer)
        self._assessed: tuple[tuple[int, int], Quality] | None = None
        """The last window that was assessed as a heart sound, with its first and end sample."""
        self._heart_rate = HeartRateTracker(RATE_EVERY_S)

    def use_models(self, classifiers: Sequence[Classifier]) -> None:
        """Compute the features that these models need, from now on; models not among them end."""
        features = {each.card.features for each in classifiers}
        hearts = {HEART_LOG_MEL} if any(each.card.domain == "heart" for each in classifiers) else set()
        self.buffer.compute_features(features | hearts)

    def overdue_s(self, classifiers: Sequence[Classifier]) -> float:
        """Return the seconds of sound since a window is full that was not classified; under 0: none is."""
        return self.schedule.overdue_s(each.card for each in classifiers)

    # --- windows ------------------------------------------------------------------------------------

    def classify_windows(
        self,
        classifiers: Sequence[Classifier],
        segmenter: HeartSegmenter,
        stretch: float = 1,
        *,
        is_end: bool = False,
    ) -> int:
        """Classify the windows that are full (`WindowSchedule.full`); return how many."""
        count = 0
        for classifier in classifiers:
            scores = self._scores_of(classifier.card)
            for start in self.schedule.full(classifier.card, stretch, is_end=is_end):
                count += self._classify_window(classifier, scores, start, segmenter)
        return count

    def _scores_of(self, card: ModelCard) -> StreamScores:
        known = self.scores.get(card.model)
        if known is None or known.card.sha256 != card.sha256:  # one version classifies a stream: the newest
            self.scores[card.model] = StreamScores(card, self._adapt(card))
        return self.scores[card.model]

    def _classify_window(
        self, classifier: Classifier, scores: StreamScores, start: int, segmenter: HeartSegmenter
    ) -> int:
        """Classify the window that begins with frame `start`; return 1, or 0 where it overlaps no event."""
        card, buffer = classifier.card, self.buffer
        begin = buffer.sample_of(card.features, start)
        end = min(buffer.position, begin + round(card.window_s * buffer.sample_rate))
        if self.event_extractor is not None and not self.event_extractor.overlaps(begin, end):
            return 0
        usable = self._assess(card, begin, end, segmenter).usable
        lost = buffer.missing.within(begin, end) / max(1, end - begin)
        started = time.perf_counter()
        frames = buffer.frames(card.features).window(start, card.window_frames)
        if card.trim_db is not None:
            frames = trim(frames, card.trim_db)
        device = classifier.device(frames)
        frames = classifier.corrected(frames, scores.adaptation)
        model_input = windows(frames, card.window_frames, card.hop_frames, card.pad)
        scores.add(
            begin / buffer.sample_rate,
            end / buffer.sample_rate,
            classifier.score(model_input, device, scores.adaptation.proven_threshold(card)),
            usable=usable and lost <= card.max_missing_fraction,
            took_ms=(time.perf_counter() - started) * 1000,
        )
        return 1

    def _assess(self, card: ModelCard, begin: int, end: int, segmenter: HeartSegmenter) -> Quality:
        """Return the quality of a window for a model; as a heart sound it is assessed once for all models."""
        level, rate = self.buffer.level(begin, end), self.buffer.sample_rate
        duration_s = (end - begin) / rate
        if card.domain == "sound":
            any_sound = self._any_sound(duration_s, level)
            self.sound_quality.add(begin / rate, end / rate, any_sound, None)
            return any_sound
        if self._assessed is None or self._assessed[0] != (begin, end):
            first = self.buffer.frame_of(HEART_LOG_MEL, begin)
            frames = self.buffer.frames(HEART_LOG_MEL).window(first, HEART_LOG_MEL.frame_count(duration_s))
            heart = self._heart(frames, duration_s, level)
            is_heart = self.buffer.check.fault is None and "no_heartbeat" not in heart.reasons
            bpm = segmenter.segment_spectrogram(frames).heart_rate_bpm if is_heart else None
            self._heart_rate.update(bpm, end / rate)
            self.heart_quality.add(begin / rate, end / rate, heart, bpm)
            self._assessed = ((begin, end), heart)
        return self._assessed[1]

    def _any_sound(self, duration_s: float, level: Level) -> Quality:
        fault = self.buffer.check.fault
        if fault is not None:
            return quality.impossible(fault)
        return quality.assess_level(duration_s, level.loudest_db, level.clipped)

    def _heart(self, frames: Float32Array, duration_s: float, level: Level) -> Quality:
        fault = self.buffer.check.fault
        return (
            quality.assess_frames(frames, duration_s, level.clipped)
            if fault is None
            else quality.impossible(fault)
        )

    # --- live values --------------------------------------------------------------------------------

    def live_value(
        self,
        name: str,
        classifiers: Sequence[Classifier],
        segmenter: HeartSegmenter,
        stretch: float = 1,
    ) -> LiveValue:
        """Return the live value of the last seconds of the stream called `name`."""
        buffer = self.buffer
        now_s, recent = buffer.position / buffer.sample_rate, round(RECENT_S * buffer.sample_rate)
        level = buffer.level(buffer.position - recent, buffer.position)
        duration_s = min(RECENT_S, (buffer.position - buffer.begin) / buffer.sample_rate)
        verdict = self._current_verdict(classifiers, now_s)
        if not buffer.has(HEART_LOG_MEL):
            any_sound = self._any_sound(duration_s, level)
            return LiveValue(name, now_s, room_hint(any_sound, verdict.text), verdict=verdict)
        features = buffer.frames(HEART_LOG_MEL)
        frames = features.last(HEART_LOG_MEL.frame_count(RECENT_S))
        if not len(frames):
            return LiveValue(name, now_s, heart_hint(Quality(False, None, 0.0, ("too_short",)), None))
        heart = self._heart(frames, duration_s, level)
        if buffer.check.fault is None and "no_heartbeat" not in heart.reasons:
            searched = features.last(HEART_LOG_MEL.frame_count(SEARCH_S))
            self._heart_rate.search(segmenter, searched, now_s, stretch)
        bpm = self._heart_rate.current(now_s)
        return LiveValue(name, now_s, heart_hint(heart, bpm), bpm, heart.score, verdict)

    def _current_verdict(self, classifiers: Sequence[Classifier], now_s: float) -> Verdict:
        """Return the verdict of the labels that are accepted now."""
        cards = {each.card.model: each.card for each in classifiers}
        scores = [self.scores[model] for model in cards if model in self.scores]
        current = [each.current(now_s) for each in scores]
        now = of_predictions(each.document() for each in current if each is not None)
        if now.label is None:
            return now
        meaning = cards[now.model or ""].meaning(now.label)
        return replace(now, text=meaning.name(now.label, self.language))

    # --- the end ------------------------------------------------------------------------------------

    def summary(self, models: Sequence[str]) -> StreamSummary:
        """Return the sums over all windows; `models` are those that were requested last."""
        requested = [self.scores[model] for model in models if model in self.scores]
        return StreamSummary(
            predictions=tuple(each.prediction() for each in requested if each.windows),
            unknown_models=tuple(model for model in models if model not in self.scores),
            max_missing_fraction=min((each.card.max_missing_fraction for each in requested), default=1.0),
            heart_quality=self.heart_quality.quality(),
            sound_quality=self.sound_quality.quality(),
            heart_rate_bpm=self.heart_quality.heart_rate_bpm(),
            missing_ranges=tuple(self.buffer.missing.ranges),
            missing_samples=self.buffer.missing.samples,
            skipped_windows=self.schedule.skipped,
            channel=self.buffer.check.channel,
            timeline={
                "models": {
                    model: {"labels": list(each.card.labels), "points": each.timeline.document()}
                    for model, each in self.scores.items()
                    if each.windows
                },
                "heart": self.heart_quality.timeline.document(),
            },
        )

    # --- across a restart ---------------------------------------------------------------------------

    def document(self, classifiers: Mapping[str, Classifier]) -> dict[str, Any]:
        """Return the state as JSON, for `restore`; sound from `needed_from` on must be processed again."""
        buffer = self.buffer
        next_samples = self.schedule.next_samples(classifiers)
        recent = buffer.position - round(SEARCH_S * buffer.sample_rate)
        of_events = [] if self.event_extractor is None else [self.event_extractor.needed_from]
        return {
            "position": buffer.position,
            "needed_from": max(0, min([recent, *next_samples.values(), *of_events])),
            "missing": buffer.missing.document(),
            "heart": self.heart_quality.document(),
            "sound": self.sound_quality.document(),
            "sums": {model: each.document() for model, each in self.scores.items()},
            "next": next_samples,
            "skipped": self.schedule.skipped,
        }

    def restore(self, document: Mapping[str, Any], classifiers: Mapping[str, Classifier]) -> None:
        """Continue from the state of another process; models that are not loaded any more are left out."""
        self.heart_quality = StreamQuality.restore(document["heart"])
        self.sound_quality = StreamQuality.restore(document["sound"])
        self.buffer.missing = MissingRanges.restore(document["missing"])
        self.scores = {
            model: StreamScores.restore(classifiers[model].card, scores, self._adapt(classifiers[model].card))
            for model, scores in document["sums"].items()
            if model in classifiers
        }
        self.schedule.restore(document["next"], document["skipped"])
