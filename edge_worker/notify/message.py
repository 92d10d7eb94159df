"""Words of a notification: title, text and named values, in the language of the site."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import urlencode

from edge_worker.notify.occurrence import News, Occurrence, Part
from edge_worker.protocol.meaning import Severity, Texts, text_in
from edge_worker.protocol.verdict_words import DISAGREE, SEVERITIES, SYMBOLS

_LATE_S: Final = 120.0
_TITLES: Final[Mapping[News, Texts]] = {
    "off": {"en": "{name} was switched off", "de": "{name} wurde ausgeschaltet"},
    "lost": {"en": "{name} lost its connection", "de": "{name} hat keine Verbindung mehr"},
    "degraded": {"en": "{name} reports a fault", "de": "{name} meldet eine Störung"},
    "offline": {"en": "{name} is away", "de": "{name} ist nicht erreichbar"},
    "unreachable": {"en": "The broker cannot be reached", "de": "Der Broker ist nicht erreichbar"},
    "back": {"en": "{name} is back", "de": "{name} ist wieder da"},
    "reachable": {"en": "The broker is back", "de": "Der Broker ist wieder da"},
    "test": {"en": "Test of the rule “{name}”", "de": "Test der Regel „{name}“"},
    "summary": {"en": "{count} more: {parts}", "de": "{count} weitere: {parts}"},
}
_BODIES: Final[Mapping[News, Texts]] = {
    "off": {"en": "Nothing is heard there now.", "de": "Dort wird jetzt nichts gehört."},
    "lost": {"en": "Nothing is heard there now.", "de": "Dort wird jetzt nichts gehört."},
    "offline": {"en": "No sound is recognised now.", "de": "Zurzeit wird kein Geräusch erkannt."},
    "unreachable": {"en": "No sound is recognised now.", "de": "Zurzeit wird kein Geräusch erkannt."},
    "test": {"en": "Messages of this rule arrive here.", "de": "Meldungen dieser Regel kommen hier an."},
}
_SINCE: Final[Texts] = {"en": "Since {at}", "de": "Seit {at}"}
_SPAN: Final[Texts] = {"en": "From {at} to {until}", "de": "Von {at} bis {until}"}
_LATE: Final[Texts] = {"en": "This message comes late.", "de": "Diese Meldung kommt verspätet."}
_HONEST: Final[Texts] = {
    "en": "Research and education, not a medical device.",
    "de": "Für Forschung und Lehre, kein Medizinprodukt.",
}
_LONGEST: Final = 200
"""Characters of a name or reason; a title has to fit on the lock screen of a phone."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver gets."""

    title: str
    body: str
    severity: Severity
    link: str
    """To the page of the recording; empty where there is none, or no address is set."""
    details: Mapping[str, str]
    """Named values, for programs."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes messages for people: their language, their clock, the address of their dashboard."""

    language: str
    zone: tzinfo = UTC
    public_url: str = ""

    def write(self, occurrence: Occurrence, rule: str, now: datetime) -> Message:
        """Return the message of an occurrence that a rule tells at `now` (aware)."""
        link = self._link(occurrence)
        # The broker's time of a recording that was kept somewhere says so by its date alone.
        is_late = (now - _moment(occurrence.until or occurrence.at)).total_seconds() > _LATE_S
        lines = [
            *self._facts(occurrence),
            self._when(occurrence, now),
            *([text_in(_LATE, self.language)] if is_late and occurrence.news != "summary" else []),
            *([link] if link else []),
            text_in(_HONEST, self.language),
        ]
        title = self.title(occurrence)
        return Message(
            title, "\n".join(lines), occurrence.severity, link, self._details(occurrence, rule, title, link)
        )

    def title(self, occurrence: Occurrence) -> str:
        """Return the title of the message of an occurrence."""
        if occurrence.news == "heard":
            said = occurrence.text or text_in(SEVERITIES["unknown"], self.language)
            return f"{SYMBOLS[occurrence.severity]} {said[:_LONGEST]} – {occurrence.name}"
        count = sum(part.times for part in occurrence.parts)
        parts = ", ".join(map(self._part, occurrence.parts))[:_LONGEST]
        words = text_in(_TITLES[occurrence.news], self.language)
        return words.format(name=occurrence.name[:_LONGEST], count=count, parts=parts)

    def _part(self, part: Part) -> str:
        """Return what a summary sums up, and how often it was."""
        often = f" ×{part.times}" if part.times > 1 else ""
        if part.news == "summary":
            return f"{part.text}{often}"
        if part.news != "heard":
            return text_in(_TITLES[part.news], self.language).format(name=part.name) + often
        return f"{part.text or text_in(SEVERITIES['unknown'], self.language)} ({part.name}){often}"

    def _facts(self, occurrence: Occurrence) -> list[str]:
        if occurrence.news == "heard":
            sure = f" ({occurrence.confidence * 100:.0f} %)" if occurrence.confidence is not None else ""
            disagree = [text_in(DISAGREE, self.language)] if occurrence.disagrees else []
            return [text_in(SEVERITIES[occurrence.severity], self.language) + sure, *disagree]
        if occurrence.news == "degraded":
            return [occurrence.text[:_LONGEST]] if occurrence.text else []
        return [text_in(_BODIES[occurrence.news], self.language)] if occurrence.news in _BODIES else []

    def _when(self, occurrence: Occurrence, now: datetime) -> str:
        at = self._time(occurrence.at, now)
        if occurrence.until:
            return text_in(_SPAN, self.language).format(at=at, until=self._time(occurrence.until, now))
        is_lasting = occurrence.news in ("off", "lost", "degraded", "offline", "unreachable")
        return text_in(_SINCE, self.language).format(at=at) if is_lasting else at

    def _time(self, at: str, now: datetime) -> str:
        local = _moment(at).astimezone(self.zone)
        is_today = local.date() == now.astimezone(self.zone).date()
        return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M:%S}"

    def _link(self, occurrence: Occurrence) -> str:
        if not self.public_url or not occurrence.recording:
            return ""
        query = urlencode({"device": occurrence.name})
        return f"{self.public_url.rstrip('/')}/ui/recordings/{occurrence.recording}?{query}"

    def _details(self, occurrence: Occurrence, rule: str, title: str, link: str) -> dict[str, str]:
        """Return what a program reads; what there is not is left out."""
        values = {
            "rule": rule,
            "event": occurrence.news,
            "id": occurrence.key,
            "name": occurrence.name,
            "label": occurrence.label or "",
            "severity": occurrence.severity,
            "text": occurrence.text or title,
            "at": occurrence.at,
            "recording_id": occurrence.recording,
            "link": link,
        }
        return {name: value for name, value in values.items() if value}


def _moment(at: str) -> datetime:
    try:
        return datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, OverflowError):  # a time of the device's that nobody can read
        return datetime.now(UTC)
