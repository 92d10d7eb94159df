"""Sentences of reports in the language of the reader; where there is no translation, they stay English."""

from collections.abc import Mapping
from typing import Final

from history_api.results import german

_TABLES: Final[Mapping[str, Mapping[str, str]]] = {"de": german.SENTENCES}


class Say:
    """Says in one language what the program says in English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._table = _TABLES.get(language, {})

    def __call__(self, english: str, **values: object) -> str:
        """Return a sentence in the language, with `{values}` put in."""
        text = self._table.get(english, english)
        return text.format(**values) if values else text


ENGLISH: Final = Say("en")
