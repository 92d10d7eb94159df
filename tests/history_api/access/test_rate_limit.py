"""Token buckets, by a clock of their own."""

from history_api.access.rate_limit import Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_goes_through_and_comes_back_evenly() -> None:
    clock = Clock()
    buckets = Buckets(6, clock)
    assert [buckets.take("ann") for _ in range(7)] == [0.0] * 6 + [10.0]
    clock.now += 4
    assert buckets.take("ann") == 6.0
    clock.now += 6
    assert [buckets.take("ann"), buckets.take("ann")] == [0.0, 10.0]


def test_nobody_saves_up_more_than_a_minute() -> None:
    clock = Clock()
    buckets = Buckets(2, clock)
    buckets.take("ann")
    clock.now += 3600
    assert [buckets.take("ann") > 0 for _ in range(3)] == [False, False, True]


def test_everybody_has_a_bucket_of_their_own() -> None:
    buckets = Buckets(1, Clock())
    assert buckets.take("ann") == 0.0
    assert buckets.take("bob") == 0.0
    assert buckets.take("ann") > 0


def test_zero_is_no_limit() -> None:
    buckets = Buckets(0, Clock())
    assert {buckets.take("ann") for _ in range(100)} == {0.0}


def test_memory_is_bounded_and_who_asks_most_is_not_forgotten() -> None:
    buckets = Buckets(2, Clock(), most=10)
    for number in range(1000):
        buckets.take("busy")
        buckets.take(number)
    assert len(buckets._levels) == 10
    assert buckets.take("busy") > 0
