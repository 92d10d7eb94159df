"""Who is away: devices and workers by the states that the broker retains, and the broker itself.

What is away is told once it has been away for as long as a rule says, and once more when it is back. How long
is measured by a clock that no time server sets, from the start of this process at the earliest.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from edge_worker.database.site_state.clock_reading import uptime_s
from edge_worker.notify.notice_queue import NoticeQueue
from edge_worker.notify.occurrence import Kind, News, Occurrence
from edge_worker.notify.rule import Rule, Rules
from edge_worker.protocol import strict_json
from edge_worker.protocol.timestamp import rfc3339

BROKER: Final = "broker"
_HERE: Final = "here"
_MAX_BYTES: Final = 4096
_MAX_NAMES: Final = 10_000
_AWAY: Final[dict[str, News]] = {
    "off": "off",
    "lost": "lost",
    "degraded": "degraded",
    "offline": "offline",
    "unreachable": "unreachable",
}
_DEVICE_STATES: Final[dict[str, str]] = {
    "online": _HERE,
    "recording": _HERE,
    "offline": "off",
    "lost": "lost",
}
_WORKER_STATES: Final[dict[str, str]] = {"ready": _HERE, "degraded": "degraded", "offline": "offline"}
_OLD_NEWS: Final = ("off", "lost", "offline")
"""What is so when it is first seen may have been so for a year."""
_EVERYBODY: Final = "*"


@dataclass(slots=True)
class _Presence:
    state: str
    since: str
    """RFC 3339, for people."""
    boot: str = ""
    """Of the newest birth message of a device: the will of an earlier start says nothing."""
    reason: str = ""
    told: set[str] = field(default_factory=set)
    """Rules that told that it is away."""
    since_s: float = 0.0
    """Uptime."""


Told = tuple[Rule, Occurrence]


class Moment(NamedTuple):
    """A time, for people and for measuring."""

    at: str
    """RFC 3339."""
    uptime_s: float
    """By a clock that is never set."""

    @classmethod
    def now(cls) -> Self:
        """Return the present."""
        return cls(rfc3339(datetime.now(UTC)), uptime_s())


class PresenceWatch:
    """What is here and what is away, kept over restarts; all methods within a transaction of the queue."""

    def __init__(self, queue: NoticeQueue) -> None:
        """Read what was known when the last process ended."""
        self._connection: sqlite3.Connection = queue.connection
        found = self._connection.execute("SELECT kind, name, state, since, boot, reason, told FROM presence")
        self._known: dict[tuple[Kind, str], _Presence] = {
            (kind, name): _Presence(state, since, boot, reason, set(strict_json.read(told)), uptime_s())
            for kind, name, state, since, boot, reason, told in found
        }

    def on_device(self, name: str, payload: bytes, now: Moment, rules: Rules) -> list[Told]:
        """Take the state of a device; return who is told that it is back. Raises JsonError."""
        if not payload:
            self._forget("disconnected", name)
            return []
        document = strict_json.read_object(payload, _MAX_BYTES)
        state, boot = _DEVICE_STATES.get(str(document.get("state"))), str(document.get("boot") or "")[:64]
        known = self._known.get(("disconnected", name))
        is_stale = state == "lost" and known is not None and known.boot not in ("", boot)
        if state is None or is_stale:
            return []
        return self._set("disconnected", name, state, now, rules, boot=boot)

    def on_worker(self, name: str, payload: bytes, now: Moment, rules: Rules) -> list[Told]:
        """Take the state of a worker; return who is told that it is back. Raises JsonError."""
        if not payload:
            self._forget("worker", name)
            return []
        document = strict_json.read_object(payload, _MAX_BYTES)
        state = _WORKER_STATES.get(str(document.get("state")))
        if state is None:
            return []
        reason = str(document.get("reason") or "")
        return self._set("worker", name, state, now, rules, reason=reason)

    def on_broker(self, *, is_here: bool, now: Moment, rules: Rules) -> list[Told]:
        """Note that the broker can be reached, or not; return who is told that it is back."""
        known = self._known.get(("worker", BROKER))
        if is_here and known is not None and known.state != _HERE:
            for each in self._known.values():  # what was not heard of meanwhile says so now
                each.since_s = now.uptime_s
        return self._set("worker", BROKER, _HERE if is_here else "unreachable", now, rules)

    def overdue(self, rules: Rules, now: Moment) -> list[Told]:
        """Return who is told now that something is away."""
        broker = self._known.get(("worker", BROKER))
        is_blind = broker is not None and broker.state != _HERE
        found = []
        for (kind, name), known in self._known.items():
            if known.state == _HERE or _EVERYBODY in known.told or (is_blind and known is not broker):
                continue
            for rule in _watching(rules, kind, name, known):
                if now.uptime_s - known.since_s >= rule.after_s and rule.name not in known.told:
                    known.told.add(rule.name)
                    self._save(kind, name, known)
                    found.append((rule, _away(kind, name, known)))
        return found

    def _set(
        self, kind: Kind, name: str, state: str, now: Moment, rules: Rules,
        *, boot: str = "", reason: str = "",
    ) -> list[Told]:  # fmt: skip
        known = self._known.get((kind, name))
        if known is None:
            if len(self._known) >= _MAX_NAMES:
                return []
            told = {_EVERYBODY} if state in _OLD_NEWS else set()
            known = self._known[kind, name] = _Presence(state, now.at, boot, reason, told, now.uptime_s)
            self._save(kind, name, known)
            return []
        if boot and state == _HERE:
            known.boot = boot
        if state == known.state:
            if (boot and state == _HERE) or reason != known.reason:
                known.reason = reason
                self._save(kind, name, known)
            return []
        told, before = known.told, known.since
        known.state, known.since, known.reason, known.since_s = state, now.at, reason, now.uptime_s
        if state == _HERE or kind == "worker":
            known.told = set()
        self._save(kind, name, known)
        if state != _HERE:
            return []
        return [
            (rule, _back(kind, name, known, before))
            for rule in _watching(rules, kind, name, known)
            if rule.name in told
        ]

    def _save(self, kind: Kind, name: str, known: _Presence) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO presence VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                kind,
                name,
                known.state,
                known.since,
                known.boot,
                known.reason,
                strict_json.write(sorted(known.told)),
            ),
        )

    def _forget(self, kind: Kind, name: str) -> None:
        """Forget a device or worker whose retained state was cleared."""
        self._known.pop((kind, name), None)
        self._connection.execute("DELETE FROM presence WHERE kind = ? AND name = ?", (kind, name))


def _watching(rules: Rules, kind: Kind, name: str, known: _Presence) -> Iterator[Rule]:
    """Yield the rules that tell of this; a broker that is away concerns every rule about workers."""
    is_broker = known.state == "unreachable" or (kind, name) == ("worker", BROKER)
    return (rule for rule in rules.rules if rule.on == kind and (is_broker or rule.covers(name)))


def _away(kind: Kind, name: str, known: _Presence) -> Occurrence:
    news = _AWAY[known.state]
    key = f"{kind}/{name}/{news}/{known.since}"
    return Occurrence(kind, news, name, key, known.since, "finding", text=known.reason)


def _back(kind: Kind, name: str, known: _Presence, since: str) -> Occurrence:
    news: News = "reachable" if (kind, name) == ("worker", BROKER) else "back"
    return Occurrence(kind, news, name, f"{kind}/{name}/back/{since}", known.since, "none")
