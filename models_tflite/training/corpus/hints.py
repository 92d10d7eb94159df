"""What larger networks hear in a recording: a small network that learns to say it, too, hears more itself.

Distillation of embeddings (Romero et al., FitNets, ICLR 2015). A file of hints holds `names`, dataset/path of
each recording, and `embeddings`, (recordings, numbers).
"""

from pathlib import Path
from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import Corpus

WORDS: Final = Path(__file__).with_name("hints_words.npz")
"""Of FSDD and Speech Commands, by Google's speech embedding."""


def of(corpus: Corpus, path: Path) -> Float32Array | None:
    """Return 1 and the hints of each recording, or only zeros: (recordings, 1 + numbers); None: all zeros.

    Hints have mean 0. A squared error counts as much as the number varies: one that hardly does says little.
    """
    with np.load(path) as stored:
        known = dict(zip(stored["names"].tolist(), stored["embeddings"].astype(np.float32), strict=True))
    heard = [known.get(name(recording.path)) for recording in corpus.recordings]
    found = np.array([embedding for embedding in heard if embedding is not None])
    if not len(found):
        return None
    mean, spread = found.mean(axis=0), found.std(axis=0) + np.float32(1e-6)
    said = np.zeros((len(corpus), 1 + found.shape[1]), dtype=np.float32)
    is_known = np.array([embedding is not None for embedding in heard])
    said[is_known, 0] = 1
    said[is_known, 1:] = (found - mean) / np.sqrt(spread * spread.mean())
    return said


def name(path: Path) -> str:
    """Return what a recording is called in a file of hints: dataset/folder/file."""
    return "/".join(path.parts[-3:])
