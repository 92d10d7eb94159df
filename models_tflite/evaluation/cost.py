"""Cost of a model on this machine: size, and processor time for one window on one core."""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edge_worker.inference.classifier import Classifier
from edge_worker.inference.interpreter import runtime_name
from edge_worker.signal.audio_signal import Signal

RUNS: Final = 200
WARM_UP: Final = 20


def measure(classifier: Classifier, content: bytes) -> dict[str, Any]:
    """Return the size of a model and the median processor time of one window, in ms.

    The input is noise at the rate of the features: resampling costs once per recording and rate, whatever
    the number of models.
    """
    card = classifier.card
    length = round(card.window_s * card.features.sample_rate)
    noise = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)
    inputs = classifier.windows(Signal(noise, card.features.sample_rate))[:1]
    return {
        "bytes": len(content),
        "features_ms": median_ms(lambda: classifier.windows(Signal(noise, card.features.sample_rate))),
        "inference_ms": median_ms(lambda: classifier.probabilities(inputs)),
        "runtime": runtime_name(),
    }


def median_ms(work: Callable[[], object]) -> float:
    """Return the median processor time in ms; on a busy machine the mean depends on other processes."""
    spent_s = []
    for _ in range(WARM_UP + RUNS):
        start = time.process_time()
        work()
        spent_s.append(time.process_time() - start)
    return round(float(np.median(spent_s[WARM_UP:])) * 1000, 3)
