"""Audio files as signals, converted to 16-bit PCM first, as the worker receives it."""

from pathlib import Path

from edge_worker.errors import AudioError
from edge_worker.signal.audio_signal import Signal
from edge_worker.sound_files import sound_reader
from edge_worker.sound_files.sound_file_error import SoundFileError


def read(path: Path) -> Signal:
    """Read a sound file of any format, rate and channel count.

    Raises:
        AudioError: the file is missing, empty, damaged or not audio; the message is a sentence for the user.
    """
    if not path.is_file():
        raise AudioError(f"{path} is missing: check where the files are")
    try:
        return Signal.from_pcm(*sound_reader.read(path))
    except SoundFileError as error:
        raise AudioError(f"{path} {error.predicate}") from error
    except OSError as error:
        raise AudioError(f"{path} cannot be read as audio: repair or remove it") from error
