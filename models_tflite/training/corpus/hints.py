"""Hints: embeddings of recordings by a larger network, which a small network learns to predict in training.

Distillation of embeddings (Romero et al., FitNets, ICLR 2015). A file of hints holds `names`, dataset/path of
each recording, and `embeddings`, (recordings, numbers).
"""

from pathlib import Path
from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import Corpus

WORDS: Final = Path(__file__).with_name("hints_words.npz")
"""Hints for FSDD and Speech Commands, by Google's speech embedding."""


def load(corpus: Corpus, path: Path) -> Float32Array | None:
    """Return the hints of each recording, (recordings, 1 + numbers); None when no recording has any.

    The first column is 1 where a recording has hints, else the whole row is 0. Hints have mean 0 and are
    scaled so that a squared error counts as much as the number varies: one that hardly does says little.
    """
    with np.load(path) as stored:
        embedding_of = dict(
            zip(stored["names"].tolist(), stored["embeddings"].astype(np.float32), strict=True)
        )
    embeddings = [embedding_of.get(name(recording.path)) for recording in corpus.recordings]
    known = np.array([embedding for embedding in embeddings if embedding is not None])
    if not len(known):
        return None
    mean, deviation = known.mean(axis=0), known.std(axis=0) + np.float32(1e-6)
    hints = np.zeros((len(corpus), 1 + known.shape[1]), dtype=np.float32)
    is_known = np.array([embedding is not None for embedding in embeddings])
    hints[is_known, 0] = 1
    hints[is_known, 1:] = (known - mean) / np.sqrt(deviation * deviation.mean())
    return hints


def name(path: Path) -> str:
    """Return the name of a recording in a file of hints: dataset/folder/file."""
    return "/".join(path.parts[-3:])
