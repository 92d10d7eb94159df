"""Leases of one process: a thread that takes its share of the shards, and says which it takes and leaves.

A shard is held with two locks: one in PostgreSQL, for all machines, and a file in the spool, because the
processes of one machine share that. While the database is away each keeps its own: nobody can take one.
The thread is one of its own because a database that hangs must not hold up the network thread.
"""

import fcntl
import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.postgresql.reason import said
from edge_worker.database.sharing.shard_locks import LockSurvey, ShardLocks
from edge_worker.database.store import Store, StoredRecording, StoreFault
from edge_worker.errors import SpoolError, StoreError
from edge_worker.leases.fair_share import Shares
from edge_worker.leases.handover import Handover
from edge_worker.leases.standstill import Standstill
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 0.1
_AFTER_RESTART_S: Final = 2.0
"""After the database was away for all, each may lock again what it had, before any takes what is free."""
_STOP_WITHIN_S: Final = 5.0
"""Of this, what is in the spool takes most, where other machines get it."""


@dataclass(frozen=True, slots=True)
class ShardsTaken:
    """Shards that are held from now on, and what of them waits in the database."""

    shards: frozenset[int]
    unanalysed: list[StoredRecording]
    pending: list[OutboxMessage]
    unstored: list[tuple[str, int]]
    """Device and id of what their last holder had not stored, wherever it is."""


@dataclass(frozen=True, slots=True)
class ShardsLeft:
    """Shards to let go; `free` is to be called once nothing works on them any more."""

    shards: frozenset[int]
    is_lost: bool
    """Somebody else has them already, or may have."""


@dataclass(frozen=True, slots=True)
class ShardVerified:
    """A shard that was asked about is held, without a break."""

    shard: int


@dataclass(frozen=True, slots=True)
class LeaseFault:
    """Why no shard can be taken now; empty: nothing is in the way."""

    text: str


LeaseEvent = ShardsTaken | ShardsLeft | ShardVerified | LeaseFault


