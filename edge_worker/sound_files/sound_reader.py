"""Sound reader: a file of any format and rate as blocks of 16-bit PCM, all of its sound or an error.

The content of a file decides its format; its name is ignored. libsndfile decodes, behind a header that is
right; what it does not know, ffmpeg converts first. Memory does not depend on what a file says of itself.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import soundfile

from edge_worker.protocol.chunk import MAX_CHANNELS
from edge_worker.sound_files import ffmpeg, mp3_file, ogg_file, sized_file, wav_file
from edge_worker.sound_files.sized_file import Sized, size_of
from edge_worker.sound_files.sound_file_error import SoundFileError, require_channels, truncated
from edge_worker.sound_files.spliced_file import Span, SplicedFile

Int16Array = npt.NDArray[np.int16]

MOST_BYTES: Final = 2**29
"""Largest PCM that `read` returns: some hours."""
_BLOCK: Final = 2**18
"""Samples of all channels that are decoded at once."""
_MOST_S: Final = 24 * 3600.0
_FULL_SCALE: Final = 32_768
_EXACT: Final = ("PCM_16", "PCM_S8", "PCM_U8")
"""libsndfile's names of what becomes 16-bit PCM without rounding."""
_FLOAT: Final = ("FLOAT", "DOUBLE")
_LOUDEST: Final = 8.0
"""Highest float sample that is one of -1..1, if too loud; above it samples are integers stored as floats."""
_INTEGERS: Final = (2.0**15, 2.0**23, 2.0**31)
"""Full scales of integers that are stored as floats."""
_MOST_LOST: Final = 0.001
"""Fraction of float samples that may be no numbers: they become silence."""
_BUFFER: Final = 65_536
_UNKNOWN_FRAMES: Final = 2**62
"""libsndfile's number where a FLAC file does not say."""
_WHOLE: Final = ("WAV", "WAVEX", "RF64", "AIFF", "AU", "CAF", "W64", "FLAC")
"""Formats whose headers count exactly; an encoder may add or take away some of others."""
_FORMATS: Final = (*_WHOLE, "OGG", "MP3", "NIST", "VOC")
"""Formats that libsndfile recognises for certain."""


class SoundReader:
    """An open sound file. Use `open_sound`."""

    def __init__(self, sound: Any, least: int, kind: str) -> None:  # noqa: ANN401 - soundfile ships no types
        require_channels(sound.channels)
        self._sound = sound
        self._least = least
        """Samples per channel that there must be."""
        self.sample_rate: int = sound.samplerate
        """Hz"""
        self.channels: int = sound.channels if sound.channels <= MAX_CHANNELS else 1
        """1 or 2, interleaved; more are averaged to one."""
        self.kind = kind
        """Format of the file: wav, mp3, flac …; empty where ffmpeg converted it."""

    def blocks(self) -> Iterator[Int16Array]:
        """Yield the sound in blocks (samples, channels).

        Raises:
            SoundFileError: there is none, or less than there must be.
        """
        samples = 0
        try:
            for block in self._decoded():
                samples += len(block)
                yield block if block.shape[1] == self.channels else _mean_channel(block)
        except soundfile.LibsndfileError:
            raise truncated(samples / self.sample_rate) from None
        if samples < self._least:
            raise truncated(samples / self.sample_rate)
        if samples == 0:
            raise SoundFileError("empty", "holds no sound; record again")

    def _decoded(self) -> Iterator[Int16Array]:
        """Yield blocks of all channels: 16-bit as it is, finer formats rounded and limited to full scale."""
        is_exact = self._sound.subtype in _EXACT
        scale = 1.0
        if self._sound.subtype in _FLOAT:
            scale = float_scale(self._raw("float64"))
            self._sound.seek(0)
        for block in self._raw("int16" if is_exact else "float32" if scale == 1 else "float64"):
            yield block if is_exact else _to_int16(block, scale)

    def _raw(self, kind: str) -> Iterator[Any]:
        length = _BLOCK // self._sound.channels
        while len(block := self._sound.read(length, dtype=kind, always_2d=True)):
            yield block


@contextmanager
def open_sound(path: Path, scratch: Path | None = None, max_s: float = _MOST_S) -> Iterator[SoundReader]:
    """Open the sound in a file; little is done for one of more than `max_s` seconds.

    `scratch` is a folder for what ffmpeg converts, up to `max_s`; None: that of the system.

    Raises:
        SoundFileError: the file is no sound, damaged, empty or too long.
        OSError: it cannot be opened.
    """
    with ExitStack() as stack:
        whole = stack.enter_context(path.open("rb"))
        if size_of(whole) == 0:
            raise SoundFileError("empty", "is empty; record again")
        file, trusted = _trusted(whole, max_s)
        try:
            sound = stack.enter_context(_libsndfile(file, trusted))
            least = _least(sound) if trusted.samples is None else trusted.samples
            kind = sound.format.lower()
        except soundfile.LibsndfileError:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=scratch))
            wav = Path(folder) / "converted.wav"
            least_s = ffmpeg.convert(path, wav, max_s)
            sound = _open_converted(stack, wav)
            least, kind = max(0, round(least_s * sound.samplerate)), ""
        yield SoundReader(sound, least, kind)


