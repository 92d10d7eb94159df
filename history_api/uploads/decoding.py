"""Decoding of uploaded files to 16-bit PCM on disk, within the limits of the settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ, SAMPLE_BYTES
from edge_worker.settings import Settings
from edge_worker.sound_files import ffmpeg
from edge_worker.sound_files.sound_file_error import Fault, SoundFileError
from edge_worker.sound_files.sound_reader import open_sound
from history_api.openapi.problem import ProblemError

_BLOCK: Final = 65_536
"""Bytes that are read at once."""
FORMATS: Final = ffmpeg.FORMATS
_STATUS: Final[dict[Fault, int]] = {"unknown": 415, "damaged": 422, "empty": 400, "too_long": 413}


@dataclass(frozen=True, slots=True)
class Pcm:
    """A file of signed 16-bit little endian samples, channels interleaved."""

    path: Path
    sample_rate: int
    """Hz"""
    channels: int
    samples: int
    """Per channel."""


def decode(file: Path, target: Path, settings: Settings) -> Pcm:
    """Decode the sound in `file` to PCM in `target`; more than two channels are averaged to one.

    Raises:
        ProblemError: it cannot be decoded (415), is damaged or of an unsupported rate (422), too long (413),
            or holds no sound (400).
    """
    try:
        return _decode(file, target, settings)
    except SoundFileError as error:
        if error.fault == "too_long":
            raise _too_long(settings) from None
        problem = "No audio data received: " if error.fault == "empty" else ""
        raise ProblemError(_STATUS[error.fault], problem + str(error)) from None


def copy_pcm(file: IO[bytes], target: Path, sample_rate: int, settings: Settings) -> Pcm:
    """Copy raw mono 16-bit PCM to `target`; half a sample at the end is dropped.

    Raises:
        ProblemError: it is too long (413).
    """
    max_size = _max_samples(sample_rate, 1, settings) * SAMPLE_BYTES
    size = 0
    with target.open("wb") as pcm:
        while block := file.read(_BLOCK):
            size += len(block)
            if size > max_size:
                raise _too_long(settings)
            pcm.write(block)
        pcm.truncate(size // SAMPLE_BYTES * SAMPLE_BYTES)
    return Pcm(target, sample_rate, 1, size // SAMPLE_BYTES)


def _decode(file: Path, target: Path, settings: Settings) -> Pcm:
    samples = 0
    with open_sound(file, file.parent, settings.max_recording_s + 1) as sound, target.open("wb") as pcm:
        rate = sound.sample_rate
        if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
            raise ProblemError(
                422, f"the sound has {rate} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz are supported: resample it"
            )
        max_samples = _max_samples(rate, sound.channels, settings)
        for block in sound.blocks():
            samples += len(block)
            if samples > max_samples:
                raise _too_long(settings)
            pcm.write(block.tobytes())
        return Pcm(target, rate, sound.channels, samples)


def _max_samples(rate: int, channels: int, settings: Settings) -> int:
    within_size = settings.max_recording_mb * 2**20 // (channels * SAMPLE_BYTES)
    return min(int(settings.max_recording_s * rate), within_size)


def _too_long(settings: Settings) -> ProblemError:
    return ProblemError(
        413,
        f"the sound is too long: {settings.max_recording_s:g} s and {settings.max_recording_mb} MiB of "
        "samples are accepted; cut it (STETHO_MAX_RECORDING_S, STETHO_MAX_RECORDING_MB)",
    )