class ShardLeases(threading.Thread):
    """Leases of this process. The network thread calls the public methods."""

    def __init__(
        self,
        locks: ShardLocks,
        store: Store,
        spool: Path,
        *,
        shares: Shares,
        handover: Handover,
        post: Callable[[LeaseEvent], None],
        busy: Callable[[], Collection[int]],
        hears: Callable[[], bool],
    ) -> None:
        """Hand events on with `post`; `busy` tells of which shards something is open.

        `hears` tells whether this process has the broker.
        """
        super().__init__(name="shard-leases", daemon=True)
        self._locks = locks
        self._store = store
        self._spool = spool
        self._shares = shares
        self._handover = handover
        self._standstill = Standstill()
        self._post = post
        self._busy = busy
        self._hears = hears
        self._held: set[int] = set()
        self._leaving: set[int] = set()
        """Let go, but not free yet."""
        self._lost: set[int] = set()
        """Of these: others hold them, or may."""
        self._files: dict[int, TextIO] = {}
        """The locked files of those that are held or leaving."""
        self._asked: set[int] = set()
        self._freed: queue.SimpleQueue[frozenset[int]] = queue.SimpleQueue()
        self._questions: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._take_from = float("-inf")
        self._fault = ""
        self.failure: BaseException | None = None
        """The exception that ended the thread, a bug, for the main thread to raise."""

    # --- on the network thread ----------------------------------------------------------------------

    def free(self, shards: Iterable[int]) -> None:
        """Let others have shards that were left."""
        self._freed.put(frozenset(shards))

    def verify(self, shard: int) -> None:
        """Ask whether a shard is still ours: the broker has ended its session."""
        self._questions.put(shard)
        self._freed.put(frozenset())  # wakes the thread

    def stop(self) -> None:
        """Give everything back; what cannot be given back in time ends with the process."""
        self._stopping.set()
        self._freed.put(frozenset())
        if self.is_alive():
            self.join(_STOP_WITHIN_S)

    # --- on the thread ------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.is_set():
                self._turn()
                self._wait()
            self._give_away(self._held | self._leaving)
        except BaseException as error:
            self.failure = error
        finally:
            self._locks.close()
            self._close_files(set(self._files))

    def _wait(self) -> None:
        """Wait for the next turn; give back what was freed meanwhile."""
        try:
            freed = self._freed.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            return
        self._give_back(freed)
        while not self._freed.empty():
            self._give_back(self._freed.get())

    def _give_away(self, shards: Collection[int]) -> None:
        """Let other machines, where there are any, have what the spool has of shards that are locked."""
        ours = set(shards) - self._lost
        if not (ours and self._shares.has_others and self._locks.is_connected):
            return
        try:
            self._handover.give(ours)
        except (StoreError, SpoolError, *StoreFault) as error:
            _LOG.warning(line("files_stay", reason=said(error)))

    def _give_back(self, shards: frozenset[int]) -> None:
        self._give_away(shards & self._leaving)
        self._close_files(shards)
        self._leaving -= shards
        self._lost -= shards
        for shard in sorted(shards):
            try:
                self._locks.unlock(shard)
            except StoreError:  # the lock is gone with the connection
                return

    def _turn(self) -> None:
        while not self._questions.empty():
            self._asked.add(self._questions.get())
        try:
            if not self._locks.is_connected:
                self._connect()
            self._locks.set_hearing(is_hearing=self._hears())
            survey, now = self._locks.survey(), time.monotonic()
            self._answer(survey)
            self._balance(survey, now)
            self._handover.turn(self._held, now, has_others=self._shares.has_others)
            self._end_those_that_stand_still(survey, now)
        except (StoreError, SpoolError, *StoreFault) as error:
            self._report(said(error))
        else:
            self._report("")

    def _report(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self._post(LeaseFault(fault))

    def _connect(self) -> None:
        """Connect again, and lock again what was held, but not what the broker took from us meanwhile."""
        self._locks.connect()
        self._take_from = time.monotonic() + _AFTER_RESTART_S
        self._lost |= self._leaving
        lost = {shard for shard in self._held if shard in self._asked or not self._locks.try_lock(shard)}
        self._leave(lost, is_lost=True)

    def _answer(self, survey: LockSurvey) -> None:
        for shard in self._asked & self._held & survey.own:
            self._post(ShardVerified(shard))
        self._asked.clear()

    def _balance(self, survey: LockSurvey, now: float) -> None:
        self._shares.look(survey.members, survey.holders, now)
        self._leave(self._shares.surplus(self._held, self._busy(), now), is_lost=False)
        free, count = self._shares.choices(self._held, now)
        wanted = set(free) - self._leaving
        if count and wanted and now >= self._take_from:
            # In any order: others try now, too, and not all of them the same.
            self._take(random.sample(sorted(wanted), min(count, len(wanted))))

    def _end_those_that_stand_still(self, survey: LockSurvey, now: float) -> None:
        for process in self._standstill.look(survey.signs, now):
            _LOG.error(line("process_stands_still", process=process))
            self._locks.end(process)

    def _leave(self, shards: Collection[int], *, is_lost: bool) -> None:
        if shards:
            self._held -= set(shards)
            self._leaving |= set(shards)
            self._lost |= set(shards) if is_lost else set()
            _LOG.info(line("shards_left", shards=_text(shards), lost=is_lost, held=len(self._held)))
            self._post(ShardsLeft(frozenset(shards), is_lost))

    def _take(self, shards: Iterable[int]) -> None:
        taken: set[int] = set()
        try:
            taken.update(shard for shard in shards if self._lock(shard))
            unstored = self._handover.receive(taken)
            new = HeldShards(taken)
            waiting = (self._store.unanalysed(new), self._store.pending(new)) if taken else ([], [])
        except Exception:
            self._give_back(frozenset(self._files) - self._held - self._leaving)
            raise
        if taken:
            self._held |= taken
            _LOG.info(line("shards_taken", shards=_text(taken), held=len(self._held)))
            self._post(ShardsTaken(frozenset(taken), *waiting, unstored))

    def _lock(self, shard: int) -> bool:
        """Lock a shard, on this machine and for all; return False where somebody else holds it."""
        path = self._spool / f"shard-{shard:02}.lock"
        try:
            file = path.open("a")
        except OSError as error:
            raise SpoolError(f"{path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = self._locks.try_lock(shard)
        except OSError:
            is_ours = False
        except StoreError:
            file.close()
            raise
        if is_ours:
            self._files[shard] = file
        else:
            file.close()
        return is_ours

    def _close_files(self, shards: Iterable[int]) -> None:
        for shard in shards:
            if (file := self._files.pop(shard, None)) is not None:
                file.close()


def _text(shards: Iterable[int]) -> str:
    return ",".join(map(str, sorted(shards)))
