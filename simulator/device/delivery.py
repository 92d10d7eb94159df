"""Progress of one recording, from its first chunk to its result."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Delivery:
    """What has become of one recording. Times are of the clock that is given to `Device`, in seconds."""

    name: str
    samples: int
    chunks: int
    """PCM chunks of the first transmission that have left."""
    last_sent_at: float | None = None
    """When the first transmission was over."""
    stored_at: float | None = None
    completeness: str | None = None
    result_at: float | None = None
    result: dict[str, Any] | None = None
    """The compact result."""
    result_payload: bytes = b""
    """The compact result as it came."""
    requested_samples: int = 0
    """Samples that the worker asked for again."""
    rejections: list[str] = field(default_factory=list)
    """What the worker said that was wrong, in its words."""
    live: dict[str, Any] | None = None
    """The last live value, where the device hears them."""
