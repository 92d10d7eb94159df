"""Decoding of uploaded files to 16-bit PCM on disk, block by block: by libsndfile, else by ffmpeg.

The content of a file decides its format; its name and its declared type are ignored.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

from edge_worker.protocol.chunk import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ, SAMPLE_BYTES
from edge_worker.settings import Settings
from history_api.openapi.problem import ProblemError

_BLOCK: Final = 65_536
"""Samples of a channel, or bytes, that are read at once."""
_FFMPEG_WITHIN_S: Final = 60
_FULL_SCALE: Final = 32_768
_UNKNOWN_SIZES: Final = (0, 0x7FFFFFFF, 0xFFFFFFFF)
"""RIFF sizes that programs write when they cannot know the size, as into a pipe."""
FORMATS: Final = "wav, mp3, ogg, flac, m4a or webm"
Int16Array = npt.NDArray[np.int16]


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
        return _decode_with_libsndfile(file, target, settings)
    except soundfile.LibsndfileError:
        converted = file.with_suffix(".ffmpeg.wav")
        try:
            _convert_with_ffmpeg(file, converted, settings)
            return _decode_with_libsndfile(converted, target, settings)
        except soundfile.LibsndfileError:
            raise _not_audio() from None
        finally:
            converted.unlink(missing_ok=True)


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


def _decode_with_libsndfile(file: Path, target: Path, settings: Settings) -> Pcm:
    with soundfile.SoundFile(file) as sound, target.open("wb") as pcm:
        rate = sound.samplerate
        channels = sound.channels if sound.channels <= MAX_CHANNELS else 1
        if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
            raise ProblemError(
                422, f"the sound has {rate} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz are supported: resample it"
            )
        max_samples = _max_samples(rate, channels, settings)
        samples = 0
        for block in _read_blocks(sound):
            samples += len(block)
            if samples > max_samples:
                raise _too_long(settings)
            pcm.write((block if sound.channels == channels else _mean_channel(block)).tobytes())
        if samples < _min_samples(sound) or _is_truncated(file):
            raise ProblemError(
                422, f"the file is damaged or truncated after {samples / rate:.1f} s of sound; send it again"
            )
    if samples == 0:
        raise ProblemError(400, "No audio data received: the file holds no sound")
    return Pcm(target, rate, channels, samples)


def _read_blocks(sound: Any) -> Iterator[Int16Array]:  # noqa: ANN401 - soundfile ships no types
    """Yield blocks of shape (samples, channels): 16-bit as it is, finer formats rounded and clipped."""
    is_exact = sound.subtype in ("PCM_16", "PCM_S8", "PCM_U8")
    while True:
        block = sound.read(_BLOCK, dtype="int16" if is_exact else "float32", always_2d=True)
        if not len(block):
            return
        yield block if is_exact else _to_int16(block)


def _to_int16(block: npt.NDArray[np.float32]) -> Int16Array:
    scaled = np.nan_to_num(block) * _FULL_SCALE
    return np.clip(np.round(scaled), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")


def _mean_channel(block: Int16Array) -> Int16Array:
    mean: Int16Array = np.round(block.mean(axis=1)).astype("<i2")
    return mean


def _min_samples(sound: Any) -> int:  # noqa: ANN401 - as above
    """Return how many samples per channel a whole file has at least, by its header.

    The delay of an encoder may take some of a compressed file away.
    """
    tolerance = 0 if sound.format in ("WAV", "FLAC", "AIFF") else sound.samplerate // 10
    return int(sound.frames) - tolerance


def _is_truncated(file: Path) -> bool:
    """Return whether a WAV file is shorter than its header states."""
    with file.open("rb") as stream:
        head = stream.read(8)
    size = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and size not in _UNKNOWN_SIZES and size + len(head) > file.stat().st_size


def _convert_with_ffmpeg(file: Path, target: Path, settings: Settings) -> None:
    """Convert `file` to WAV; ffmpeg may open local files only, whatever a playlist refers to."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise ProblemError(
            415,
            "this is no wav, mp3, ogg or flac; ffmpeg, which decodes others, is not installed here",
        )
    command = [program, "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file"]
    command += ["-i", str(file), "-map", "0:a:0", "-t", str(settings.max_recording_s + 1)]
    command += ["-c:a", "pcm_s16le", "-f", "wav", "-y", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_FFMPEG_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        raise ProblemError(422, f"decoding takes more than {_FFMPEG_WITHIN_S} s; send WAV") from None
    if done.returncode != 0:
        raise _not_audio()


def _max_samples(rate: int, channels: int, settings: Settings) -> int:
    within_size = settings.max_recording_mb * 2**20 // (channels * SAMPLE_BYTES)
    return min(int(settings.max_recording_s * rate), within_size)


def _too_long(settings: Settings) -> ProblemError:
    return ProblemError(
        413,
        f"the sound is too long: {settings.max_recording_s:g} s and {settings.max_recording_mb} MiB of "
        "samples are accepted; cut it (STETHO_MAX_RECORDING_S, STETHO_MAX_RECORDING_MB)",
    )


def _not_audio() -> ProblemError:
    return ProblemError(415, f"this is no sound that can be decoded; send {FORMATS}")
