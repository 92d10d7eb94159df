"""Array types of the signal modules, and overlapping windows of an array as a view."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Int16Array = npt.NDArray[np.int16]
Real = TypeVar("Real", bound=np.floating)


def sliding_windows(samples: npt.NDArray[Real], count: int, length: int, hop: int) -> npt.NDArray[Real]:
    """Return a view of samples (samples,) as `count` windows of `length`, `hop` apart: (count, length).

    Same as `sliding_window_view` and `as_strided`, whose checks take longer than a short spectrum.
    """
    samples = np.ascontiguousarray(samples)
    size = samples.itemsize
    return np.ndarray((count, length), samples.dtype, samples, strides=(hop * size, size))
