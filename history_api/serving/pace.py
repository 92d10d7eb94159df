"""Pace that a client has to keep while we wait for it: a bucket of seconds that its bytes refill."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from history_api.serving.limits import Limits

_Value = TypeVar("_Value")


class ClientTooSlowError(Exception):
    """A client moved too few bytes in the time that it kept us waiting."""


class Pace:
    """Time that one client may still keep us waiting. A byte now and then does not make it last for ever."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left_s = limits.patience_s

    async def wait(self, awaitable: Awaitable[_Value]) -> _Value:
        """Return what `awaitable` gives; raise ClientTooSlowError when the time is over."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self._left_s):
                return await awaitable
        except TimeoutError:
            raise ClientTooSlowError from None
        finally:
            self._left_s -= clock() - began

    def moved(self, size: int) -> None:
        """Take note that the client sent or read `size` bytes."""
        self._left_s = min(self._limits.patience_s, self._left_s + size / self._limits.bytes_per_s)
