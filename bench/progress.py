"""Progress bar on stderr, if that is a terminal."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def steps(items: Sequence[T], what: str) -> Iterable[T]:
    """Return `items`, with a progress bar labelled `what`."""
    bar: Iterable[T] = tqdm(items, desc=what, file=sys.stderr, disable=None, leave=False)
    return bar
