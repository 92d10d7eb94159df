"""A progress bar on stderr when a person watches."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def steps(items: Sequence[T], what: str) -> Iterable[T]:
    """Return `items`, showing how far they are; `what` names them."""
    bar: Iterable[T] = tqdm(items, desc=what, file=sys.stderr, disable=None, leave=False)
    return bar
