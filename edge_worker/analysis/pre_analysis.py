"""Analysis of a recording before any model classifies it: sound quality, heart rate and heart sounds."""

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
    """Quality and heartbeat of one recording, common to all its models."""

    quality: Quality
    """As a heart sound where some model classifies hearts, else as any sound."""
    any_sound: Quality
    """As any sound: no heartbeat is required. That of the heart where no model is for other sounds."""
    heart_rate_bpm: float | None = None
    heart_sounds: HeartSounds | None = None
    """None unless a heart rate is certain."""

    @classmethod
    def of(cls, signal: Signal, cards: Iterable[ModelCard], segmenter: HeartSegmenter) -> Self:
        """Analyse `signal` as the models of `cards` need; a heart rate needs a model of hearts."""
        domains = {card.domain for card in cards}
        if "heart" not in domains:
            any_sound = quality.assess_any_sound(signal)
            return cls(any_sound, any_sound)
        heart = quality.assess(signal)
        any_sound = quality.assess_any_sound(signal) if len(domains) > 1 else heart
        if "no_heartbeat" in heart.reasons:
            return cls(heart, any_sound)
        cycle = segmenter.segment(signal)
        if cycle.heart_rate_bpm is None:
            return cls(heart, any_sound)
        return cls(heart, any_sound, cycle.heart_rate_bpm, HeartSounds(cycle.s1_s, cycle.s2_s))

    @classmethod
    def impossible(cls, reason: str) -> Self:
        """Return the analysis of samples that are no sound, for a word of `protocol.result.IMPOSSIBLE`."""
        no_sound = quality.impossible(reason)
        return cls(no_sound, no_sound)

    def usable(self, card: ModelCard) -> bool:
        """Return whether the sound is good enough for a label of that model to be accepted."""
        return (self.quality if card.domain == "heart" else self.any_sound).usable
