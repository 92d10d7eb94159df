"""Threads that run the application, started as they are needed."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_Value = TypeVar("_Value")


class Threads:
    """At most `most` threads. They end with the process: unlike an executor's, none delays its end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = self._idle = 0
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._changed = threading.Condition()

    async def run(self, work: Callable[[], _Value]) -> _Value:
        """Return what `work` does in a thread."""
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Callable[[], _Value]) -> Future[_Value]:
        """Have a thread do `work`, whether somebody waits for it or not."""
        future: Future[_Value] = Future()
        with self._changed:
            self._jobs.append((future, work))
            if len(self._jobs) > self._idle and self._started < self._most:
                self._started += 1
                threading.Thread(target=self._work, name=f"http-{self._started}", daemon=True).start()
            self._changed.notify()
        return future

    def _next(self) -> tuple[Future[Any], Callable[[], Any]]:
        with self._changed:
            while not self._jobs:
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return self._jobs.popleft()

    def _work(self) -> None:
        while True:
            future, work = self._next()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
            del future, work  # an answer must not live until the next request
