"""MP3 files by their frames: how many there are, and a first frame that says so to libsndfile.

Where no first frame counts them (Xing or Info), as from an encoder that writes into a pipe, libsndfile
estimates the length from the bit rate and stops there.
"""

import mmap
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from edge_worker.sound_files.sound_file_error import SoundFileError, several, too_long, truncated
from edge_worker.sound_files.spliced_file import Span

_MPEG_1, _LAYER_3 = 3, 1
"""As in the header of a frame: versions 3, 2 and 0 are MPEG-1, 2 and 2.5; layers 3, 2 and 1 are I to III."""
_KBPS: Final = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By whether it is MPEG-1, and the layer."""
_RATES_HZ: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_HEADER: Final = 4
_SURE: Final = 3
"""Frames in a row that make a file an MP3."""
_SEARCHED: Final = 65_536
"""Bytes in which a frame is searched."""
_OUR_KBPS: Final = 9
"""Index of the bit rate of our first frame: its count fits in at every sample rate."""
DELAY: Final = 3 * 1152
"""Samples that decoders leave out at most: the delay of encoder and decoder."""
_ID3: Final = 10
"""Bytes of the header of an ID3 tag."""
_MOST_TAGS: Final = 100


class _Frame(NamedTuple):
    """Header of a frame."""

    word: int
    version: int
    layer: int
    sample_rate: int
    samples: int
    size: int
    """Bytes."""

    @property
    def count_at(self) -> int:
        """Bytes from the start of the frame to where a count of frames would be."""
        is_mono = self.word >> 6 & 3 == 3  # noqa: PLR2004 - the code of mono
        if self.version == _MPEG_1:
            return _HEADER + (17 if is_mono else 32)
        return _HEADER + (9 if is_mono else 17)

    def resembles(self, other: "_Frame") -> bool:
        """Return whether two frames may be of one recording."""
        return self[1:4] == other[1:4]


@dataclass(frozen=True, slots=True)
class Mp3File:
    """The sound of an MP3 file."""

    parts: list[bytes | Span]
    """What is to be decoded."""
    sample_rate: int
    samples: int
    """Per channel, with the delay of the encoder."""


def after_tags(file: BinaryIO) -> int:
    """Return where sound begins: behind ID3 tags, which may stand before MP3 and FLAC."""
    start = 0
    for _ in range(_MOST_TAGS):
        file.seek(start)
        head = file.read(_ID3)
        if len(head) < _ID3 or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        start += _ID3 + size
    return start


def parse(file: BinaryIO, within: Span, max_s: float) -> Mp3File | None:
    """Return the MP3 in a part of a file; None: it is none.

    Raises:
        SoundFileError: frames are missing, there are several recordings, or more than `max_s` seconds.
    """
    if within.end - within.start < _HEADER:
        return None
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = _find(content, within, None, _SURE)
        if start is None:
            return None
        first = _frame(content, start)
        count = _count(content, start, first)
        sound = Span(start if count is None else start + first.size, within.end)
        frames, end = _scan(content, sound, first, max_s)
    seconds = frames * first.samples / first.sample_rate
    if count is not None and count > frames + 1:
        raise truncated(seconds)
    parts: list[bytes | Span] = [Span(start, end)]
    if first.layer == _LAYER_3 and (count is None or count < frames - 1):
        parts = [_counting_frame(first, frames, end - sound.start), Span(sound.start, end)]
    return Mp3File(parts, first.sample_rate, frames * first.samples)


def _scan(content: mmap.mmap, sound: Span, first: _Frame, max_s: float) -> tuple[int, int]:
    """Return how many whole frames follow each other, and where the last ends."""
    position, frames, most = sound.start, 0, max_s * first.sample_rate / first.samples
    while position + _HEADER <= sound.end:
        if frames > most:
            raise too_long(max_s)
        frame = _parse_header(content, position)
        if frame is None or not frame.resembles(first):
            if _find(content, Span(position, sound.end), first, _SURE) is None:
                break  # a tag, say
            if content[position : position + 3] in (b"ID3", b"TAG", b"APE"):
                raise several()
            seconds = frames * first.samples / first.sample_rate
            raise SoundFileError("damaged", f"is damaged after {seconds:.1f} s of sound; send it again")
        if position + frame.size > sound.end:
            break
        if _count(content, position, frame) is not None:
            raise several()
        frames += 1
        position += frame.size
    return frames, position


def _find(content: mmap.mmap, within: Span, like: _Frame | None, in_a_row: int) -> int | None:
    """Return where so many frames in a row begin, or fewer to the end; None where nothing is found soon."""
    position, last = within.start, min(within.end, within.start + _SEARCHED)
    while (position := content.find(b"\xff", position, last)) >= 0:
        frame = _parse_header(content, position)
        if frame is not None and (like is None or frame.resembles(like)):
            at, found = position, 0
            while found < in_a_row and at + _HEADER <= within.end:
                following = _parse_header(content, at)
                if following is None or not following.resembles(frame):
                    break
                at, found = at + following.size, found + 1
            if found == in_a_row or (found and at == within.end):
                return position
        position += 1
    return None


def _frame(content: mmap.mmap, position: int) -> _Frame:
    frame = _parse_header(content, position)
    if frame is None:
        raise ValueError(f"no frame at {position}")
    return frame


def _parse_header(content: mmap.mmap, position: int) -> _Frame | None:
    head = content[position : position + _HEADER]
    if len(head) < _HEADER or head[0] != 0xFF or head[1] < 0xE0:  # noqa: PLR2004 - eleven bits set
        return None
    word = int.from_bytes(head, "big")
    version, layer, kbps, rate = word >> 19 & 3, word >> 17 & 3, word >> 12 & 15, word >> 10 & 3
    if version == 1 or layer == 0 or kbps in (0, 15) or rate == 3:  # noqa: PLR2004 - reserved values
        return None
    return _of_word(word, version, layer, kbps, _RATES_HZ[version][rate])


def _of_word(word: int, version: int, layer: int, kbps_index: int, sample_rate: int) -> _Frame:
    bits_per_s = 1000 * _KBPS[version == _MPEG_1, layer][kbps_index - 1]
    padding = word >> 9 & 1
    if layer == 3:  # noqa: PLR2004 - layer I
        return _Frame(word, version, layer, sample_rate, 384, 4 * (12 * bits_per_s // sample_rate + padding))
    samples = 576 if layer == _LAYER_3 and version != _MPEG_1 else 1152
    size = samples // 8 * bits_per_s // sample_rate + padding
    return _Frame(word, version, layer, sample_rate, samples, size)


def _count(content: mmap.mmap, position: int, frame: _Frame) -> int | None:
    """Return how many frames a frame says there are; None: it is sound and does not say so."""
    if frame.layer != _LAYER_3:
        return None
    at = position + frame.count_at
    if content[at : at + 4] in (b"Xing", b"Info"):
        flags, frames = struct.unpack(">II", content[at + 4 : at + 12].ljust(8, b"\0"))
        return frames if flags & 1 else 0
    if content[position + 36 : position + 40] == b"VBRI":
        return int.from_bytes(content[position + 50 : position + 54], "big")
    return None


def _counting_frame(like: _Frame, frames: int, size: int) -> bytes:
    """Return a frame without sound that says how many follow, and how many bytes they have."""
    word = like.word & 0xFFFF0DFF | 0x10000 | _OUR_KBPS << 12  # neither checksum nor padding
    frame = _of_word(word, like.version, like.layer, _OUR_KBPS, like.sample_rate)
    content = word.to_bytes(4, "big") + bytes(frame.count_at - _HEADER)
    content += b"Xing" + struct.pack(">III", 3, frames, size + frame.size)
    return content.ljust(frame.size, b"\0")
