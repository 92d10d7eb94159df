"""Bank of clips for distillation: disturbed and mixed sounds, and what a teacher hears in each of them.

Teacher and student hear the same clip, and the student meets it in many epochs (Beyer et al., Knowledge
distillation: A good teacher is patient and consistent, CVPR 2022). Sounds are mixed by power, with kinds in
proportion (between-class learning, Tokozume et al., ICLR 2018).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr
from tqdm import tqdm

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.features import FeatureParameters
from models_tflite.evaluation import audio
from models_tflite.training.augmentation.sampling import Probabilities
from models_tflite.training.corpus.corpus import Recording

Teacher = Callable[[Float32Array], Float32Array]
"""Function from clips (clips, samples) at the rate of the features to embeddings (clips, numbers)."""

PARTS: Final = 4
"""Parts of a fold. A clip mixes sounds of one part, which heads fitted on the other parts never heard."""
MIXED: Final = 0.6
"""Share of clips with a second sound, of at most half of the power."""
ALTERED: Final = 0.5
"""Share of sounds that are played faster or slower."""
MAX_OCTAVES: Final = 0.25
"""The most that a sound is played faster or slower."""
PEAK: Final = 0.5
TEACHER_BATCH: Final = 32
DEPTH_DB: Final = 80
STEPS_PER_DB: Final = 3


@dataclass(frozen=True, slots=True)
class ClipForm:
    """How clips are cut, and what the student hears of them."""

    features: FeatureParameters
    window_s: float
    """Length of a clip."""
    trim_db: float | None
    """Ends of a recording so far below its loudest frame are cut off first; None: none."""

    @property
    def samples(self) -> int:
        """Samples of a clip."""
        return round(self.window_s * self.features.sample_rate)


@dataclass(frozen=True, slots=True)
class ClipBank:
    """Clips, the kinds of sound in them and what the teacher says of them."""

    levels: npt.NDArray[np.uint8]
    """Features of each clip over 80 dB below its loudest, in thirds of a decibel, (clips, frames, bands)."""
    shares: Float32Array
    """Share of each kind in the power, (clips, kinds); what is missing to 1 is none of them."""
    embeddings: npt.NDArray[np.float16]
    """(clips, numbers) by the teacher."""
    part: npt.NDArray[np.intp]
    """Part that a clip was mixed from, (clips,)."""

    def __len__(self) -> int:
        return len(self.levels)

    def features(self, chosen: npt.NDArray[np.intp]) -> Float32Array:
        """Return the features of some clips in dB, (chosen, frames, bands)."""
        return self.levels[chosen].astype(np.float32) / np.float32(STEPS_PER_DB)


@dataclass(frozen=True, slots=True)
class _Sounds:
    """The recordings of one part, and how often each is drawn."""

    samples: list[Float32Array]
    shares: Float32Array
    probabilities: Probabilities


def concatenate(banks: Sequence[ClipBank]) -> ClipBank:
    """Return several banks as one."""
    return ClipBank(
        np.concatenate([bank.levels for bank in banks]),
        np.concatenate([bank.shares for bank in banks]),
        np.concatenate([bank.embeddings for bank in banks]),
        np.concatenate([bank.part for bank in banks]),
    )


def make(
    recordings: Sequence[Recording],
    probabilities: Probabilities,
    kinds: Sequence[str],
    form: ClipForm,
    *,
    clips: int,
    teacher: Teacher,
    seed: int,
) -> ClipBank:
    """Return the bank of the recordings of one fold.

    Args:
        recordings: of one fold.
        probabilities: how often each is drawn, (recordings,).
        kinds: of sound; a recording of no such kind has a share in none.
        form: of the clips.
        clips: number of clips.
        teacher: embeds clips.
        seed: of the mixtures.

    Raises:
        AudioError: a file is missing, empty or no audio.
    """
    rng = np.random.default_rng(seed)
    parts = _parts(recordings, probabilities, kinds, form)
    levels, shares, embeddings, waiting = [], [], [], []
    for number in tqdm(range(clips), f"clips of fold {seed}", unit="clip", disable=None):
        clip, share = _mixed(parts[number % len(parts)], form, rng)
        frames = form.features.transform(clip)
        levels.append(np.rint((frames - frames.max() + DEPTH_DB).clip(0) * STEPS_PER_DB).astype(np.uint8))
        shares.append(share)
        waiting.append(clip)
        if len(waiting) == TEACHER_BATCH or number == clips - 1:
            embeddings.append(teacher(np.stack(waiting)).astype(np.float16))
            waiting = []
    part = np.arange(clips) % len(parts)
    return ClipBank(np.stack(levels), np.stack(shares), np.concatenate(embeddings), part)


def part_of_groups(recordings: Sequence[Recording]) -> dict[str, int]:
    """Return the part of each group; the groups of a kind are spread evenly."""
    kind_of: dict[str, str] = {}
    for recording in recordings:
        kind_of.setdefault(recording.group, recording.kind)
    ordered = sorted(kind_of, key=lambda group: (kind_of[group], group))
    return {group: number % PARTS for number, group in enumerate(ordered)}


def _parts(
    recordings: Sequence[Recording], probabilities: Probabilities, kinds: Sequence[str], form: ClipForm
) -> list[_Sounds]:
    part_of = part_of_groups(recordings)
    part = np.array([part_of[recording.group] for recording in recordings])
    samples = [
        _trimmed(audio.read(recording.path).resampled(form.features.sample_rate), form)
        for recording in recordings
    ]
    is_kind = np.array([[recording.kind == kind for kind in kinds] for recording in recordings], np.float32)
    parts = []
    for chosen in (np.flatnonzero(part == number) for number in np.unique(part)):
        of_part = probabilities[chosen] / probabilities[chosen].sum()
        parts.append(_Sounds([samples[i] for i in chosen], is_kind[chosen], of_part))
    return parts


def _mixed(sounds: _Sounds, form: ClipForm, rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
    """Return a clip of one or two sounds, (samples,), and the share of each kind, (kinds,)."""
    first, second = rng.choice(len(sounds.samples), 2, p=sounds.probabilities)
    share = np.float32(rng.uniform(0.5, 1) if rng.random() < MIXED else 1)
    one, other = (_stretch(sounds.samples[i], form, rng) for i in (first, second))
    clip = np.sqrt(share) * one + np.sqrt(1 - share) * other
    clip *= np.float32(PEAK) / (np.abs(clip).max() + np.float32(1e-9))
    return clip, share * sounds.shares[first] + (1 - share) * sounds.shares[second]


def _stretch(sound: Float32Array, form: ClipForm, rng: np.random.Generator) -> Float32Array:
    """Return a stretch of a sound, perhaps faster or slower, repeated where it is shorter, of power 1."""
    if rng.random() < ALTERED:
        speed = 2 ** rng.uniform(-MAX_OCTAVES, MAX_OCTAVES)
        rate = form.features.sample_rate
        sound = soxr.resample(sound, rate * speed, rate, quality="LQ")
    if len(sound) > form.samples:
        start = rng.integers(len(sound) - form.samples + 1)
        sound = sound[start : start + form.samples]
    sound = np.resize(sound, form.samples)
    return np.asarray(sound / np.float32(np.sqrt(np.square(sound).mean() + 1e-12)))


def _trimmed(samples: Float32Array, form: ClipForm) -> Float32Array:
    """Return samples without the quiet ends, as `windowing.trim` cuts features."""
    if form.trim_db is None:
        return samples
    features = form.features
    levels_db = features.transform(samples).max(axis=1)
    loud = np.flatnonzero(levels_db >= levels_db.max() - form.trim_db)
    return samples[loud[0] * features.hop_length : loud[-1] * features.hop_length + features.frame_length]
