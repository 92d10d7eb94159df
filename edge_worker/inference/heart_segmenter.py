"""S1, S2 and the heart rate of a recording: a network says what each frame is, a search where beats begin.

The pair `segments.tflite` + `segments.json` gives each frame of the shared spectrogram its probabilities of
S1, systole, S2 and diastole. How they repeat is the heart rate; `segmentation` finds the beats in them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from edge_worker.errors import ModelError
from edge_worker.inference.interpreter import Network, read_pair
from edge_worker.signal import heart_rate, segmentation
from edge_worker.signal.features import HEART, Float32Array, Signal, normalise, window_starts, windows

Run = Callable[[Float32Array], Float32Array]
"""From normalised windows (windows, frames, bands) to logits (windows, frames, 4)."""

MODEL: Final = "segments"
LABELS: Final = ("S1", "systole", "S2", "diastole")
S1: Final = 0
S2: Final = 2
FIRST_PEAK: Final = 0.75
"""See `heart_rate.FIRST_PEAK`; a systole is no cycle to probabilities, which know S1 from S2."""
STRETCH_S: Final = 20.0
"""A heart changes its rate: longer sound is searched in stretches of about this length."""
MARGIN_S: Final = 2.0
"""What a stretch hears of its neighbours."""
MIN_APART_S: Final = 0.1
"""Two stretches may both find the beat between them, not quite at the same place."""
EDGE_FRAMES: Final = 25
"""A window is trusted less towards its ends, where the network sees one side only."""
OUTSIDE_FRAMES: Final = 2
FIRST_BOUNDARY_S: Final = (HEART.n_fft - HEART.hop_length) / 2 / HEART.sample_rate
"""Where the part of the sound begins that is closest to the first frame."""


@dataclass(frozen=True, slots=True)
class HeartCycle:
    """What was found of the beating in a recording."""

    s1_s: tuple[float, ...]
    """Where each S1 begins, seconds from the start of the recording; () where nothing is certain."""
    s2_s: tuple[float, ...]
    """Where each S2 begins."""
    heart_rate_bpm: float | None
    """30..220; None: not certain enough."""
    certainty: float
    """0..1: how well the cycle repeats, times how sure the network is of the states that were found."""


@dataclass(frozen=True, slots=True)
class Card:
    """What `segments.json` says that is needed; `document` is all of it, for people."""

    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    window_s: float
    hop_s: float
    """Windows of a recording are at most this far apart."""
    threshold: float
    """Certainty from which on beats are found, 0..1."""
    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Card":
        """Read a card; raises ValueError, KeyError or TypeError when it is not one."""
        document = json.loads(text)
        wanted = {"model": MODEL, "labels": list(LABELS), "features": {"kind": "log_mel", **asdict(HEART)}}
        for key, value in wanted.items():
            if document[key] != value:
                raise ValueError(f"its {key} must be {json.dumps(value)}")
        numbers = {key: float(document[key]) for key in ("window_s", "hop_s", "threshold")}
        if not (numbers["window_s"] > 0 < numbers["hop_s"] and 0 <= numbers["threshold"] <= 1):
            raise ValueError("it needs window_s and hop_s above 0 and a threshold from 0 to 1")
        return cls(version=document["version"], sha256=document["sha256"], **numbers, document=document)


class Segmenter:
    """Finds heart sounds. Not for use by several threads at once."""

    def __init__(self, card: Card, content: bytes) -> None:
        """Set up the network; raises ModelError when it does not run or is another one."""
        self.card = card
        try:
            self._network = Network(content)
        except ModelError as error:
            raise ModelError(f"model {MODEL} {error}") from error
        self._length = HEART.frames(card.window_s)
        self._hop = round(card.hop_s * segmentation.FRAMES_PER_S)
        shapes = (self._network.input_shape, self._network.output_shape)
        if shapes != ((self._length, HEART.n_mels), (self._length, len(LABELS))):
            raise ModelError(f"model {MODEL} has tensors of shape {shapes}: copy the pair again")

    @classmethod
    def load(cls, directory: Path) -> "Segmenter":
        """Load the pair from `directory`; raises ModelError with what to do."""
        card_path = directory / f"{MODEL}.json"
        text, content = read_pair(directory, MODEL)
        try:
            card = Card.parse(text.decode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{card_path} is not a card of {MODEL} ({error}): copy the pair again"
            ) from error
        if hashlib.sha256(content).hexdigest() != card.sha256:
            raise ModelError(
                f"{card_path} and {card_path.with_suffix('.tflite')} do not belong together: "
                "copy both files again"
            )
        return cls(card, content)

    def find(self, signal: Signal) -> HeartCycle:
        """Return the heart sounds and the heart rate of a whole recording."""
        return self.find_in(signal.features(HEART))

    def find_in(self, frames: Float32Array) -> HeartCycle:
        """Return what is found in a `HEART` spectrogram (frames, bands), in seconds from its start."""
        return beating(probabilities(frames, self._network.run, self._length, self._hop), self.card.threshold)


def probabilities(frames: Float32Array, network: Run, length: int, hop: int) -> Float32Array:
    """Return the probabilities of S1, systole, S2 and diastole of frames (frames, bands): (frames, 4).

    The mean over windows of `length` frames, at most `hop` apart.
    """
    each = _softmax(network(normalise(windows(frames, length, hop))))
    if len(each) == 1:
        return each[0, : len(frames)]
    ramp = np.arange(1, length + 1, dtype=np.float32)
    trust = np.minimum(np.minimum(ramp, ramp[::-1]), EDGE_FRAMES)[:, np.newaxis]
    total, weight = np.zeros((len(frames), len(LABELS)), np.float32), np.zeros((len(frames), 1), np.float32)
    for start, window in zip(window_starts(len(frames), length, hop), each, strict=True):
        total[start : start + length] += trust * window
        weight[start : start + length] += trust
    return total / weight


def beating(probabilities: Float32Array, threshold: float) -> HeartCycle:
    """Return what probabilities (frames, 4) say of a recording; certainty below `threshold` finds nothing."""
    found = [_searched(probabilities, *stretch, threshold) for stretch in _stretches(len(probabilities))]
    certainty = median(each.certainty for each in found)
    rates = [each.heart_rate_bpm for each in found if each.heart_rate_bpm is not None]
    if certainty < threshold or not rates:
        return HeartCycle((), (), None, certainty)
    s1_s = _apart(mark for each in found for mark in each.s1_s)
    s2_s = _apart(mark for each in found for mark in each.s2_s)
    return HeartCycle(s1_s, s2_s, median(rates), certainty)


def _stretches(frames: int) -> Iterator[tuple[int, int]]:
    count = round(frames / (STRETCH_S * segmentation.FRAMES_PER_S))
    if count < 2:  # noqa: PLR2004 - one whole
        return iter([(0, frames)])
    edges = np.linspace(0, frames, count + 1).round().astype(int).tolist()
    return pairwise(edges)


def _searched(probabilities: Float32Array, start: int, end: int, threshold: float) -> HeartCycle:
    """Return the beats that begin in the frames from `start` to `end`."""
    margin = round(MARGIN_S * segmentation.FRAMES_PER_S)
    first = max(0, start - margin)
    heard = probabilities[first : end + margin]
    cycle, strength = heart_rate.cycle(heard, FIRST_PEAK)
    bpm = 60 * segmentation.FRAMES_PER_S / cycle if cycle else 0.0
    if not heart_rate.MIN_BPM <= bpm <= heart_rate.MAX_BPM:
        return HeartCycle((), (), None, 0.0)
    beats = segmentation.search(heard, cycle)
    states = beats.states(len(heard))
    certainty = strength * float(heard[np.arange(len(heard)), states].mean())
    if certainty < threshold:
        return HeartCycle((), (), None, certainty)
    # Half a frame's sound lies before the first boundary and after the last one.
    begin = start if start else -OUTSIDE_FRAMES
    stop = end if end < len(probabilities) else end + OUTSIDE_FRAMES

    def marks_s(begins: segmentation.Frames, state: int) -> tuple[float, ...]:
        at = first + segmentation.refined(heard, begins, state)
        at = at[(at >= begin) & (at < stop)]
        return tuple((FIRST_BOUNDARY_S + at / segmentation.FRAMES_PER_S).tolist())

    return HeartCycle(marks_s(beats.s1, S1), marks_s(beats.s2, S2), bpm, certainty)


def _apart(marks: Iterable[float]) -> tuple[float, ...]:
    """Return marks in seconds without those that two stretches both found."""
    kept: list[float] = []
    for mark in marks:
        if not kept or mark - kept[-1] >= MIN_APART_S:
            kept.append(mark)
    return tuple(kept)


def _softmax(logits: Float32Array) -> Float32Array:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    normal: Float32Array = raised / raised.sum(axis=-1, keepdims=True)
    return normal
