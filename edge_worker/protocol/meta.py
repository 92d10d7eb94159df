"""META of a recording: the JSON object in the body of a META chunk, checked.

Travels like audio: device to worker on `stetho/v1/device/{device}/up/pcm`, QoS 1, not retained.
Normative: `docs/protocol.md` § Chunk.
"""

import json
from datetime import datetime
from typing import Any, Final, NoReturn

from edge_worker.errors import ChunkError
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.protocol.topics import EXAM_ID

MAX_MODELS: Final = 8
MAX_MODEL_NAME: Final = 32
"""Characters."""
MAX_SITE: Final = 16
"""Characters."""
MAX_AMPLIFICATION: Final = 100


def parse_meta(body: bytes, recording_id: int) -> dict[str, Any]:
    """Return the META object in `body`, checked; `captured_at` in UTC.

    Raises:
        ChunkError: reason `meta`, when it does not follow `docs/protocol.md` § Chunk.
    """
    meta = _parse_object(body, recording_id)
    models = meta.get("models")
    if models is not None and not _is_name_list(models):
        raise ChunkError("meta", f"models is not a list of at most {MAX_MODELS} names", recording_id)
    site = meta.get("site")
    if site is not None and not (isinstance(site, str) and len(site) <= MAX_SITE):
        raise ChunkError("meta", f"site is not a text of at most {MAX_SITE} characters", recording_id)
    exam = meta.get("exam")
    if exam is not None and not (isinstance(exam, str) and EXAM_ID.fullmatch(exam)):
        raise ChunkError("meta", "exam is not 1 to 32 of a-z, 0-9 and -", recording_id)
    if not _is_amplification(meta.get("amplification", 1)):
        limit = f"a number from 1 to {MAX_AMPLIFICATION}"
        raise ChunkError("meta", f"amplification is not {limit}", recording_id)
    if meta.get("captured_at") is not None:
        meta["captured_at"] = _utc(meta["captured_at"], recording_id)
    return meta


def parse_stored_meta(body: bytes, recording_id: int) -> dict[str, Any]:
    """Return the META of a recording in the spool; an empty one where today's rules refuse it.

    An earlier version of this program took it, and may have had other rules.
    """
    try:
        return parse_meta(body, recording_id)
    except ChunkError:
        return {}


def _parse_object(body: bytes, recording_id: int) -> dict[str, Any]:
    try:
        meta = json.loads(body)
        # Python's parser accepts NaN, infinity and lone surrogates, which other parsers refuse.
        json.dumps(meta, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ChunkError("meta", "the body is not JSON", recording_id) from None
    if not isinstance(meta, dict):
        raise ChunkError("meta", "the body is not a JSON object", recording_id)
    return meta


def _is_name_list(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_MODELS
        and all(isinstance(name, str) and 0 < len(name) <= MAX_MODEL_NAME for name in value)
    )


def _is_amplification(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 1 <= float(value) <= MAX_AMPLIFICATION  # type: ignore[arg-type]


def _utc(text: object, recording_id: int) -> str:
    try:
        moment = datetime.fromisoformat(str(text))
        return rfc3339(moment) if moment.tzinfo else _reject_time(recording_id)
    except (ValueError, OverflowError):
        return _reject_time(recording_id)


def _reject_time(recording_id: int) -> NoReturn:
    raise ChunkError("meta", "captured_at is not an RFC 3339 time with offset", recording_id) from None
