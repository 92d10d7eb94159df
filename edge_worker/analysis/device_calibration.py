"""Calibration of a device from known hearts: what is refused, what is measured, and what it changes."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import fmean
from typing import Final

import numpy as np

from edge_worker.analysis.known_hearts import KnownHeart, listed
from edge_worker.analysis.samples.heard_sound import HeardSound
from edge_worker.errors import AudioError, CalibrationError
from edge_worker.inference import device_proof
from edge_worker.inference.adaptation import ABNORMAL, AdaptationRule, log_odds
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.device_adaptation import (
    DeviceAdaptation,
    DeviceCalibration,
    DeviceSpectrum,
    Source,
)
from edge_worker.ingest import wav
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.device_spectrum import spectral_shape
from edge_worker.signal.log_mel import HEART_LOG_MEL

MOST_REFUSED: Final = 0.2
"""Largest share of given sounds that may be no usable hearts."""
LARGEST_SPREAD: Final = 3.0
"""Largest standard deviation of the log odds of healthy hearts, in units of `within_site`."""
_LEAST_RATE: Final = 1000


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """A calibration that is not stored yet, with what it does to the hearts that it comes from."""

    calibration: DeviceCalibration
    difference: float
    """How much more abnormal than at the sites of training the healthy hearts sound, as log odds."""
    called_abnormal: dict[bool, tuple[int, int]]
    """Of hearts that are abnormal or not: how many are called so by what is in force now, and by this."""
    accepted: int
    """Hearts whose label this accepts; it is right for all but a few of them."""
    repeated: int
    """Sounds that were given more than once."""
    refused: tuple[str, ...]
    """Sounds that are no usable hearts, each with the reason."""


@dataclass(frozen=True, slots=True)
class _Heart:
    """A sound that is a usable heart."""

    name: str
    is_abnormal: bool
    signal: Signal
    """At the rate of the model only: many are in memory at once."""
    label: str
    """By what is in force now."""


def require_rule(classifier: Classifier) -> AdaptationRule:
    """Return the rule of a model; raises CalibrationError where its card has none."""
    card = classifier.card
    if card.adaptation is None:
        raise CalibrationError(
            f"{card.model} {card.version} cannot be calibrated: its card has no adaptation; "
            "nothing was changed"
        )
    return card.adaptation


def mean_familiarity(predictions: Sequence[Prediction]) -> float | None:
    """Return the mean familiarity of the device of predictions; None: the model does not measure it."""
    known = [each.familiarity for each in predictions if each.familiarity is not None]
    return fmean(known) if known else None


def calibrate(
    sounds: Iterable[KnownHeart],
    classifier: Classifier,
    in_force: DeviceAdaptation,
    *,
    source: Source,
    calibrated_by: str,
) -> CalibrationReport:
    """Return the calibration that known hearts of a device ask for; nothing is stored.

    Healthy hearts alone move the bias by the rule of the card. With abnormal ones beside them, the bias is
    half way between the two, and both prove from which confidence on the model is right.

    Raises:
        CalibrationError: the model has no rule, or the sounds are too few, no hearts, or not all healthy.
        AudioError: a file cannot be read.
    """
    rule, card = require_rule(classifier), classifier.card
    hearts, refused, repeated = _usable(sounds, classifier, in_force)
    is_abnormal = [heart.is_abnormal for heart in hearts]
    _require_hearts(rule, hearts, refused, card.model)
    shapes = [spectral_shape(heart.signal.features(HEART_LOG_MEL)) for heart in hearts]
    reference = tuple(round(float(level), 4) for level in np.mean(shapes, axis=0))
    # The bias is what is left once the spectrum is corrected, as it will be.
    corrected = DeviceAdaptation(spectrum=DeviceSpectrum(reference, len(hearts)))
    predictions = [classifier.classify(heart.signal, corrected) for heart in hearts]
    odds = [log_odds(prediction.probabilities) for prediction in predictions]
    healthy = [each for each, abnormal in zip(odds, is_abnormal, strict=True) if not abnormal]
    rule = rule.at(mean_familiarity(predictions))
    if not any(is_abnormal):
        _require_agreement(rule, hearts, odds)
    calibration = DeviceCalibration(
        model=card.model,
        sha256=card.sha256,
        shift=round(device_proof.midpoint(odds, is_abnormal) if any(is_abnormal) else rule.shift(healthy), 4),
        hearts=len(healthy),
        source=source,
        calibrated_at=rfc3339(datetime.now(UTC)),
        calibrated_by=calibrated_by,
        reference=reference,
        abnormal_hearts=sum(is_abnormal),
    )
    after = [classifier.classify(heart.signal, DeviceAdaptation(calibration)) for heart in hearts]
    if any(is_abnormal):
        calibration = replace(calibration, threshold=_proven(hearts, after))
    return CalibrationReport(
        calibration=calibration,
        difference=float(np.mean(healthy)) - rule.normal_log_odds,
        called_abnormal={truth: _called_abnormal(hearts, after, truth) for truth in (False, True)},
        accepted=sum(each.confidence >= (calibration.threshold or 1) for each in after),
        repeated=repeated,
        refused=tuple(refused),
    )


def _proven(hearts: list[_Heart], after: list[Prediction]) -> float:
    """Return the confidence from which on the hearts prove the model right, 1 where there is none."""
    is_abnormal = [heart.is_abnormal for heart in hearts]
    is_right = [
        (each.label == ABNORMAL) == abnormal for each, abnormal in zip(after, is_abnormal, strict=True)
    ]
    return device_proof.least_confidence([each.confidence for each in after], is_right, is_abnormal)


def _called_abnormal(hearts: list[_Heart], after: list[Prediction], truth: bool) -> tuple[int, int]:
    """Return how many hearts that are abnormal, or are not, were and are called so."""
    chosen = [(heart, each) for heart, each in zip(hearts, after, strict=True) if heart.is_abnormal == truth]
    before = sum(heart.label == ABNORMAL for heart, _ in chosen)
    return before, sum(each.label == ABNORMAL for _, each in chosen)


def _usable(
    sounds: Iterable[KnownHeart], classifier: Classifier, in_force: DeviceAdaptation
) -> tuple[list[_Heart], list[str], int]:
    """Return the usable hearts, the others with their reasons, and how many sounds were given again."""
    hearts, refused, seen, repeated = list[_Heart](), list[str](), set[str](), 0
    for sound in sounds:
        heard, digest = _read(sound)
        if digest in seen:
            repeated += 1
            continue
        seen.add(digest)
        reason = _unusable(sound, heard, classifier)
        if reason is None:
            rate = classifier.card.features.sample_rate
            small = Signal(heard.signal.resampled(rate), rate)
            prediction = classifier.classify(small, in_force)
            if not _is_background(prediction):
                hearts.append(_Heart(sound.name, sound.is_abnormal, small, prediction.label))
                continue
            reason = "no heart"
        refused.append(f"{sound.name} ({reason})")
    return hearts, refused, repeated


def _read(sound: KnownHeart) -> tuple[HeardSound, str]:
    """Return a sound as the worker hears it, and the digest of its samples."""
    try:
        audio = wav.read_foreign(sound.sound)
    except AudioError as error:
        raise AudioError(f"{sound.sound.folder}: {error}") from error
    if audio.sample_rate < _LEAST_RATE:
        raise AudioError(f"{sound.name} has {audio.sample_rate} samples a second: record with 1000 or more")
    pcm = np.frombuffer(audio.pcm, "<i2").reshape(-1, audio.channels)
    has_gaps = sound.missing_fraction > 0
    heard = HeardSound.of(pcm, audio.sample_rate, sound.amplification, is_heart=True, has_gaps=has_gaps)
    return heard, hashlib.sha256(audio.pcm).hexdigest()


def _unusable(sound: KnownHeart, heard: HeardSound, classifier: Classifier) -> str | None:
    """Return why a sound is no usable heart, None where it is one."""
    if sound.missing_fraction > classifier.card.max_missing_fraction:
        return "gaps"
    reasons = quality.assess(heard.signal).reasons if heard.fault is None else (heard.fault,)
    return reasons[0].replace("_", " ") if reasons else None


def _is_background(prediction: Prediction) -> bool:
    """Return whether "none of the labels" is the most probable output."""
    shares = prediction.probabilities.values()
    return 1 - sum(shares) > max(shares)


def _require_hearts(rule: AdaptationRule, hearts: list[_Heart], refused: list[str], model: str) -> None:
    given = len(hearts) + len(refused)
    if len(refused) > MOST_REFUSED * given:
        raise CalibrationError(
            f"{len(refused)} of {given} sounds are no usable hearts, {listed(refused)}: "
            "take them out or record again; nothing was changed"
        )
    abnormal = sum(heart.is_abnormal for heart in hearts)
    healthy = len(hearts) - abnormal
    if abnormal and min(abnormal, healthy) < device_proof.LEAST_KNOWN:
        raise CalibrationError(
            f"a proof of {model} needs {device_proof.LEAST_KNOWN} different hearts of each label or more, "
            f"not {healthy} normal and {abnormal} abnormal: record more, or give healthy ones alone; "
            "nothing was changed"
        )
    if healthy < rule.minimum_hearts:
        raise CalibrationError(
            f"a calibration of {model} needs {rule.minimum_hearts} different healthy hearts or more, "
            f"not {healthy}: record more; nothing was changed"
        )


def _require_agreement(rule: AdaptationRule, hearts: list[_Heart], odds: list[float]) -> None:
    spread = float(np.std(odds, ddof=1))
    if spread > LARGEST_SPREAD * rule.within_site:
        furthest = hearts[int(np.abs(np.subtract(odds, np.median(odds))).argmax())].name
        raise CalibrationError(
            f"these are not all healthy hearts: they differ by {spread:.1f} where healthy ones differ by "
            f"{rule.within_site:.1f}, {furthest} the most: take out what is not; nothing was changed"
        )
