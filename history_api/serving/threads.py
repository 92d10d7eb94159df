"""Threads that run the application, started as they are needed."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_Value = TypeVar("_Value")


class Threads:
    """At most `most` threads. They end with the process: unlike an executor's, none delays its end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()

    async def run(self, work: Callable[[], _Value]) -> _Value:
        """Return what `work` does in a thread; only the thread of the event loop may call this."""
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Callable[[], _Value]) -> Future[_Value]:
        """Have a thread do `work`, whether somebody waits for it or not."""
        future: Future[_Value] = Future()
        self._jobs.put((future, work))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._work, name=f"http-{self._started}", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            try:
                future, work = self._jobs.get_nowait()
            except queue.Empty:
                self._idle.release()
                future, work = self._jobs.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
            del future, work  # an answer must not live until the next request
