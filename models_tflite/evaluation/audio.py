"""Sound files as the worker would have heard them: 16-bit PCM of any rate and channel count."""

from pathlib import Path

import numpy as np
import soundfile

from edge_worker.errors import AudioError
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.pcm import FULL_SCALE


def read(path: Path) -> Signal:
    """Read wav, flac, ogg or mp3; raises AudioError with a sentence when it is missing, empty or no audio."""
    if not path.is_file():
        raise AudioError(f"{path} is missing: check where the files are")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, TypeError, soundfile.LibsndfileError) as error:  # TypeError: a headerless .raw
        raise AudioError(f"{path} cannot be read as audio: repair it or take it out") from error
    if not len(samples):
        raise AudioError(f"{path} holds no samples: take it out")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path} holds samples that are no numbers: repair it")
    pcm = np.rint(samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return Signal.from_pcm(pcm, rate)
