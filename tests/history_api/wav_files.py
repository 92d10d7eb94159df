"""WAV files of tests at any path, written and read by the worker's own module."""

from pathlib import Path

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.audio_store.sound import Sound, file_sound
from edge_worker.ingest import wav
from edge_worker.ingest.wav import WavAudio


def write(path: Path, pcm: bytes | bytearray, sample_rate: int, channels: int) -> None:
    wav.write(AudioDirectory(path.parent), path.name, pcm, sample_rate, channels)


def read(path: Path) -> bytes:
    return wav.read(sound_at(path))


def read_with_format(path: Path) -> WavAudio:
    return wav.read_with_format(sound_at(path))


def sound_at(path: Path) -> Sound:
    sound = file_sound(path, path.name)
    assert sound is not None
    return sound
