"""WAV files of 16-bit PCM, written atomically and durably: whole after a power cut, or not there at all."""

import os
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple

from edge_worker.errors import AudioError
from edge_worker.protocol.chunk import SAMPLE_BYTES
from edge_worker.sound_files import wav_file
from edge_worker.sound_files.sound_file_error import SoundFileError
from edge_worker.sound_files.spliced_file import SplicedFile


class WavAudio(NamedTuple):
    """PCM of a WAV file, signed 16-bit little endian, channels interleaved, with its format."""

    pcm: bytes
    sample_rate: int
    """Hz"""
    channels: int


def write(path: Path, pcm: bytes | bytearray, sample_rate: int, channels: int) -> None:
    """Write `pcm` (signed 16-bit little endian, channels interleaved) to `path`, durable when it returns.

    Raises:
        OSError: no space or no permission; nothing is left behind under `path`.
    """
    write_parts(path, [pcm], sample_rate, channels)


def write_parts(path: Path, parts: Iterable[bytes | bytearray], sample_rate: int, channels: int) -> None:
    """Write audio that comes in parts, as `write` does; one part at a time is in memory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        with wave.open(file, "wb") as audio:
            audio.setnchannels(channels)
            audio.setsampwidth(SAMPLE_BYTES)
            audio.setframerate(sample_rate)
            for pcm in parts:
                audio.writeframes(pcm)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_directory(path.parent)


def read(path: Path) -> bytes:
    """Return the PCM of a file that `write` wrote.

    Raises:
        AudioError: the file is gone or not 16-bit PCM.
    """
    return read_with_format(path).pcm


def read_with_format(path: Path) -> WavAudio:
    """Return the PCM of a WAV file with its sample rate and channels; raises AudioError as `read` does."""
    with opened(path) as audio:
        pcm = audio.readframes(audio.getnframes())
        return WavAudio(pcm, audio.getframerate(), audio.getnchannels())


def read_foreign(path: Path) -> WavAudio:
    """Return the PCM of a WAV file that another program wrote, all sound that is there.

    Raises:
        AudioError: the file is gone, cut off, or not 16-bit PCM.
    """
    try:
        with path.open("rb") as file:
            if not wav_file.begins(file.read(12)):
                return read_with_format(path)  # which says what is wrong
            parsed = wav_file.parse(file)
            sound = BufferedReader(SplicedFile(file, [parsed.header(), parsed.sound]))
            with opened(path, sound) as audio:
                return WavAudio(
                    audio.readframes(audio.getnframes()), audio.getframerate(), audio.getnchannels()
                )
    except SoundFileError as error:
        raise AudioError(f"{path.name} {error.predicate}") from error
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}") from error


@contextmanager
def opened(path: Path, content: BinaryIO | None = None) -> Iterator[wave.Wave_read]:
    """Yield a WAV file of 16-bit PCM, opened for reading; `content` is read instead of the file itself.

    Raises:
        AudioError: it is gone, is something else, or is found to be damaged while it is read.
    """
    try:
        with wave.open(content or str(path), "rb") as audio:
            if audio.getsampwidth() != SAMPLE_BYTES or not audio.getframerate():
                raise AudioError(f"{path.name} is not 16-bit PCM of a known rate")
            yield audio
    # Of a chunk that ends beyond its list, Python's reader says RuntimeError, without a word.
    except (OSError, EOFError, RuntimeError, ValueError, wave.Error) as error:
        raise AudioError(f"{path.name} cannot be read as WAV: {str(error) or 'it is damaged'}") from error


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
