"""Sound files as programs and recorders write them, right and wrong."""

import io
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

Int16Array = npt.NDArray[np.int16]

RATE: Final = 16_000


def tone(seconds: float = 2.0, rate: int = RATE) -> Int16Array:
    """Return a tone with a little noise."""
    time_s = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(1).normal(0, 0.01, len(time_s))
    return np.rint((0.4 * np.sin(2 * np.pi * 110 * time_s) + noise) * 32767).astype(np.int16)


def chunk(name: bytes, content: bytes, size: int | None = None, order: str = "<") -> bytes:
    return name + struct.pack(f"{order}I", len(content) if size is None else size & 0xFFFFFFFF) + content


def fmt(tag: int = 1, channels: int = 1, width: int = 2, rate: int = RATE, order: str = "<") -> bytes:
    block = channels * width & 0xFFFF
    byte_rate = rate * block & 0xFFFFFFFF
    return chunk(
        b"fmt ", struct.pack(f"{order}HHIIHH", tag, channels, rate, byte_rate, block, 8 * width), order=order
    )


def wav(
    sound: bytes,
    riff: int | None = None,
    data: int | None = None,
    *,
    form: bytes = b"RIFF",
    head: bytes | None = None,
    after: bytes = b"",
    order: str = "<",
) -> bytes:
    """Return a WAV file of PCM; `riff` and `data` are the sizes that it states."""
    body = b"WAVE" + (fmt(order=order) if head is None else head) + chunk(b"data", sound, data, order) + after
    return chunk(form, body, riff, order)


