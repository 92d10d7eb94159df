"""Log lines: no text from outside breaks one, forges one, or controls a terminal."""

import json
import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.telemetry.logfmt import Formatter, line

PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^\s"]+)(?: |$)')


def read(text: str) -> dict[str, str]:
    """Return the pairs of a line, as any reader of logfmt does; the whole line must be pairs."""
    pairs = PAIR.findall(text)
    assert "".join(match.group(0) for match in PAIR.finditer(text)) == text
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


def test_plain_values_are_written_bare() -> None:
    assert (
        line("result", device="st-01", samples=176400, heart5="normal:0.985", bpm=None, path="/a/b")
        == "event=result device=st-01 samples=176400 heart5=normal:0.985 bpm=- path=/a/b"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "two words",
        "a=b",
        '"',
        "'",
        "\\",
        'x" event=forged y="',
        "x\nevent=forged",
        "x\r\nevent=forged",
        "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029event=forged",
        "\x1b[2J\x07\x7f\x9b",
        "\u202eecho\u202c",
        "\ud800",
        "%s %(levelname)s {0}",
        "Müller",
    ],
)
def test_hostile_text_stays_inside_its_value(hostile: str) -> None:
    text = line("request", path=hostile, status=200)
    assert read(text) == {"event": "request", "path": hostile, "status": "200"}
    assert all(" " <= character <= "~" for character in text)


@settings(max_examples=200)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(), max_size=4))
def test_every_line_is_parsed_back(facts: dict[str, str]) -> None:
    text = line("any", **facts)
    assert read(text) == {"event": "any"} | facts or "event" in facts
    assert len(text.splitlines()) == 1


def test_a_key_from_a_file_name_cannot_break_the_line() -> None:
    assert line("result", **{'he art="\n5': "normal"}) == "event=result he_art___5=normal"


def test_a_huge_value_is_cut_off() -> None:
    assert len(line("request", path="a" * 1_000_000)) < 1100


def test_a_traceback_and_a_foreign_record_cannot_forge_a_line() -> None:
    try:
        compile("x\nevent=forged\u2028event=forged", "<a\nevent=forged>", "exec")
    except SyntaxError as error:
        facts = (type(error), error, error.__traceback__)
    record = logging.LogRecord("foreign", logging.ERROR, "", 0, "said\r\nevent=%s", ("forged",), facts)
    first, *others = Formatter().format(record).splitlines()
    assert first.endswith("level=ERROR said")
    assert len(others) > 3
    assert all(other.startswith("\t") for other in others)
