"""What is heard of a recording before any model labels it: whether it is usable, and how the heart beats."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.model_card import ModelCard
from edge_worker.protocol.result import HeartSounds, Quality
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal


@dataclass(frozen=True, slots=True)
class PreAnalysis:
    """What every model of a recording is held to."""

    quality: Quality
    """As a heart where some model hears hearts, else as any sound."""
    any_sound: Quality
    """Without asking for a heart."""
    heart_rate_bpm: float | None = None
    heart_sounds: HeartSounds | None = None
    """Null unless a rate is certain."""

    @classmethod
    def listen(cls, signal: Signal, cards: Iterable[ModelCard], segmenter: HeartSegmenter) -> Self:
        """Listen the way that the models of `cards` need; a heart rate is for hearts only."""
        any_sound = quality.assess_any_sound(signal)
        if all(card.domain == "sound" for card in cards):
            return cls(any_sound, any_sound)
        heart = quality.assess(signal)
        if "no_heartbeat" in heart.reasons:
            return cls(heart, any_sound)
        beats = segmenter.segment(signal)
        if beats.heart_rate_bpm is None:
            return cls(heart, any_sound)
        return cls(heart, any_sound, beats.heart_rate_bpm, HeartSounds(beats.s1_s, beats.s2_s))

    def usable(self, card: ModelCard) -> bool:
        """Return whether a label of that model may be accepted at all."""
        return (self.quality if card.domain == "heart" else self.any_sound).usable
