"""Presence of the client of a request: a thread need not wait for the result of one that has left."""

from collections.abc import Callable
from typing import Final

from flask import request

IS_GONE: Final = "stetho.is_gone"
"""Key in the WSGI environment of a function that returns whether the client has closed its connection."""


def client_is_gone() -> bool:
    """Return whether the client of the current request has left, as far as its server tells."""
    is_gone: Callable[[], bool] | None = request.environ.get(IS_GONE)
    return is_gone is not None and is_gone()
