"""WAV files of 16-bit PCM, as the store of sounds keeps them: written and read."""

import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from itertools import chain
from struct import Struct
from typing import BinaryIO, Final, NamedTuple

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.sound import Sound
from edge_worker.errors import AudioError
from edge_worker.protocol.chunk import SAMPLE_BYTES
from edge_worker.sound_files import wav_file
from edge_worker.sound_files.sound_file_error import SoundFileError
from edge_worker.sound_files.spliced_file import SplicedFile

_RIFF: Final = Struct("<4sI4s")
_FORMAT: Final = Struct("<4sIHHIIH")
_DATA: Final = Struct("<H4sI")


class WavAudio(NamedTuple):
    """PCM of a WAV file, signed 16-bit little endian, channels interleaved, with its format."""

    pcm: bytes
    sample_rate: int
    """Hz"""
    channels: int


def write(store: AudioStore, name: str, pcm: bytes | bytearray, sample_rate: int, channels: int) -> None:
    """Store `pcm` (signed 16-bit little endian, channels interleaved) as `name`, durable when it returns.

    Raises:
        OSError, StoreError: the store refuses it; nothing is left behind under that name.
    """
    write_parts(store, name, [pcm], sample_rate, channels, size=len(pcm))


def content(
    pcm: bytes | bytearray, sample_rate: int, channels: int
) -> tuple[bytes | bytearray, bytes | bytearray]:
    """Return what `write` stores, in two parts: a copy would cost more than the header."""
    return _header(len(pcm), sample_rate, channels), pcm


def write_parts(
    store: AudioStore,
    name: str,
    parts: Iterable[bytes | bytearray],
    sample_rate: int,
    channels: int,
    *,
    size: int,
) -> None:
    """Store PCM of `size` bytes that comes in parts, as `write` does; one part at a time is in memory."""
    header = _header(size, sample_rate, channels)
    store.write(name, chain([header], parts), len(header) + size)


def _header(size: int, sample_rate: int, channels: int) -> bytes:
    """Return what precedes `size` bytes of PCM in a WAV file."""
    frame = channels * SAMPLE_BYTES
    form = _FORMAT.pack(b"fmt ", 16, wave.WAVE_FORMAT_PCM, channels, sample_rate, sample_rate * frame, frame)
    return _RIFF.pack(b"RIFF", 36 + size, b"WAVE") + form + _DATA.pack(8 * SAMPLE_BYTES, b"data", size)


def read(sound: Sound) -> bytes:
    """Return the PCM of a sound that `write` wrote.

    Raises:
        AudioError: the file is gone or not 16-bit PCM.
    """
    return read_with_format(sound).pcm


def read_with_format(sound: Sound) -> WavAudio:
    """Return the PCM of a WAV file with its sample rate and channels; raises AudioError as `read` does."""
    with opened(sound) as audio:
        pcm = audio.readframes(audio.getnframes())
        return WavAudio(pcm, audio.getframerate(), audio.getnchannels())


def read_foreign(sound: Sound) -> WavAudio:
    """Return the PCM of a WAV file that another program wrote, all sound that is there.

    Raises:
        AudioError: the file is gone, cut off, or not 16-bit PCM.
    """
    try:
        with sound.open() as file:
            if not wav_file.begins(file.read(12)):
                return read_with_format(sound)  # which says what is wrong
            parsed = wav_file.parse(file)
            pcm = BufferedReader(SplicedFile(file, [parsed.header(), parsed.sound]))
            with opened(sound, pcm) as audio:
                return WavAudio(
                    audio.readframes(audio.getnframes()), audio.getframerate(), audio.getnchannels()
                )
    except SoundFileError as error:
        raise AudioError(f"{sound.file_name} {error.predicate}") from error
    except OSError as error:
        raise AudioError(f"{sound.file_name} cannot be read: {error.strerror}") from error


@contextmanager
def opened(sound: Sound, content: BinaryIO | None = None) -> Iterator[wave.Wave_read]:
    """Yield a WAV file of 16-bit PCM, opened for reading; `content` is read instead of the sound itself.

    Raises:
        AudioError: it is gone, is something else, or is found to be damaged while it is read.
    """
    try:
        with nullcontext(content) if content else sound.open() as file, wave.open(file, "rb") as audio:
            if audio.getsampwidth() != SAMPLE_BYTES or not audio.getframerate():
                raise AudioError(f"{sound.file_name} is not 16-bit PCM of a known rate")
            yield audio
    # Of a chunk that ends beyond its list, Python's reader says RuntimeError, without a word.
    except (OSError, EOFError, RuntimeError, ValueError, wave.Error) as error:
        reason = str(error) or "it is damaged"
        raise AudioError(f"{sound.file_name} cannot be read as WAV: {reason}") from error
