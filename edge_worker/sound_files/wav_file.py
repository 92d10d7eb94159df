"""WAV files by their sound and the bytes that are there: sizes in headers are often wrong.

Programs that write into a pipe, recorders that were killed and many libraries leave a size that is a
placeholder, 0, or off by the header. What is read is rebuilt behind a right header for libsndfile.
"""

import os
import struct
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from edge_worker.sound_files.sound_file_error import SoundFileError, require_channels, several, truncated
from edge_worker.sound_files.spliced_file import Span

FORMS: Final = (b"RIFF", b"RIFX", b"RF64", b"BW64")
PCM, FLOAT, ALAW, MULAW, MPEG, MP3, EXTENSIBLE = 1, 3, 6, 7, 0x50, 0x55, 0xFFFE
_WIDTHS: Final = {PCM: (1, 2, 3, 4), FLOAT: (4, 8), ALAW: (1,), MULAW: (1,)}
"""Bytes of a sample, of the formats whose samples stand by themselves."""
_PLACEHOLDER: Final = 0x7FFF0000
"""From here on a size cannot be meant: sox writes 0x7FFFF000, others 2^31 or 2^32 - 1, or up to 64 less."""
_IN_DS64: Final = 0xFFFFFFFF
"""Size of a chunk whose real size is in the chunk `ds64`, of RF64 and BW64."""
_LONGEST: Final = 0xFFFF0000
"""Bytes: libsndfile is given the sound as plain WAV."""
_CHUNK: Final = 8
"""Bytes of the head of a chunk: its name and its size."""
_MOST_CHUNKS: Final = 1000
_MAX_FORMAT: Final = 4096
_LOOKED_AT: Final = 96 * 1024
"""Bytes of the sound that tell its width, where the header contradicts itself: a multiple of any block."""
_SMOOTHER: Final = 0.8
"""Roughness of sound that is read rightly, over that of what the header says first."""
_JUNK_S: Final = 0.1
"""Shorter remains behind the sound are no sound: the boundary of a form, say, or a padded sector."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """The chunk `fmt ` of a WAV file."""

    tag: int
    """The format code; of an extensible header, that of its sub-format."""
    channels: int
    sample_rate: int
    byte_rate: int
    block_align: int
    bits: int
    content: bytes
    """As in the file."""
    width: int | None = None
    """Bytes of a sample; None: samples do not stand by themselves."""

    @property
    def widths(self) -> tuple[int, ...]:
        """What a sample may have by the fields of the header, which may contradict each other."""
        stated, needed = self.block_align // self.channels, (self.bits + 7) // 8
        by_rate = self.byte_rate // max(1, self.sample_rate * self.channels)
        is_padded = self.bits not in (8, 16, 32, 64) and stated >= needed
        said = (stated, needed, by_rate) if is_padded else (needed, stated, by_rate)
        return tuple(dict.fromkeys(width for width in said if width in _WIDTHS.get(self.tag, ())))

    @property
    def block_bytes(self) -> int:
        """Bytes of the smallest part that can be decoded."""
        return max(1, self.block_align if self.width is None else self.width * self.channels)


@dataclass(frozen=True, slots=True)
class WavFile:
    """Where the sound of a WAV file is."""

    is_big_endian: bool
    format: WavFormat
    sound: Span

    @property
    def samples(self) -> int | None:
        """Samples per channel; None: not known before they are decoded."""
        if self.format.width is None:
            return None
        return (self.sound.end - self.sound.start) // self.format.block_bytes

    def header(self) -> bytes:
        """Return a header that says of the sound what is true."""
        order = ">" if self.is_big_endian else "<"
        fmt, width = self.format.content, self.format.width
        size = self.sound.end - self.sound.start
        if width is not None:
            size -= size % self.format.block_bytes
            channels, rate, block = self.format.channels, self.format.sample_rate, self.format.block_bytes
            byte_rate = min(rate * block, 0xFFFFFFFF)
            fmt = struct.pack(f"{order}HHIIHH", self.format.tag, channels, rate, byte_rate, block, 8 * width)
        fmt += bytes(len(fmt) % 2)
        form = b"RIFX" if self.is_big_endian else b"RIFF"
        head = b"WAVEfmt " + struct.pack(f"{order}I", len(fmt)) + fmt + b"data"
        return form + struct.pack(f"{order}I", len(head) + 4 + size) + head + struct.pack(f"{order}I", size)


class _Chunks(NamedTuple):
    """The chunks of an open file."""

    file: BinaryIO
    order: str
    """Of bytes, as `struct` has it."""
    riff_end: int
    """End of the file by its first header."""
    end: int
    """End of the file."""

    def head(self, position: int) -> tuple[bytes | None, int]:
        """Return name and size of the chunk at `position`, and read to its content; (None, 0): none."""
        self.file.seek(position)
        head = self.file.read(_CHUNK)
        if len(head) < _CHUNK or not all(0x20 <= letter < 0x7F for letter in head[:4]):  # noqa: PLR2004 - ASCII
            return None, 0
        return head[:4], struct.unpack(f"{self.order}I", head[4:])[0]

    def after(self, end: int) -> int:
        """Return where the chunk after one that ends at `end` begins: some programs write no padding."""
        if end % 2 == 0 or self.head(end + 1)[0] is not None:
            return end + end % 2
        return end if self.head(end)[0] is not None else end + 1

    def are_all(self, start: int) -> bool:
        """Return whether nothing follows from `start` on but chunks that are no sound.

        Raises:
            SoundFileError: there is another recording among them.
        """
        position = self.after(start)
        for _ in range(_MOST_CHUNKS):
            if self.end - position < _CHUNK:
                return True
            name, size = self.head(position)
            if name is None or size > self.end - position - _CHUNK:
                return False
            if name in (*FORMS, b"data"):
                raise several()
            position = self.after(position + _CHUNK + size)
        return False


def begins(head: bytes) -> bool:
    """Return whether a file that begins with these 12 bytes is a WAV file."""
    return head[:4] in FORMS and head[8:12] == b"WAVE"


def parse(file: BinaryIO) -> WavFile:
    """Return where the sound of a WAV file is.

    Raises:
        SoundFileError: the header is damaged, the sound is cut off, or there are several recordings.
    """
    file_size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    order = ">" if head[:4] == b"RIFX" else "<"
    riff_size = struct.unpack(f"{order}I", head[4:8])[0]
    chunks = _Chunks(file, order, riff_size + _CHUNK, file_size)
    fmt, size_64, position = None, 0, 12
    for _ in range(_MOST_CHUNKS):
        name, size = chunks.head(position)
        if name is None:
            break
        start = position + _CHUNK
        if name == b"fmt ":
            fmt = _format(file.read(min(size, _MAX_FORMAT)), order)
        elif name == b"ds64":
            size_64 = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))[1]
        elif name == b"data" and not (size == 0 and chunks.head(start)[0] == b"data"):
            if fmt is None:
                break
            length = _sound_length(chunks, fmt, start, size_64 if size_64 and size == _IN_DS64 else size)
            if length > _LONGEST:
                raise SoundFileError("too_long", "holds gigabytes of sound; cut it")
            sound = Span(start, start + length)
            return WavFile(order == ">", replace(fmt, width=_width(file, fmt, sound, order)), sound)
        position = chunks.after(start + size)
    raise SoundFileError("damaged", "is a WAV file without sound: its header is damaged; send it again")


def _sound_length(chunks: _Chunks, fmt: WavFormat, start: int, declared: int) -> int:
    """Return how many bytes from `start` on are sound, of which the header declares so many."""
    present, byte_rate = chunks.end - start, max(fmt.byte_rate, 1)
    if declared <= present:
        if chunks.are_all(start + declared):
            return declared
        # A recorder that was killed had not yet counted what follows.
        is_sound = declared == 0 or present - declared >= _JUNK_S * byte_rate
        return present if is_sound else declared
    counted_too_much = declared in (chunks.end, chunks.end - _CHUNK)
    is_whole_file = abs(chunks.riff_end - chunks.end) <= 1
    is_within_block = declared - present < max(2, fmt.block_bytes)
    if declared >= _PLACEHOLDER or counted_too_much or is_whole_file or is_within_block:
        return present
    raise truncated(present / byte_rate)


def _width(file: BinaryIO, fmt: WavFormat, sound: Span, order: str) -> int | None:
    """Return the bytes of a sample: of those that the header may mean, with which the sound is smoothest."""
    widths = fmt.widths
    if len(widths) < 2 or fmt.tag != PCM:  # noqa: PLR2004 - more than one
        return next(iter(widths), None)
    file.seek(sound.start + (sound.end - sound.start) // 2 // _LOOKED_AT * _LOOKED_AT)
    content = file.read(min(_LOOKED_AT, sound.end - file.tell()))
    first, *others = ((_roughness(content, width * fmt.channels, width, order), width) for width in widths)
    smoothest = min(others)
    return smoothest[1] if smoothest[0] < _SMOOTHER * first[0] else first[1]


def _roughness(content: bytes, block: int, width: int, order: str) -> float:
    """Return the mean squared step over the variance of the first channel, by the upper bytes of samples."""
    blocks = np.frombuffer(content[: len(content) // block * block], np.uint8).reshape(-1, block)[:, :width]
    upper = blocks[:, :2] if order == ">" else blocks[:, -2:]
    if width == 1:
        values = upper[:, 0].astype(np.float64)
    else:
        values = np.ascontiguousarray(upper).view(f"{order}i2")[:, 0].astype(np.float64)
    if len(values) < 2:  # noqa: PLR2004 - a step needs two
        return 0.0
    return float(np.square(np.diff(values)).mean() / max(values.var(), 1e-9))


def _format(content: bytes, order: str) -> WavFormat:
    if len(content) < 14:  # noqa: PLR2004 - the least that a header has; without bits it is of the first WAV
        raise SoundFileError("damaged", "is a WAV file with a damaged header; send it again")
    tag, channels, rate, byte_rate, block_align, bits = struct.unpack(
        f"{order}HHIIHH", content[:16].ljust(16, b"\0")
    )
    require_channels(channels)
    if tag == EXTENSIBLE:
        # Without its sub-format it is what most are.
        (tag,) = struct.unpack(f"{order}H", content[24:26]) if len(content) >= 26 else (PCM,)  # noqa: PLR2004
    if tag == 0 or (tag == FLOAT and bits == 16):  # noqa: PLR2004 - no float has so few
        tag = PCM
    return WavFormat(tag, channels, rate, byte_rate, block_align, bits, content)
