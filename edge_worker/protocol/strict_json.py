"""JSON as RFC 8259 defines it: the one reader of texts of others, the one writer of what leaves a process.

Python's own reader accepts NaN, infinite numbers, numbers of any length and lone surrogates, and its writer
writes them again: a browser or a FHIR server then refuses the whole document. Normative:
`docs/protocol.md` § JSON.
"""

import json
import math
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 16
"""Objects and lists within each other; ours have at most six."""
_MAX_DIGITS: Final = 20
"""Characters of a whole number: those of a 64-bit one."""

Document = dict[str, Any]


class JsonError(ValueError):
    """A text of others is not JSON, or not such JSON as every reader takes."""


def read(text: bytes | str) -> Any:  # noqa: ANN401 - JSON is what it is
    """Return the value in a text of others, UTF-8; every number is finite and every text can be encoded.

    Raises:
        JsonError: it is not JSON, nested deeper than `MAX_DEPTH`, or has a number beyond 64 bits.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        value = json.loads(decoded, parse_constant=_refuse, parse_float=_float, parse_int=_int)
        _check(value, MAX_DEPTH)
    except (ValueError, RecursionError) as error:
        raise JsonError(f"this is no JSON: {error}") from None
    return value


def read_object(text: bytes | str, max_bytes: int) -> Document:
    """Return the object in a text of others that has at most `max_bytes`.

    Raises:
        JsonError: it is larger, no object, or refused by `read`.
    """
    if len(text) > max_bytes:
        raise JsonError(f"this has {len(text)} bytes; {max_bytes} are accepted")
    value = read(text)
    if not isinstance(value, dict):
        raise JsonError("this is no JSON object")
    return value


def write(value: object, *, indent: int | None = None) -> str:
    """Return `value` as JSON that every reader takes, compact unless it is indented.

    A number that JSON does not know becomes null, and half of a surrogate pair U+FFFD: a document with one
    bad value is still of use, one that nobody can read is not.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, indent=indent, separators=separators)
        text.encode()
    except ValueError:
        return write(_repaired(value), indent=indent)
    return text


def rewrite(text: str) -> str:
    """Return a document of ours that an earlier version may have written, as `write` writes it today."""
    is_suspect = any(word in text for word in ("NaN", "Infinity", "\\ud", "\\uD"))
    return write(json.loads(text)) if is_suspect else text


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text[:_MAX_DIGITS])


def _int(text: str) -> int:
    return int(text) if len(text) <= _MAX_DIGITS else _refuse(text[:_MAX_DIGITS])


def _check(value: object, depth: int) -> None:
    """Raise ValueError where a text has a lone surrogate, or `value` is nested more than `depth` deep."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list):
        if depth == 0:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
        for each in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(each, depth - 1)


def _repaired(value: object) -> object:
    """Return `value` without what makes JSON unreadable."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_repaired(key): _repaired(each) for key, each in value.items()}
    return [_repaired(each) for each in value] if isinstance(value, list | tuple) else value
