"""Audio files as 16-bit PCM: reading with resampling, and writing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from edge_worker.errors import AudioError
from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ
from edge_worker.sound_files import sound_reader
from edge_worker.sound_files.sound_file_error import SoundFileError

_FULL_SCALE: Final = 32_768


@dataclass(frozen=True, slots=True)
class Sound:
    """PCM samples of one or two channels, as a device records them."""

    pcm: NDArray[np.int16]
    """Shape (samples, channels)."""
    sample_rate: int
    """Hz"""

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.pcm) / self.sample_rate


def from_samples(samples: NDArray[np.float32], sample_rate: int) -> Sound:
    """Return samples, shape (samples,) or (samples, channels), -1..1, as 16-bit PCM that saturates."""
    scaled = np.nan_to_num(np.rint(samples.reshape(len(samples), -1) * _FULL_SCALE))
    return Sound(np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16), sample_rate)


def read(path: Path, sample_rate: int | None = None) -> Sound:
    """Read a sound file of any format, resampled to `sample_rate` (Hz) if one is given.

    More channels than the protocol allows are mixed to one.

    Raises:
        AudioError: there is no such file, or it is not audio that a device could send.
    """
    if not path.is_file():
        raise AudioError(f"{path} is {'a directory' if path.is_dir() else 'not there'}; name an audio file")
    try:
        pcm, own_rate = sound_reader.read(path)
    except SoundFileError as error:
        raise AudioError(f"{path} {error.predicate}") from error
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}); name an audio file") from error
    rate = sample_rate or own_rate
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise AudioError(f"{path} has {rate} Hz; choose {MIN_RATE_HZ} to {MAX_RATE_HZ} with --sample-rate")
    if rate == own_rate:
        return Sound(pcm, rate)
    samples = pcm.astype(np.float32) / _FULL_SCALE
    return from_samples(soxr.resample(samples, own_rate, rate), rate)


def write(path: Path, sound: Sound) -> None:
    """Write `sound` as 16-bit PCM, in the format of the suffix of `path`.

    Raises:
        AudioError: the format is unknown or the file cannot be written.
    """
    try:
        soundfile.write(path, sound.pcm, sound.sample_rate, subtype="PCM_16")
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise AudioError(f"{path} cannot be written ({error}); use a name such as heart.wav") from error
