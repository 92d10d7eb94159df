"""Control messages to a device about its recordings: `missing`, `stored`, `rejected` and `ignored`.

Worker to device on `stetho/v1/device/{device}/down/control`, QoS 1, not retained; JSON.
Normative: `docs/protocol.md` § Control messages and § Rejections.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from edge_worker.protocol.result import Completeness

MAX_RANGES: Final = 32
"""Ranges in one `missing` message, which so stays under 1 KiB."""
MAX_DETAIL: Final = 200
"""Characters of the detail of a `rejected`."""

Document = dict[str, Any]
OpenRange = Sequence[int | None]
"""Samples `[start, end)` per channel; an end of None: to the end of the recording, LAST included."""
ALL_SO_FAR: Final[OpenRange] = (0, 2**32 - 2)
"""All that a device has of a recording, without waiting for its end: it sends of a range what exists."""


def missing(recording_id: str, ranges: Sequence[OpenRange], *, meta: bool) -> Document:
    """Return the request to resend `ranges` of samples and, if `meta`, the META chunk."""
    document: Document = {"type": "missing", "recording_id": recording_id}
    document["ranges"] = [list(each) for each in ranges]
    return document | ({"meta": True} if meta else {})


def stored(recording_id: str, completeness: Completeness) -> Document:
    """Return the receipt after which a device may delete a recording."""
    return {"type": "stored", "recording_id": recording_id, "completeness": completeness}


def ignored(recording_id: str, fields: Sequence[str]) -> Document:
    """Return the notice that fields of META are not of their form, and were left out."""
    return {"type": "ignored", "recording_id": recording_id, "fields": list(fields)}


def rejected(
    recording_id: str | None, reason: str, detail: str, retry_after_s: float | None = None
) -> Document:
    """Return the refusal of a chunk; `reason` is one of `docs/protocol.md` § Rejections.

    `recording_id` is None when the header could not be read. With `retry_after_s`, the same may be sent again
    then.
    """
    document: Document = {"type": "rejected", "recording_id": recording_id, "reason": reason}
    document["detail"] = detail[:MAX_DETAIL]
    return document | ({} if retry_after_s is None else {"retry_after_s": ceil(10 * retry_after_s) / 10})
