"""Pacing: how often at most a rule tells something, what waits, and what sums up what waited.

At most so many in a time; then the rest of that time is summed up in one message. What has not been told in
that time is told nevertheless: an alarm is not held back because the door bell rang often.
"""

from collections import Counter
from datetime import datetime
from itertools import groupby
from typing import Final

from edge_worker.notify.notice_queue import Held, NoticeQueue
from edge_worker.notify.occurrence import Occurrence, Part
from edge_worker.notify.rule import Rule, Rules
from edge_worker.protocol.meaning import Severity

_ORDER: Final[tuple[Severity, ...]] = ("finding", "unknown", "none")
_MAX_PARTS: Final = 20


def is_free(queue: NoticeQueue, rules: Rules, rule: Rule, occurrence: Occurrence, now: float) -> bool:
    """Return whether a rule may tell something at once."""
    if rule.is_quiet(occurrence.severity, datetime.fromtimestamp(now, rules.zone)):
        return False
    told = queue.told_since(rule.name, now - rule.within_s, now)
    return len(told) < rule.at_most or occurrence.sort not in told


def release(queue: NoticeQueue, rules: Rules, now: float) -> int:
    """Tell what waited long enough, several of a rule in one message; return how many messages."""
    local = datetime.fromtimestamp(now, rules.zone)
    count = 0
    for rule in rules.rules:
        ready = [each for each in queue.held(rule.name) if not rule.is_quiet(each.occurrence.severity, local)]
        if not ready or not _may_sum_up(queue, rule, ready[0], now):
            continue
        _tell(queue, rule, ready, now)
        count += 1
    return count


def _may_sum_up(queue: NoticeQueue, rule: Rule, first: Held, now: float) -> bool:
    """Return whether there is room for a message again, or the first has waited for as long as it had to."""
    has_waited = not 0 <= now - first.made < rule.within_s
    return has_waited or len(queue.told_since(rule.name, now - rule.within_s, now)) == 0


def _tell(queue: NoticeQueue, rule: Rule, ready: list[Held], now: float) -> None:
    if len(ready) == 1:
        queue.tell(ready[0].id, rule.send_to, now)
        return
    summary = queue.add(rule.name, _summary(rule, ready), now)
    if summary is not None:
        queue.tell(summary, rule.send_to, now)
        queue.sum_up([each.id for each in ready], summary)
        queue.count("summed_up", len(ready))


def _summary(rule: Rule, ready: list[Held]) -> Occurrence:
    occurrences = [each.occurrence for each in ready]
    times = sorted(each.at for each in occurrences)
    kinds = Counter((each.news, each.name, each.text) for each in occurrences)
    parts = [Part(*kind, count) for kind, count in kinds.most_common(_MAX_PARTS)]
    rest = len(occurrences) - sum(part.times for part in parts)
    devices = [name for name, _ in groupby(sorted(each.name for each in occurrences))]
    return Occurrence(
        rule.on,
        "summary",
        ", ".join(devices[:_MAX_PARTS]),
        f"summary/{ready[0].id}",
        times[0],
        min((each.severity for each in occurrences), key=_ORDER.index),
        parts=(*parts, *([Part("summary", "", "…", rest)] if rest else [])),
        until=times[-1],
    )
