"""What a bad network does to chunks, decided by a seed: loss, duplicates, disorder, corruption."""

import heapq
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How bad the network is."""

    loss: float = 0.0
    """Probability that a chunk is lost, 0..1."""
    duplicate: float = 0.0
    """Probability that a chunk goes out twice, 0..1."""
    reorder: int = 0
    """How many later chunks may overtake a chunk."""
    corrupt: float = 0.0
    """Probability that one byte of a chunk is changed, 0..1."""


class FaultInjector:
    """A bad network. Equal rates, seed and payloads give equal faults."""

    def __init__(self, rates: FaultRates, seed: int) -> None:
        self._rates = rates
        self._rng = np.random.default_rng(seed)
        self._waiting: list[tuple[int, int, bytes]] = []
        self._passed = 0
        self._copies = 0

    def send(self, payload: bytes) -> list[bytes]:
        """Take one payload; return those, of this and earlier calls, that leave now."""
        self._passed += 1
        for _ in range(self._copies_of_next()):
            leaves = self._passed + int(self._rng.integers(0, self._rates.reorder + 1))
            self._copies += 1
            heapq.heappush(self._waiting, (leaves, self._copies, self._spoil(payload)))
        return self._leaving(self._passed)

    def flush(self) -> list[bytes]:
        """Return what is still held back: nothing comes that could overtake it."""
        return self._leaving(self._passed + self._rates.reorder)

    def _copies_of_next(self) -> int:
        is_lost, is_double = self._rng.random(2) < (self._rates.loss, self._rates.duplicate)
        return 0 if is_lost else 2 if is_double else 1

    def _spoil(self, payload: bytes) -> bytes:
        if self._rng.random() >= self._rates.corrupt:
            return payload
        spoiled = bytearray(payload)
        spoiled[int(self._rng.integers(len(spoiled)))] ^= int(self._rng.integers(1, 256))
        return bytes(spoiled)

    def _leaving(self, until: int) -> list[bytes]:
        leaving = []
        while self._waiting and self._waiting[0][0] <= until:
            leaving.append(heapq.heappop(self._waiting)[2])
        return leaving
