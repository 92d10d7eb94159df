"""What somebody may want to be told of: a sound with its verdict, or something that is away or back."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple, Self

from edge_worker.errors import PayloadError
from edge_worker.protocol import strict_json
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.strict_json import Document, JsonError
from edge_worker.protocol.verdict import Verdict

Kind = Literal["sound", "disconnected", "worker"]
"""Words of `on` in a rule."""
News = Literal[
    "heard", "off", "lost", "degraded", "offline", "unreachable", "back", "reachable", "test", "summary"
]
"""To a device: `off`, `lost`; to a worker: `degraded`, `offline`; to the broker: `unreachable`."""
_MAX_RESULT: Final = 65_536


class Part(NamedTuple):
    """What a summary sums up: so often this happened to one device or worker."""

    news: News
    name: str
    text: str
    times: int


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened, with all that a message about it says."""

    kind: Kind
    news: News
    name: str
    """Of the device or the worker."""
    key: str
    """The same whenever the same thing is reported again: each rule tells it once."""
    at: str
    """RFC 3339, UTC."""
    severity: Severity = "unknown"
    label: str | None = None
    text: str = ""
    """Name of the label, or reason, in the language of the site."""
    confidence: float | None = None
    disagrees: bool = False
    recording: str = ""
    stream: str = ""
    """Recording id of the stream that an event is of."""
    is_stream: bool = False
    parts: tuple["Part", ...] = ()
    """Of a summary: what it sums up."""
    until: str = ""
    """Of a summary: when the last of it happened."""

    @property
    def sort(self) -> str:
        """What is told again and again when it repeats: the same label of the same device."""
        return f"{self.news}/{self.name}/{self.label or ''}"

    def to_json(self) -> str:
        """Return the occurrence as the queue keeps it."""
        return strict_json.write({key: value for key, value in asdict(self).items() if value})

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the occurrence that `to_json` wrote."""
        values: dict[str, Any] = strict_json.read(text)
        return cls(**values | {"parts": tuple(Part(*each) for each in values.get("parts", ()))})


def of_result(payload: bytes) -> Occurrence | None:
    """Return what a result tells; None where an event of the same stream tells it.

    Raises:
        PayloadError: it is no result of this protocol.
    """
    try:
        result = strict_json.read_object(payload, _MAX_RESULT)
        verdict = Verdict.parse(result["verdict"])
        return None if verdict.event is not None else _of(result, verdict)
    except (JsonError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise PayloadError(f"this is no result: {error}") from error


def of_test(kind: Kind, rule: str, key: str, at: str) -> Occurrence:
    """Return what the test of a rule tells."""
    return Occurrence(kind, "test", rule, key, at, "none")


def _of(result: Document, verdict: Verdict) -> Occurrence:
    device, recording = str(result["device_id"]), str(result["recording_id"])
    return Occurrence(
        "sound",
        "heard",
        device,
        f"{device}/{recording}",
        str(result["captured_at"]),
        verdict.severity,
        verdict.label,
        verdict.text,
        verdict.confidence,
        bool(verdict.disagree),
        recording,
        str(result["event"]["stream"]) if result.get("event") else "",
        is_stream="stream" in result,
    )
