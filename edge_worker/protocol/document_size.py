"""Size of the JSON documents that the worker publishes: each has a bound, held where it is built.

Normative: `docs/protocol.md` § Sizes. A broker disconnects who sends a larger packet, at each attempt.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from edge_worker.protocol import strict_json

MAX_BYTES: Final = 65_536
"""Of a published document; the topic and MQTT's header fit beside it into the broker's `max_packet_size`."""

Document = dict[str, Any]


def compact_json(document: Document) -> bytes:
    """Return a document as strict JSON in UTF-8, without spaces."""
    return strict_json.write(document).encode()


def fitted_json(document: Document, steps: Sequence[Callable[[Document], Document]]) -> bytes:
    """Return a document as JSON of at most `MAX_BYTES`: shortened step by step until it fits."""
    payload = compact_json(document)
    for shorten in steps:
        if len(payload) <= MAX_BYTES:
            break
        document = shorten(document)
        payload = compact_json(document)
    return payload


def joined(ranges: Sequence[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Return at most `limit` ranges that cover the given ones, which are in order: the closest are joined."""
    if len(ranges) <= limit:
        return list(ranges)
    distances = [after[0] - before[1] for before, after in pairwise(ranges)]
    widest = sorted(range(len(distances)), key=lambda each: distances[each], reverse=True)[: limit - 1]
    first, result = 0, []
    for last in (*sorted(widest), len(ranges) - 1):
        result.append((ranges[first][0], ranges[last][1]))
        first = last + 1
    return result
