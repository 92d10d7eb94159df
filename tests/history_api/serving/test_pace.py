"""The pace that a client has to keep, with its clock and its bytes in the hands of the test."""

import asyncio

import pytest

from history_api.serving.limits import Limits
from history_api.serving.pace import ClientTooSlowError, Pace

LIMITS = Limits(threads=1, patience_s=0.2, bytes_per_s=1000.0)


async def keep_waiting(pace: Pace, times: int, size: int) -> None:
    for _ in range(times):
        await pace.wait(asyncio.sleep(0.05))
        pace.moved(size)


def test_a_byte_now_and_then_does_not_last_for_ever() -> None:
    with pytest.raises(ClientTooSlowError):
        asyncio.run(keep_waiting(Pace(LIMITS), 100, 1))


def test_who_keeps_the_least_rate_has_all_the_time_of_the_world() -> None:
    asyncio.run(keep_waiting(Pace(LIMITS), 20, 10_000))


def test_bytes_sent_at_once_buy_no_time_for_later() -> None:
    pace = Pace(LIMITS)
    pace.moved(1_000_000)
    with pytest.raises(ClientTooSlowError):
        asyncio.run(keep_waiting(pace, 100, 0))
