"""The recording that is measured: a heart with a murmur, 4 s at 44.1 kHz, and its chunks."""

from typing import Final

from edge_worker.protocol.chunk import LAST, PCM, Chunk, encode
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples

RATE: Final = 44_100
SECONDS: Final = 4.0
CHUNK: Final = 8192


def pcm() -> bytes:
    """Return the recording that is measured: mono PCM, 16 bits."""
    heart = heart_sound("murmur", 72, SECONDS, RATE, 1)
    return from_samples(heart.samples, RATE).pcm.astype("<i2").tobytes()


def payloads(sound: bytes, recording_id: int) -> list[bytes]:
    """Return the payloads of the chunks of one recording."""
    total = len(sound) // 2
    return [
        encode(
            Chunk(
                PCM,
                LAST if start + CHUNK >= total else 0,
                1,
                RATE,
                recording_id,
                start,
                min(CHUNK, total - start),
                sound[start * 2 : min(start + CHUNK, total) * 2],
            )
        )
        for start in range(0, total, CHUNK)
    ]