def encoded(samples: npt.NDArray[Any], kind: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    """Return a file as libsndfile writes it."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def without_count(mp3: bytes) -> bytes:
    """Return an MP3 without its first frame, which counts the others, as an encoder writes it into a pipe."""
    return mp3[mp3.index(mp3[:2], 10) :]


def put(folder: Path, content: bytes, name: str = "sound") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


SOUND = tone()
RAW = SOUND.astype("<i2").tobytes()
SIZE = len(RAW)
LIST = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"Lavf58.76.100\0"))
JUNK = chunk(b"JUNK", bytes(4096))
DS64 = chunk(b"ds64", struct.pack("<QQQI", SIZE + 72, SIZE, SIZE // 2, 0))
GUID = struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")

TITLE = b"ID3\x03\0\0\0\0\0\x0b" + bytes(11)


def half_counted_caf() -> bytes:
    """Return a CAF file whose recorder was killed when it had counted half of the sound."""
    content = bytearray(encoded(SOUND, "CAF", "PCM_16"))
    at = content.index(b"data") + 4
    content[at : at + 8] = struct.pack(">q", SIZE // 2)
    return bytes(content)


def odd_format(block: int, bits: int) -> bytes:
    """Return a format of 16-bit sound in which one field is wrong."""
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, RATE * block, block, bits))


WHOLE: dict[str, bytes] = {
    "right": wav(RAW),
    "RIFF 8 too large": wav(RAW, SIZE + 44),
    "RIFF 1 too large": wav(RAW, SIZE + 37),
    "RIFF too small": wav(RAW, 36),
    "data 16 too large, RIFF right": wav(RAW, SIZE + 36, SIZE + 16),
    "data counts the header": wav(RAW, SIZE + 36, SIZE + 44),
    "sox": wav(RAW, 0x7FFFF024, 0x7FFFF000),
    "arecord": wav(RAW, 0x80000024, 0x80000000),
    "ffmpeg": wav(RAW, 0xFFFFFFFF, 0xFFFFFFFF),
    "2^31 - 1": wav(RAW, 0x7FFFFFFF, 0x7FFFFFFF),
    "2^31 - 1 and the header": wav(RAW, 0x7FFFFFFF + 36, 0x7FFFFFFF),
    "2^32 - 1 less the header": wav(RAW, 0xFFFFFFFF - 8, 0xFFFFFFFF - 44),
    "nothing filled in": wav(RAW, 0, 0),
    "killed before the first sync": wav(RAW, 36, 0),
    "killed with a chunk of padding": wav(RAW, 4088, 0, head=fmt() + JUNK),
    "killed between two syncs": wav(RAW, SIZE // 2 + 36, SIZE // 2),
    "a list behind": wav(RAW, after=LIST),
    "a list behind, cut off": wav(RAW, after=LIST)[:-9],
    "a list before": wav(RAW, head=LIST + fmt()),
    "padding counted, not written": wav(RAW[:-1], SIZE + 36, SIZE - 1),
    "the boundary of a form behind": wav(RAW) + b"\r\n--boundary--\r\n",
    "extensible": wav(
        RAW, head=chunk(b"fmt ", struct.pack("<HHIIHH", 0xFFFE, 1, RATE, 2 * RATE, 2, 16) + GUID)
    ),
    "no block size": wav(RAW, head=chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 0, 0, 16))),
    "extensible, without what it extends": wav(RAW, head=fmt(0xFFFE)),
    "format 0": wav(RAW, head=fmt(0)),
    "float of 16 bits": wav(RAW, head=fmt(3)),
    "no bits": wav(RAW, head=chunk(b"fmt ", struct.pack("<HHIIH", 1, 1, RATE, 2 * RATE, 2))),
    "block size of 32 bits": wav(RAW, head=odd_format(block=4, bits=16)),
    "block size of 8 bits": wav(RAW, head=odd_format(block=1, bits=16)),
    "24 bits in the header alone": wav(RAW, head=odd_format(block=2, bits=24)),
    "32 bits in the header alone": wav(RAW, head=odd_format(block=2, bits=32)),
    "8 bits in the header alone": wav(RAW, head=odd_format(block=2, bits=8)),
    "24 bits in 32": wav((SOUND.astype("<i4") << 16).tobytes(), head=odd_format(block=4, bits=24)),
    "an empty sound before": wav(RAW, head=fmt() + chunk(b"data", b"")),
    "behind a title": TITLE + wav(RAW),
    "RF64": wav(RAW, 0xFFFFFFFF, 0xFFFFFFFF, form=b"RF64", head=DS64 + fmt()),
    "BW64": wav(RAW, 0xFFFFFFFF, 0xFFFFFFFF, form=b"BW64", head=DS64 + fmt()),
    "RIFX": wav(SOUND.astype(">i2").tobytes(), form=b"RIFX", head=fmt(order=">"), order=">"),
    "24 bits": encoded(SOUND, "WAV", "PCM_24"),
    "32 bits": encoded(SOUND, "WAV", "PCM_32"),
    "float": encoded(SOUND / 32768, "WAV", "FLOAT"),
    "double": encoded(SOUND / 32768, "WAV", "DOUBLE"),
    "float in 16-bit units": wav(SOUND.astype("<f4").tobytes(), head=fmt(3, width=4)),
    "float in 24-bit units": wav((256.0 * SOUND).astype("<f4").tobytes(), head=fmt(3, width=4)),
    "double in 32-bit units": wav((65536.0 * SOUND).astype("<f8").tobytes(), head=fmt(3, width=8)),
    "AIFF": encoded(SOUND, "AIFF", "PCM_16"),
    "AU": encoded(SOUND, "AU", "PCM_16"),
    "AU of unknown length": encoded(SOUND, "AU", "PCM_16").replace(struct.pack(">I", SIZE), b"\xff" * 4, 1),
    "AU, nothing filled in": encoded(SOUND, "AU", "PCM_16").replace(struct.pack(">I", SIZE), bytes(4), 1),
    "CAF": encoded(SOUND, "CAF", "PCM_16"),
    "W64": encoded(SOUND, "W64", "PCM_16"),
    "FLAC": encoded(SOUND, "FLAC", "PCM_16"),
    "VOC": encoded(SOUND, "VOC", "PCM_16"),
    "NIST": encoded(SOUND, "NIST", "PCM_16"),
    **{
        f"{kind} behind a title": TITLE + encoded(SOUND, kind, "PCM_16")
        for kind in ("AIFF", "AU", "CAF", "W64", "FLAC")
    },
    "CAF, killed between two syncs": half_counted_caf(),
}


def flac_with_length(samples: int) -> bytes:
    content = bytearray(encoded(SOUND, "FLAC", "PCM_16"))
    content[21] &= 0xF0
    content[22:26] = struct.pack(">I", samples)
    return bytes(content)


WHOLE["FLAC of unknown length"] = flac_with_length(0)
WHOLE["FLAC that counts too few"] = flac_with_length(len(SOUND) // 2)
