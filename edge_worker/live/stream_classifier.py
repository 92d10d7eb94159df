"""What is said of one stream: windows judged as they fill, sums over all of them, values for a person.

Each window is judged as a recording of its length would be, and held to the quality of that window.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from edge_worker.analysis.finished_stream import StreamSummary
from edge_worker.inference.classifier import Card, Classifier
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.ingest.missing_ranges import MissingRanges
from edge_worker.live.event_extractor import EventExtractor
from edge_worker.live.stream_buffer import DELAY_S, StreamBuffer
from edge_worker.live.stream_quality import StreamQuality
from edge_worker.live.stream_scores import StreamScores
from edge_worker.protocol.live_value import LiveValue, heart_hint, room_hint
from edge_worker.protocol.result import Quality
from edge_worker.signal import quality
from edge_worker.signal.features import HEART, trim, windows

RECENT_S: Final = 2.0
"""The sound that a hint is about."""
FIRST_RATE_S: Final = 2.5
"""Sound from which on a first heart rate is looked for."""
RATE_FROM_S: Final = 4.0
"""Sound that a heart rate is taken from: one window of the network."""
RATE_EVERY_S: Final = 1.5
"""Where no window was judged meanwhile, which finds a rate as well."""
RATE_HOLDS_S: Final = 3.0
"""A heart rate that is not found again is shown so long."""


class StreamClassifier:
    """Windows, sums and values of one stream. Used by one thread, as the models are that it is given."""

    def __init__(self, ear: StreamBuffer) -> None:
        self.ear = ear
        self.cutter: EventExtractor | None = None
        """Where there is one, windows count that an event has a part in."""
        self.heart, self.sound = StreamQuality(), StreamQuality()
        """Windows that models of hearts asked for, and those of any sound."""
        self.sums: dict[str, StreamScores] = {}
        """By model, in the order in which they were first asked for."""
        self.skipped = 0
        """Windows that were left out because there was no time."""
        self._owed: dict[str, float] = {}
        """By model: the part of a window that is still to be left out."""
        self._next: dict[str, tuple[int | None, int]] = {}
        self._next_sample: dict[str, int] = {}
        self._judged: tuple[tuple[int, int], Quality] | None = None
        self._rate: tuple[float, float] | None = None
        self._rate_sought_s = float("-inf")

    def listen_with(self, classifiers: Sequence[Classifier]) -> None:
        """Hear what these need; those that are not among them are not asked again."""
        features = {each.card.features for each in classifiers}
        hearts = {HEART} if any(each.card.hears == "heart" for each in classifiers) else set()
        self.ear.listen_for(features | hearts)

    # --- windows ------------------------------------------------------------------------------------

    def judge(
        self,
        classifiers: Sequence[Classifier],
        segmenter: Segmenter,
        stretch: float = 1,
        *,
        is_end: bool = False,
    ) -> int:
        """Judge the windows that are full; return how many.

        `stretch` over 1 leaves some out: 1.2 every sixth. At the end the last window ends with the sound, and
        a stream that is shorter than a window is one.
        """
        count = 0
        for classifier in classifiers:
            into = self._sum(classifier.card)
            for start in self._full(classifier.card, stretch, is_end=is_end):
                count += self._judge(classifier, into, start, segmenter)
        return count

    def overdue_s(self, classifiers: Sequence[Classifier]) -> float:
        """Return how much sound came since a window is full that was not judged, seconds; under 0: none is.

        Nothing is computed for it.
        """
        full_at = min((self._full_at(each.card) for each in classifiers), default=self.ear.position + 1)
        return (self.ear.position - full_at) / self.ear.sample_rate

    def _full_at(self, card: Card) -> int:
        """Return the sample by which the next window of a model is full."""
        origin, start = self._next.get(card.model, (-1, 0))
        if origin != self.ear.origin(card.features):
            return 0  # nobody looked yet
        overlap_s = (card.features.frame_length - card.features.hop_length) / card.features.sample_rate
        held_back = round((overlap_s + DELAY_S) * self.ear.sample_rate)
        return self.ear.sample_of(card.features, start + card.window_frames) + held_back

    def _sum(self, card: Card) -> StreamScores:
        known = self.sums.get(card.model)
        if known is None or known.card.sha256 != card.sha256:  # one version judges a stream: the newest
            self.sums[card.model] = StreamScores(card)
        return self.sums[card.model]

    def _full(self, card: Card, stretch: float, *, is_end: bool) -> Iterator[int]:
        """Yield the first frame of each window of a model that is full."""
        frames, length, hop = self.ear.frames(card.features), card.window_frames, card.hop_frames
        origin, start = self._next.get(card.model, (-1, 0))
        if origin != self.ear.origin(card.features):  # hearing began, or began anew
            start = self.ear.frame_of(card.features, self._next_sample.pop(card.model, 0))
        if start < frames.begin:  # so late that the sound is gone
            late = -(-(frames.begin - start) // hop)
            self.skipped += late
            start += late * hop
        while start + length <= frames.end:
            yield start
            left_out = self._left_out(card.model, stretch)
            self.skipped += left_out
            start += hop * (1 + left_out)
        if is_end and frames.end and (start - hop + length < frames.end or not start):
            yield max(0, frames.end - length)
        self._next[card.model] = (self.ear.origin(card.features), start)

    def _left_out(self, model: str, stretch: float) -> int:
        """Return how many windows to leave out after one, so that it is `stretch` - 1 on average."""
        owed = self._owed.get(model, 0.0) + stretch - 1
        self._owed[model] = owed % 1
        return int(owed)

    def _judge(self, classifier: Classifier, into: StreamScores, start: int, segmenter: Segmenter) -> int:
        """Judge the window that begins with a frame; return 1, or 0 where no event has a part in it."""
        card = classifier.card
        begin = self.ear.sample_of(card.features, start)
        end = min(self.ear.position, begin + round(card.window_s * self.ear.sample_rate))
        if self.cutter is not None and not self.cutter.overlaps(begin, end):
            return 0
        usable = self._quality(card, begin, end, segmenter).usable
        lost = self.ear.missing.within(begin, end) / max(1, end - begin)
        started = time.perf_counter()
        frames = self.ear.frames(card.features).window(start, card.window_frames)
        if card.trim_db is not None:
            frames = trim(frames, card.trim_db)
        seen = windows(frames, card.window_frames, card.hop_frames, card.pad)
        scores = classifier.probabilities(seen).mean(axis=0)
        took_ms = (time.perf_counter() - started) * 1000
        begin_s, end_s = begin / self.ear.sample_rate, end / self.ear.sample_rate
        is_fit = usable and lost <= card.max_missing_fraction
        into.add(begin_s, end_s, scores, usable=is_fit, took_ms=took_ms)
        return 1

    def _quality(self, card: Card, begin: int, end: int, segmenter: Segmenter) -> Quality:
        """Return the quality of a window for a model; hearts are looked for once, however many models do."""
        level, rate = self.ear.level(begin, end), self.ear.sample_rate
        duration_s = (end - begin) / rate
        if card.hears == "sound":
            any_sound = quality.assess_level(duration_s, level.loudest_db, level.clipped)
            self.sound.add(begin / rate, end / rate, any_sound, None)
            return any_sound
        if self._judged is None or self._judged[0] != (begin, end):
            first = self.ear.frame_of(HEART, begin)
            frames = self.ear.frames(HEART).window(first, HEART.frames(duration_s))
            judged = quality.assess_frames(frames, duration_s, level.clipped)
            bpm = None if "no_heartbeat" in judged.reasons else segmenter.find_in(frames).heart_rate_bpm
            self._note_rate(bpm, end / rate)
            self.heart.add(begin / rate, end / rate, judged, bpm)
            self._judged = ((begin, end), judged)
        return self._judged[1]

    # --- what a person is told ----------------------------------------------------------------------

    def value(
        self, name: str, classifiers: Sequence[Classifier], segmenter: Segmenter, stretch: float = 1
    ) -> LiveValue:
        """Return what is to be said of the last seconds of the stream called `name`."""
        ear = self.ear
        t_s, recent = ear.position / ear.sample_rate, round(RECENT_S * ear.sample_rate)
        level = ear.level(ear.position - recent, ear.position)
        duration_s = min(RECENT_S, (ear.position - ear.heard_from) / ear.sample_rate)
        said = self._said(classifiers, t_s)
        if not ear.has(HEART):
            judged = quality.assess_level(duration_s, level.loudest_db, level.clipped)
            return LiveValue(name, t_s, room_hint(judged, said[1]), None, None, *said)
        frames = ear.frames(HEART).last(HEART.frames(RECENT_S))
        if not len(frames):
            return LiveValue(name, t_s, heart_hint(Quality(False, None, 0.0, ("too_short",)), None))
        judged = quality.assess_frames(frames, duration_s, level.clipped)
        if "no_heartbeat" not in judged.reasons:
            self._seek_rate(segmenter, t_s, stretch)
        bpm = self._rate[0] if self._rate is not None and t_s - self._rate[1] < RATE_HOLDS_S else None
        return LiveValue(name, t_s, heart_hint(judged, bpm), bpm, judged.score, *said)

    def _seek_rate(self, segmenter: Segmenter, t_s: float, stretch: float) -> None:
        """Look for the heart rate where no window of a heart model did lately."""
        frames = self.ear.frames(HEART).last(HEART.frames(RATE_FROM_S))
        is_early = len(frames) < HEART.frames(FIRST_RATE_S)
        if not is_early and t_s - self._rate_sought_s >= RATE_EVERY_S * stretch:
            self._note_rate(segmenter.find_in(frames).heart_rate_bpm, t_s)

    def _note_rate(self, bpm: float | None, at_s: float) -> None:
        self._rate_sought_s = at_s
        if bpm is not None:
            self._rate = (bpm, at_s)

    def _said(
        self, classifiers: Sequence[Classifier], t_s: float
    ) -> tuple[str, str, float] | tuple[None, None, None]:
        """Return model, label and confidence of the first model that is sure now."""
        for classifier in classifiers:
            model = classifier.card.model
            now = self.sums[model].now(t_s) if model in self.sums else None
            if now is not None:
                return (model, *now)
        return (None, None, None)

    # --- at the end ---------------------------------------------------------------------------------

    def summary(self, models: Sequence[str]) -> StreamSummary:
        """Return the sums over all windows; `models` are those that the device asked for last."""
        judged = [self.sums[model] for model in models if model in self.sums]
        return StreamSummary(
            predictions=tuple(each.prediction() for each in judged if each.windows),
            unknown_models=tuple(model for model in models if model not in self.sums),
            max_missing_fraction=min((each.card.max_missing_fraction for each in judged), default=1.0),
            heart_quality=self.heart.quality(),
            sound_quality=self.sound.quality(),
            heart_rate_bpm=self.heart.heart_rate_bpm(),
            missing_ranges=tuple(self.ear.missing.ranges),
            missing_samples=self.ear.missing.samples,
            skipped_windows=self.skipped,
            timeline=self._timeline(),
        )

    def _timeline(self) -> dict[str, Any]:
        return {
            "models": {
                model: {"labels": list(each.card.labels), "points": each.timeline.document()}
                for model, each in self.sums.items()
                if each.windows
            },
            "heart": self.heart.timeline.document(),
        }

    # --- across a restart ---------------------------------------------------------------------------

    def document(self, classifiers: Mapping[str, Classifier]) -> dict[str, Any]:
        """Return what was said so far as JSON, for `restore`; `needed_from` must be heard again."""
        ear = self.ear
        following = {
            model: ear.sample_of(classifiers[model].card.features, start)
            for model, (origin, start) in self._next.items()
            if model in classifiers and ear.origin(classifiers[model].card.features) == origin
        }
        recent = ear.position - round(RATE_FROM_S * ear.sample_rate)
        of_gate = [] if self.cutter is None else [self.cutter.needed_from]
        return {
            "position": ear.position,
            "needed_from": max(0, min([recent, *following.values(), *of_gate])),
            "missing": ear.missing.document(),
            "heart": self.heart.document(),
            "sound": self.sound.document(),
            "sums": {model: each.document() for model, each in self.sums.items()},
            "next": following,
            "skipped": self.skipped,
        }

    def restore(self, document: Mapping[str, Any], classifiers: Mapping[str, Classifier]) -> None:
        """Go on from what another process said."""
        self.heart = StreamQuality.restore(document["heart"])
        self.sound = StreamQuality.restore(document["sound"])
        self.ear.missing = MissingRanges.restore(document["missing"])
        self.sums = {
            model: StreamScores.restore(classifiers[model].card, said)
            for model, said in document["sums"].items()
            if model in classifiers
        }
        self._next_sample = dict(document["next"])
        self.skipped = document["skipped"]
