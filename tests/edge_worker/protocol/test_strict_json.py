"""Strict JSON: what the reader refuses, and what the writer never writes."""

import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_worker.protocol.strict_json import MAX_DEPTH, JsonError, read, read_object, rewrite, write


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 400 + b"}",
        b'{"a":-' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b"[" * 60_000,
        b'{"a":' * 600 + b"1" + b"}" * 600,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"\xff\xfe\x00",
        '{"a":1}'.encode("utf-16"),
        b"online",
        b"",
        b"{",
    ],
)
def test_what_other_readers_refuse_is_refused(text: bytes) -> None:
    with pytest.raises(JsonError, match="no JSON"):
        read(text)


def test_what_every_reader_takes_is_taken() -> None:
    assert read(b'{"a":[1,2.5,-3e2,true,null,"\\ud83d\\ude00 \\u0000"]}') == {
        "a": [1, 2.5, -300.0, True, None, "😀 \0"]
    }
    assert read(str(2**64 - 1)) == 2**64 - 1
    assert read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize("text", [b"[1]", b"5", b'"online"', b"null"])
def test_a_document_is_an_object(text: bytes) -> None:
    with pytest.raises(JsonError, match="object"):
        read_object(text, 100)


def test_a_document_that_is_too_long_is_not_even_parsed() -> None:
    with pytest.raises(JsonError, match="101 bytes"):
        read_object(b'{"a":"' + b"x" * 95, 100)


def refuse(name: str) -> None:
    raise AssertionError(name)


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_is_written_every_reader_takes(value: object) -> None:
    text = write(value)
    text.encode()
    json.loads(text, parse_constant=refuse)
    assert write(json.loads(text)) == text


def test_a_number_that_json_does_not_know_becomes_null_and_the_rest_stays() -> None:
    document = {"a": float("nan"), "b": [1.5, float("-inf")], "c": ("\ud800x", "😀"), "d": 1}
    assert write(document) == '{"a":null,"b":[1.5,null],"c":["\ufffdx","😀"],"d":1}'
    assert write({"a": [1]}, indent=1) == '{\n "a": [\n  1\n ]\n}'


def test_a_document_of_an_earlier_version_is_read_as_todays_are_written() -> None:
    assert rewrite('{"v":1, "heart_rate_bpm":NaN}') == '{"v":1,"heart_rate_bpm":null}'
    assert rewrite('{"a":"\\ud800"}') == '{"a":"\ufffd"}'
    untouched = '{"label": "normal"}'
    assert rewrite(untouched) is untouched
