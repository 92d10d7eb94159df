"""META of a recording: the JSON object in the body of a META chunk, checked.

Travels like audio: device to worker on `stetho/v1/device/{device}/up/pcm`, QoS 1, not retained.
Normative: `docs/protocol.md` § Chunk.

Everything behind this door may rely on it: what is kept is bounded, finite and valid JSON.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from edge_worker.errors import ChunkError
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.protocol.topics import EXAM_ID

IGNORED: Final = "ignored_meta"
"""Key of the names of fields that were left out, in META as it is kept."""
MAX_IGNORED: Final = 8
"""Names in that list."""
_MAX_IGNORED_NAME: Final = 32
"""Characters."""
MAX_MODELS: Final = 8
MAX_MODEL_NAME: Final = 32
"""Characters."""
MAX_SITE: Final = 16
"""Characters."""
MAX_FILE_NAME: Final = 120
"""Characters."""
MAX_AMPLIFICATION: Final = 100
MAX_DEPTH: Final = 8
"""Levels of lists and objects in the value of a key."""
MAX_NUMBER: Final = 2**53
"""Magnitude: up to here, every reader of JSON has the same whole numbers."""
MAX_SUBJECT: Final = 40
"""Characters: a UUID, and a prefix."""
_SUBJECT: Final = re.compile(rf"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_SUBJECT - 1}}}")
"""At least one digit: names have none."""
_DATE: Final = re.compile(
    r"(?<![0-9])([0-9]{4}[._-][0-9]{1,2}[._-][0-9]{1,2}|[0-9]{1,2}[._-][0-9]{1,2}[._-][0-9]{4})(?![0-9])"
)
_NAME: Final = re.compile(r"(?<![A-Za-z])[A-Z][a-z]{2,}(?![A-Za-z])")
_WORDS: Final = {"Animal", "Case", "Patient", "Person", "Proband", "Study", "Subject", "Test"}
"""Capitalised words that are no names."""
SUBJECT_RULE: Final = (
    f"a pseudonym such as P-0042: 1 to {MAX_SUBJECT} of letters, digits and . _ -, with a digit; never a "
    "name, an address or a date of birth"
)
_MAX_NAME: Final = 64
"""Characters of a key."""
_MAX_BOOT: Final = 32
"""Characters."""
_MAX_GAIN_DB: Final = 200
_YEARS: Final = range(1970, 2200)


def parse_meta(body: bytes, recording_id: int) -> dict[str, Any]:
    """Return the META object in `body`; `captured_at` in UTC.

    A field that is not of its form is left out, and named in the list `ignored_meta`: the others count.

    Raises:
        ChunkError: reason `meta`, when the body is no JSON object.
    """
    try:
        meta = json.loads(body)
    except (ValueError, RecursionError):
        raise ChunkError("meta", "the body is not JSON", recording_id) from None
    if not isinstance(meta, dict):
        raise ChunkError("meta", "the body is not a JSON object", recording_id)
    # Only the worker says what was left out; null is as good as absent.
    meta = {
        name: value
        for name, value in meta.items()
        if name != IGNORED and not (value is None and name in _RULES)
    }
    kept = {name: value for name, value in meta.items() if _is_kept(name, value)}
    if "captured_at" in kept:
        kept["captured_at"] = rfc3339(datetime.fromisoformat(kept["captured_at"]))
    ignored = {_named(name) for name in meta if name not in kept}
    return kept | ({IGNORED: sorted(ignored)[:MAX_IGNORED]} if ignored else {})


def parse_stored_meta(body: bytes, recording_id: int) -> dict[str, Any]:
    """Return the META object in `body`, which an earlier process accepted; `{}` where it is none today."""
    try:
        return parse_meta(body, recording_id)
    except ChunkError:
        return {}


def ignored_fields(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the fields of a META that were left out."""
    return tuple(meta.get(IGNORED, ()))


def subject_refusal(text: str) -> str | None:
    """Return why `text` cannot be a subject, as one sentence for its sender; None: it can."""
    if "@" in text:
        return f"this looks like an e-mail address; use {SUBJECT_RULE}"
    if not _SUBJECT.fullmatch(text):
        return f"this is no pseudonym; use {SUBJECT_RULE}"
    if _DATE.search(text):
        return f"this has a date in it, such as one of birth; use {SUBJECT_RULE}"
    if set(_NAME.findall(text)) - _WORDS:
        return f"this has what looks like a name in it; use {SUBJECT_RULE}"
    return None


def _is_kept(name: str, value: object) -> bool:
    is_valid = _RULES.get(name)
    return _is_name(name) and (is_valid(value) if is_valid is not None else is_bounded(value))


def is_bounded(value: object, depth: int = MAX_DEPTH) -> bool:
    """Return whether a value of JSON can be kept: neither too deep nor too large, finite, valid Unicode."""
    if isinstance(value, str):
        return _is_unicode(value)
    if isinstance(value, (int, float)):
        return abs(value) <= MAX_NUMBER  # false for NaN
    if isinstance(value, list):
        return depth > 0 and all(is_bounded(each, depth - 1) for each in value)
    if isinstance(value, dict):
        names = all(_is_unicode(name) for name in value)
        return depth > 0 and names and all(is_bounded(each, depth - 1) for each in value.values())
    return value is None


def _is_unicode(text: str) -> bool:
    # Python's parser accepts lone surrogates, which other parsers refuse; PostgreSQL stores no NUL.
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _named(name: str) -> str:
    """Return the name of a field as it is told: "?" for one that takes more room than a message has."""
    return name if _is_text(name, _MAX_IGNORED_NAME) and name.isascii() else "?"


def _is_name(text: object) -> bool:
    return _is_text(text, _MAX_NAME)


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and value.isprintable()


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _is_model_list(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_MODELS
        and all(_is_text(name, MAX_MODEL_NAME) and name for name in value)
    )


def _is_time(value: object) -> bool:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment is not None and moment.tzinfo is not None and moment.astimezone(UTC).year in _YEARS
    except (ValueError, OverflowError):
        return False


_RULES: Final[dict[str, Callable[[Any], bool]]] = {
    "captured_at": _is_time,
    "models": _is_model_list,
    "site": lambda value: _is_text(value, MAX_SITE),
    "subject": lambda value: isinstance(value, str) and subject_refusal(value) is None,
    "file_name": lambda value: _is_text(value, MAX_FILE_NAME),
    "exam": lambda value: isinstance(value, str) and EXAM_ID.fullmatch(value) is not None,
    "amplification": lambda value: _is_number(value, 1, MAX_AMPLIFICATION),
    "boot": lambda value: _is_text(value, _MAX_BOOT),
    "uptime_ms": lambda value: _is_number(value, 0, MAX_NUMBER),
    "battery_percent": lambda value: _is_number(value, 0, 100),
    "cut_off": lambda value: isinstance(value, bool),
    "gain_db": lambda value: _is_number(value, -_MAX_GAIN_DB, _MAX_GAIN_DB),
}
"""By key that the protocol knows: whether a value is of its form."""
