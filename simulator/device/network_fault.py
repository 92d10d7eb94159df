"""Network faults injected into chunks, reproducible by a seed: loss, duplication, reordering, corruption."""

import heapq
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Rates of the faults."""

    loss: float = 0.0
    """Probability that a chunk is lost, 0..1."""
    duplicate: float = 0.0
    """Probability that a chunk is sent twice, 0..1."""
    reorder: int = 0
    """Largest number of later chunks that overtake a chunk."""
    corrupt: float = 0.0
    """Probability that one byte of a chunk is changed, 0..1."""


class FaultInjector:
    """Applies faults to payloads. Equal rates, seed and payloads give equal faults."""

    def __init__(self, rates: FaultRates, seed: int) -> None:
        self._rates = rates
        self._rng = np.random.default_rng(seed)
        self._waiting: list[tuple[int, int, bytes]] = []
        self._passed = 0
        self._copies = 0

    def send(self, payload: bytes) -> list[bytes]:
        """Take one payload; return those of this and earlier calls that are sent now."""
        self._passed += 1
        for _ in range(self._draw_copies()):
            send_at = self._passed + int(self._rng.integers(0, self._rates.reorder + 1))
            self._copies += 1
            heapq.heappush(self._waiting, (send_at, self._copies, self._corrupt(payload)))
        return self._release_until(self._passed)

    def flush(self) -> list[bytes]:
        """Return all payloads that are still held back."""
        return self._release_until(self._passed + self._rates.reorder)

    def _draw_copies(self) -> int:
        is_lost, is_duplicated = self._rng.random(2) < (self._rates.loss, self._rates.duplicate)
        return 0 if is_lost else 2 if is_duplicated else 1

    def _corrupt(self, payload: bytes) -> bytes:
        if self._rng.random() >= self._rates.corrupt:
            return payload
        corrupted = bytearray(payload)
        corrupted[int(self._rng.integers(len(corrupted)))] ^= int(self._rng.integers(1, 256))
        return bytes(corrupted)

    def _release_until(self, until: int) -> list[bytes]:
        released = []
        while self._waiting and self._waiting[0][0] <= until:
            released.append(heapq.heappop(self._waiting)[2])
        return released
