"""A rule: of what people are told, where, and how often at most."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase

from edge_worker.notify.occurrence import Kind, Occurrence
from edge_worker.notify.quiet_hours import QuietHours
from edge_worker.protocol.meaning import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]` of the file of rules; `docs/notifications.md` says what each key means."""

    name: str
    on: Kind
    send_to: tuple[str, ...]
    """Names of receivers."""
    devices: tuple[str, ...] = ()
    """Patterns such as `room-*`; empty: all. For `worker`: ids of workers."""
    labels: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    after_s: float = 60.0
    """How long something must be away."""
    at_most: int = 6
    within_min: float = 10.0
    quiet_hours: QuietHours | None = None
    despite_quiet_hours: tuple[Severity, ...] = ()

    @property
    def within_s(self) -> float:
        """The time in which at most so many are sent, seconds."""
        return self.within_min * 60

    def matches(self, occurrence: Occurrence) -> bool:
        """Return whether the rule tells this."""
        if occurrence.kind != self.on or not self.covers(occurrence.name):
            return False
        if self.on != "sound":
            return True
        if self.labels and occurrence.label not in self.labels:
            return False
        severities = self.severities or (() if self.labels else ("finding",))
        return not severities or occurrence.severity in severities

    def covers(self, name: str) -> bool:
        """Return whether the rule is for this device, or worker."""
        return not self.devices or any(fnmatchcase(name, pattern) for pattern in self.devices)

    def is_quiet(self, severity: Severity, now: datetime) -> bool:
        """Return whether something so serious waits for the end of the quiet hours; `now` is local."""
        if self.quiet_hours is None or severity in self.despite_quiet_hours:
            return False
        return self.quiet_hours.contain(now)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a file of rules says."""

    rules: tuple[Rule, ...]
    receivers: Mapping[str, str] = field(repr=False)
    """Addresses by name. They contain passwords: they are in no log, no error, no page."""
    zone: tzinfo = UTC
    give_up_s: float = 86_400.0
    """Age at which a message that no receiver takes is given up."""

    def named(self, name: str) -> Rule | None:
        """Return a rule, None where there is none of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)
