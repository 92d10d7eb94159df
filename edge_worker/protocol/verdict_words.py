"""Words and symbols of a verdict, the same on every screen, in every report and message.

Some are in messages: `docs/protocol.md` § Result. Colour is never the only sign: a verdict has a symbol and
words as well.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from edge_worker.protocol.meaning import Severity, Texts, text_in

Name = Callable[[str, str], str]
"""Returns the name for people of a model's label."""

SYMBOLS: Final[dict[Severity, str]] = {"finding": "!", "none": "✓", "unknown": "?"}
SEVERITIES: Final[dict[Severity, Texts]] = {
    "finding": {"en": "Needs attention", "de": "Bitte beachten"},
    "none": {"en": "No finding", "de": "Kein Befund"},
    "unknown": {"en": "Cannot tell", "de": "Nicht zu erkennen"},
}
FAILED: Final[Texts] = {"en": "Analysis failed", "de": "Auswertung fehlgeschlagen"}
DISAGREE: Final[Texts] = {"en": "The models disagree", "de": "Die Modelle sind uneins"}
CORRECTED: Final[Texts] = {"en": "Corrected by a reviewer to", "de": "Bei der Durchsicht berichtigt zu"}
SHORT_DISAGREE: Final[Texts] = {"en": "models disagree", "de": "Modelle uneins"}
"""For a display of a device: at most 21 characters."""


def headline(result: Mapping[str, Any], name: Name, language: str) -> str:
    """Return the answer of a result as published, in a few words."""
    verdict = result["verdict"]
    if verdict["label"] is not None:
        return name(verdict["model"], verdict["label"])
    return text_in(FAILED if result["status"] == "error" else SEVERITIES["unknown"], language)


def disagreement(result: Mapping[str, Any], name: Name, language: str) -> str | None:
    """Return which answers of the models contradict each other; None: none do."""
    models = set(result["verdict"]["disagree"])
    names = [name(each["model"], each["label"]) for each in result["models"] if each["model"] in models]
    return f"{text_in(DISAGREE, language)}: {_listed(names)}" if names else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
