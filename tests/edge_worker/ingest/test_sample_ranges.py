"""Sample ranges against a simple model: a set of numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_worker.ingest.sample_ranges import SampleRanges

ranges = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(ranges, max_size=30), ranges, st.integers(0, 80))
def test_ranges_agree_with_a_set(added: list[tuple[int, int]], probe: tuple[int, int], end: int) -> None:
    received, model = SampleRanges(), set[int]()
    for start, stop in added:
        received.add(start, stop)
        model |= set(range(start, stop))
    assert received.end == max(model, default=-1) + 1
    assert received.overlaps(*probe) == bool(model & set(range(*probe)))
    assert received.contains(*probe) == (set(range(*probe)) <= model)
    gaps = received.gaps(end)
    assert {n for start, stop in gaps for n in range(start, stop)} == set(range(end)) - model
    assert all(a[1] < b[0] for a, b in pairwise(gaps)), "neighbours are one gap"
