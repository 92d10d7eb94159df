"""The rate limiter, with a clock that the tests set."""

from history_api.access.rate_limit import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_a_minute_of_requests_and_is_refilled_evenly() -> None:
    clock = Clock()
    limiter = RateLimiter(6, clock)
    assert [limiter.take("ann") for _ in range(7)] == [0.0] * 6 + [10.0]
    clock.now += 4
    assert limiter.take("ann") == 6.0
    clock.now += 6
    assert [limiter.take("ann"), limiter.take("ann")] == [0.0, 10.0]


def test_a_bucket_never_holds_more_than_a_minute_of_requests() -> None:
    clock = Clock()
    limiter = RateLimiter(2, clock)
    limiter.take("ann")
    clock.now += 3600
    assert [limiter.take("ann") > 0 for _ in range(3)] == [False, False, True]


def test_each_client_has_its_own_bucket() -> None:
    limiter = RateLimiter(1, Clock())
    assert limiter.take("ann") == 0.0
    assert limiter.take("bob") == 0.0
    assert limiter.take("ann") > 0


def test_zero_is_no_limit() -> None:
    limiter = RateLimiter(0, Clock())
    assert {limiter.take("ann") for _ in range(100)} == {0.0}


def test_the_number_of_buckets_is_bounded_and_the_emptiest_are_kept() -> None:
    limiter = RateLimiter(2, Clock(), max_buckets=10)
    for number in range(1000):
        limiter.take("busy")
        limiter.take(number)
    assert len(limiter._levels) == 10
    assert limiter.take("busy") > 0