def read(path: Path) -> tuple[Int16Array, int]:
    """Return all samples of a file (samples, channels), 1 or 2 channels, and its rate in Hz.

    Raises:
        SoundFileError: the file is no sound, damaged, empty, or of hours.
        OSError: it cannot be opened.
    """
    blocks, size = [], 0
    with open_sound(path) as sound:
        for block in sound.blocks():
            size += block.nbytes
            if size > MOST_BYTES:
                raise SoundFileError("too_long", f"holds more than {MOST_BYTES >> 20} MiB of samples; cut it")
            blocks.append(block)
        return np.concatenate(blocks), sound.sample_rate


def sniff(head: bytes) -> str | None:
    """Return the format that the first 12 bytes of a file are of; None: none of those that are checked."""
    if wav_file.begins(head):
        return "wav"
    if head[:4] == b"FORM" and head[8:11] == b"AIF":
        return "aiff"
    starts = {b"OggS": "ogg", b"fLaC": "flac", b".snd": "au", b"caff": "caf", b"riff": "w64"}
    starts |= {b"Crea": "voc", b"NIST": "nist"}
    return starts.get(head[:4])


def float_scale(blocks: Iterator[npt.NDArray[np.float64]]) -> float:
    """Return the full scale of float samples: 1, or that of integers that were stored as floats.

    Raises:
        SoundFileError: too many samples are no numbers, or they are beyond every scale.
    """
    loudest, are_integers, lost, count = 0.0, True, 0, 0
    for block in blocks:
        finite = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        count += block.size
        lost += block.size - int(np.isfinite(block).sum())
        loudest = max(loudest, float(np.abs(finite).max()))
        are_integers = are_integers and bool((finite == np.rint(finite)).all())
    if lost > _MOST_LOST * count:
        raise SoundFileError("damaged", "holds samples that are not numbers; export it again")
    if loudest <= 1 or (loudest <= _LOUDEST and not are_integers):
        return 1.0
    scale = next((each for each in _INTEGERS if loudest <= each), None)
    if scale is None:
        raise SoundFileError("damaged", "holds samples beyond every full scale; export it again")
    return scale


def _trusted(whole: BinaryIO, max_s: float) -> tuple[BinaryIO, Sized]:
    """Return the file without ID3 tags before it, and that as libsndfile may trust it."""
    size, start = size_of(whole), mp3_file.after_tags(whole)
    whole.seek(start)
    kind = sniff(whole.read(12))
    if kind is None:
        return whole, _mp3(whole, Span(start, size), max_s) or Sized([Span(0, size)])
    file = BufferedReader(SplicedFile(whole, [Span(start, size)]), _BUFFER) if start else whole
    if kind != "wav":
        return file, Sized(ogg_file.parse(file, size - start, max_s)) if kind == "ogg" else _SIZED[kind](
            file, size - start
        )
    wav = wav_file.parse(file)
    if wav.format.tag in (wav_file.MPEG, wav_file.MP3):
        sound = Span(start + wav.sound.start, start + wav.sound.end)
        return whole, _mp3(whole, sound, max_s) or Sized([Span(0, size)])
    return file, Sized([wav.header(), wav.sound], wav.samples)


def _mp3(file: BinaryIO, within: Span, max_s: float) -> Sized | None:
    mp3 = mp3_file.parse(file, within, max_s)
    return None if mp3 is None else Sized(mp3.parts, max(0, mp3.samples - mp3_file.DELAY))


def _libsndfile(file: BinaryIO, trusted: Sized) -> Any:  # noqa: ANN401 - soundfile ships no types
    """Return a file open in libsndfile; raises LibsndfileError unless it knows the format for certain."""
    sound = soundfile.SoundFile(BufferedReader(SplicedFile(file, trusted.parts), _BUFFER))
    # soundfile seeks after each block, which fails at the end of a FLAC file of unknown length.
    sound.seekable = lambda: False
    if sound.format not in _FORMATS or (sound.format == "MP3" and trusted.samples is None):
        sound.close()
        raise soundfile.LibsndfileError(1)
    return sound


def _open_converted(stack: ExitStack, wav: Path) -> Any:  # noqa: ANN401 - as above
    file = stack.enter_context(wav.open("rb"))
    try:
        return stack.enter_context(_libsndfile(*_trusted(file, _MOST_S)))
    except soundfile.LibsndfileError:
        raise SoundFileError("unknown", f"is no sound that can be decoded; use {ffmpeg.FORMATS}") from None


def _least(sound: Any) -> int:  # noqa: ANN401 - as above
    """Return how many samples per channel there must be, by what libsndfile read of the header."""
    if sound.frames >= _UNKNOWN_FRAMES:
        return 0
    tolerance = 0 if sound.format in _WHOLE else sound.samplerate // 10
    return max(0, int(sound.frames) - tolerance)


def _to_int16(block: npt.NDArray[np.floating[Any]], scale: float) -> Int16Array:
    scaled = np.nan_to_num(block, nan=0.0, posinf=scale, neginf=-scale) * (_FULL_SCALE / scale)
    limited: Int16Array = np.clip(np.rint(scaled), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
    return limited


def _mean_channel(block: Int16Array) -> Int16Array:
    mean: Int16Array = np.rint(block.mean(axis=1, keepdims=True)).astype("<i2")
    return mean


_SIZED: Final = {
    "flac": sized_file.flac,
    "aiff": sized_file.aiff,
    "au": sized_file.au,
    "caf": sized_file.caf,
    "w64": sized_file.w64,
    "voc": sized_file.voc,
    "nist": sized_file.nist,
}
