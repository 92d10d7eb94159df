"""Audio files as signals, converted to 16-bit PCM first, as the worker receives it."""

from pathlib import Path

import numpy as np
import soundfile

from edge_worker.errors import AudioError
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.pcm import FULL_SCALE


def read(path: Path) -> Signal:
    """Read a wav, flac, ogg or mp3 file of any rate and channel count.

    Raises:
        AudioError: the file is missing, empty or not audio; the message is a sentence for the user.
    """
    if not path.is_file():
        raise AudioError(f"{path} is missing: check where the files are")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, TypeError, soundfile.LibsndfileError) as error:  # TypeError: a .raw file without header
        raise AudioError(f"{path} cannot be read as audio: repair or remove it") from error
    if not len(samples):
        raise AudioError(f"{path} holds no samples: remove it")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path} holds samples that are not finite numbers: repair it")
    pcm = np.rint(samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return Signal.from_pcm(pcm, rate)
