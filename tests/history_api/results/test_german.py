"""German sentences of reports: each that the program says has one, with the same values in it."""

import ast
import re
from pathlib import Path

import pytest

from edge_worker.protocol.exam_position import POSITION_REASONS
from history_api.results.german import SENTENCES
from history_api.results.translation import Say

API = Path(__file__).parents[3] / "history_api"
SAID = ("say", "field")
"""Functions whose first text is said in the language of the report."""
_VALUE = re.compile(r"{(\w+)}")


def said_in(path: Path) -> set[str]:
    """Return the texts that a module says."""
    texts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in SAID:
            constants = (each for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant))
            texts |= {each.value for each in constants if isinstance(each.value, str) and each.value.strip()}
    return texts


@pytest.mark.parametrize(
    "path", [*(API / "reports").glob("*.py"), *(API / "results").glob("*_words.py")], ids=str
)
def test_what_a_report_says_has_a_german_sentence(path: Path) -> None:
    keys = {"first_captured_at", "last_captured_at", "version", "model", "name", "review"}
    assert said_in(path) - keys <= set(SENTENCES) | {""}


def test_what_the_page_of_agreement_says_has_a_german_sentence() -> None:
    page = (API / "dashboard" / "templates" / "agreement.html").read_text(encoding="utf-8")
    columns = re.findall(r'"([^"]+)"', page.partition("set columns = ")[2].partition("%}")[0])
    said = {*re.findall(r'\bsay\("([^"]+)"', page), *columns, "Month", "Week"}
    assert {"not that", "Could not tell"} <= said <= set(SENTENCES)


def test_each_hint_of_a_position_has_a_german_sentence() -> None:
    assert set(POSITION_REASONS.values()) <= set(SENTENCES)


def test_a_translation_has_the_values_of_its_sentence() -> None:
    for english, german in SENTENCES.items():
        assert set(_VALUE.findall(english)) == set(_VALUE.findall(german)), english


def test_what_is_not_translated_stays_english() -> None:
    assert Say("de")("nothing like it") == "nothing like it"
    assert Say("de")("page {number} of {pages}", number=1, pages=2) == "Seite 1 von 2"
    assert Say("fr")("not yet") == "not yet"
