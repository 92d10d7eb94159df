"""META at the door: what is kept, what is left out, and that no JSON raises anything but a rejection."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_worker.errors import ChunkError
from edge_worker.protocol import control
from edge_worker.protocol.meta import ignored_fields, parse_meta, parse_stored_meta

HUGE = "1" + "0" * 400
KNOWN = (
    *("captured_at", "models", "site", "exam", "amplification", "boot", "uptime_ms", "gain_db", "cut_off"),
    "battery_percent",
)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *(("exam", text) for text in ('"Visit 7"', '""', f'"{"a" * 33}"', "7", '"../x"', '"a/b"', '"#"')),
        *(("captured_at", text) for text in ('"yesterday"', '"2026-11-20T17:20:01"', "5", "[]", "true")),
        *(("captured_at", text) for text in ('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"')),
        *(("models", text) for text in ('"heart5"', "[1]", '[""]', '["a\\u0000"]', f"{list('abcdefghi')}")),
        *(("site", text) for text in ("5", f'"{"x" * 17}"', '"\\ud800"', '"a\\nb"', '"\\u202eVA"', "{}")),
        *(("subject", text) for text in ('""', '"Schmidt-1987"', '"a b1"', '"a@b1"', '"1987-03-12"', '"x"')),
        *(("file_name", text) for text in ("5", f'"{"x" * 121}"', '"a\\nb"', '"\\u202efdp.wav"', "[]")),
        *(("amplification", text) for text in ("0", "101", HUGE, f"-{HUGE}", "1e999", "NaN", '"5"', "true")),
        *(("gain_db", text) for text in (HUGE, "NaN", "-1e999", '"x"', "1e300")),
        *(("cut_off", text) for text in ("1", '"true"', "[]")),
        *(("battery_percent", text) for text in ("-1", "101", "true", '"50"', "NaN", HUGE)),
        *(("uptime_ms", text) for text in ("-1", '"x"', HUGE)),
        *(("boot", text) for text in ('["x"]', "7", f'"{"x" * 33}"')),
        *(("x", text) for text in (HUGE, "NaN", "[" * 9 + "]" * 9, '"\\ud800"', '{"\\udc00":1}', '[1e999]')),
    ],
)  # fmt: skip
def test_a_field_that_is_not_of_its_form_is_left_out_and_the_others_count(field: str, wrong: str) -> None:
    text = wrong.replace("'", '"')
    meta = parse_meta(f'{{"{field}":{text},"note":"kept"}}'.encode(), 1)
    assert meta == {"note": "kept", "ignored_meta": [field]}


def test_fields_of_their_form_and_unknown_keys_are_kept() -> None:
    document = {
        "captured_at": "2026-11-20T17:20:01.123Z", "models": ["heart5"], "site": "\N{GRINNING FACE}",
        "exam": "visit-7", "amplification": 2.5, "boot": "9f3a12cd", "uptime_ms": 2**53, "gain_db": -3,
        "cut_off": True, "battery_percent": 0,
        "unknown": {"a": [[[[1, None, True, "x\n"]]]]},
    }  # fmt: skip
    assert parse_meta(json.dumps(document).encode(), 1) == document
    assert parse_meta(json.dumps(dict.fromkeys((*KNOWN, "x"))).encode(), 1) == {"x": None}


def test_a_device_cannot_say_itself_what_was_left_out() -> None:
    assert parse_meta(b'{"ignored_meta":{"a":1}}', 1) == {}


@pytest.mark.parametrize("name", ["k\n", "k" * 33, "\N{GRINNING FACE}"])
def test_a_name_that_cannot_be_told_is_a_question_mark(name: str) -> None:
    assert ignored_fields(parse_meta(json.dumps({name: float("nan")}).encode(), 1)) == ("?",)


def test_what_was_left_out_fits_into_a_control_message() -> None:
    body = b"{%s}" % b",".join(b'"%s%02d":NaN' % (b"k" * 30, number) for number in range(99))
    fields = ignored_fields(parse_meta(body, 1))
    assert len(fields) == 8
    assert len(json.dumps(control.ignored("f" * 16, fields))) <= 1024


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff\xfe", b"[" * 4000, b'{"a":' * 600, b"9" * 4096, b'"x"'])
def test_what_is_no_object_is_rejected_and_forgiven_in_files(body: bytes) -> None:
    with pytest.raises(ChunkError, match="meta"):
        parse_meta(body, 1)
    assert parse_stored_meta(body, 1) == {}


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(10**400)
    | st.just("\ud800"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(), _VALUES))
def test_whatever_json_it_is_meta_is_kept_as_strict_json_or_rejected(document: dict[str, Any]) -> None:
    with contextlib.suppress(ChunkError):
        meta = parse_meta(json.dumps(document).encode(), 1)
        assert json.loads(json.dumps(meta, allow_nan=False, ensure_ascii=False).encode()) == meta
        assert set(meta) - {"ignored_meta"} <= set(document)
