"""Progress of one recording, from its first chunk to its result."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Delivery:
    """Progress of one recording. Times are of the clock that is given to `Device`, in seconds."""

    name: str
    samples: int
    chunks: int
    """PCM chunks of the first transmission that were sent."""
    last_sent_at: float | None = None
    """When the last chunk of the first transmission was sent."""
    stored_at: float | None = None
    completeness: str | None = None
    result_at: float | None = None
    result: dict[str, Any] | None = None
    """The compact result."""
    result_payload: bytes = b""
    """The compact result as it was published."""
    requested_samples: int = 0
    """Samples that the worker requested again."""
    rejections: list[str] = field(default_factory=list)
    """Details of the `rejected` messages of the worker."""
    live: dict[str, Any] | None = None
    """The last live value, where the device subscribes to them."""
