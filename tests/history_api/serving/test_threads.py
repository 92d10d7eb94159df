"""Threads of the application: no more than work at a time, and no fewer than there is work for."""

import threading
from concurrent.futures import wait

from history_api.serving.threads import Threads


def started(threads: Threads) -> int:
    return threads._started


def test_threads_that_wait_are_used_again_however_jobs_and_threads_meet() -> None:
    threads = Threads(100)
    for _ in range(5000):  # a job may come just when the thread before is done
        first, second = threads.submit(int), threads.submit(int)
        assert (first.result(10), second.result(10)) == (0, 0)
    assert started(threads) <= 4


def test_as_many_threads_work_as_there_are_jobs_up_to_the_most() -> None:
    threads, together, over = Threads(3), threading.Barrier(4), threading.Event()

    def work() -> None:
        together.wait(10)
        over.wait(10)

    jobs = [threads.submit(work) for _ in range(3)]
    together.wait(10)
    waiting = threads.submit(int)
    assert not waiting.done()
    over.set()
    assert not wait(jobs, 10).not_done
    assert waiting.result(10) == 0
    assert started(threads) == 3


def test_an_error_belongs_to_its_job() -> None:
    threads = Threads(1)
    failed = threads.submit(lambda: 1 // 0)
    assert isinstance(failed.exception(10), ZeroDivisionError)
    assert threads.submit(int).result(10) == 0
