"""Meaning of a label for people: its name, an explanation, how serious it is, and its codes.

From the entry of the label in the model card (`meanings`); texts are by language. Severity and name are in
the result: `docs/protocol.md` § Result.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, get_args

Severity = Literal["finding", "none", "unknown"]
"""`finding`: somebody should look or act. `none`: nothing of that kind. `unknown`: it cannot be told."""
Hears = Literal["heart", "sound"]
"""What a model is for: heart sounds, which need a detected heartbeat, or any sound."""
Texts = Mapping[str, str]
"""One text by language."""

LANGUAGES: Final = ("en", "de")
"""Languages that people may choose; the first one is that of a text without a translation."""
_ASCII: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "’": "'"}
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label means."""

    severity: Severity = "unknown"
    names: Texts = field(default_factory=dict)
    explanations: Texts = field(default_factory=dict)
    codes: tuple[Mapping[str, str], ...] = ()
    """Of a terminology, each with `system`, `code`, `display` and the `source` that it was taken from."""

    @classmethod
    def parse(cls, entry: Any) -> Self:  # noqa: ANN401 - any JSON that a card holds
        """Return the meaning in an entry of a card; raises ValueError, KeyError or TypeError."""
        if entry["severity"] not in get_args(Severity):
            raise ValueError(f"it needs a severity: {', '.join(get_args(Severity))}")
        codes = entry.get("codes", [])
        for code in codes:
            _check(code, "system", "code", "display", "source")
        names, explanations = entry["name"], entry.get("explanation", {})
        _check(names, LANGUAGES[0])
        _check(explanations)
        return cls(entry["severity"], names, explanations, tuple(codes))

    def name(self, label: str, language: str) -> str:
        """Return the name in a language; that of `label` itself where it has none."""
        return text_in(self.names, language) or plain(label)


UNKNOWN: Final = Meaning()
"""Of a label that no card explains."""


def text_in(texts: Texts, language: str) -> str:
    """Return the text in a language, in the first of `LANGUAGES` where it is not translated; else nothing."""
    return texts.get(language) or texts.get(LANGUAGES[0], "")


def plain(label: str) -> str:
    """Return a label that has no name as words: `car_horn` as `Car horn`."""
    words = label.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def ascii_text(text: str, characters: int) -> str:
    """Return a text for a display that has ASCII alone: `Herzgeräusch` as `Herzgeraeusch`, cut to fit."""
    spelt = unicodedata.normalize("NFKD", text.translate(_ASCII))
    shown = "".join(letter for letter in spelt if letter.isascii() and letter.isprintable())
    return shown[:characters].rstrip()


def _check(texts: Any, *names: str) -> None:  # noqa: ANN401 - any JSON that a card holds
    is_texts = isinstance(texts, dict) and all(isinstance(each, str) and each for each in texts.values())
    if not is_texts or not set(names) <= set(texts):
        raise ValueError("it needs meanings whose texts are there, and not empty")
