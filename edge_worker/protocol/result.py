"""Result of a recording: predictions, quality and heart rate, in the full and the compact JSON form.

The full form goes from the worker to operators on `stetho/v1/result/{device}`, QoS 1, not retained; the
compact form (`compact_result`) to the device, retained, at most 256 bytes.
Normative: `docs/protocol.md` § Result; pinned by `tests/vectors/results.json`.

Imports only the standard library: the history API and the simulator read results without numpy or a TFLite
runtime.
"""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

from edge_worker.protocol import compact_result
from edge_worker.protocol.document_size import compact_json, fitted_json, joined
from edge_worker.protocol.meaning import LANGUAGES, text_in
from edge_worker.protocol.prediction import Prediction, rounded
from edge_worker.protocol.verdict import Verdict, of_predictions
from edge_worker.protocol.verdict_words import ADVICE, IMPOSSIBLE_ADVICE, advice, headline

CapturedAtSource = Literal["device", "worker", "unsure"]
Status = Literal["ok", "inconclusive", "error"]
Completeness = Literal["complete", "partial"]
Channel = Literal["left", "right"]

MAX_MISSING_RANGES: Final = 256
"""Ranges in `missing`. Of more, the closest are joined, and cover a little too much."""
MAX_PUBLISHED_ONSETS: Final = 1_000
"""Of S1, and of S2, in a published result that would be too large: those of the first minutes."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of the audio of a recording: whether it can be classified, and if not, why."""

    usable: bool
    snr_db: float | None
    """Level of heart sounds over the noise between them; None when no heartbeat was found."""
    clipped: float
    """Fraction of samples at full scale, 0..1."""
    reasons: tuple[str, ...] = ()
    """Words of `REASONS`, worst first."""
    score: float | None = None
    """Score of how much this sounds like a well-recorded heart, 0..1; None when it was not assessed."""


IMPOSSIBLE: Final = tuple(IMPOSSIBLE_ADVICE)
"""Reasons for which samples cannot be sound: the device or its program is wrong."""
REASONS: Final = {reason: text_in(texts, LANGUAGES[0]) for reason, texts in ADVICE.items()}
"""Reasons why a result is not `ok`, each with what to do about it, for one who records a heart."""


@dataclass(frozen=True, slots=True)
class HeartSounds:
    """Onsets of the heart sounds S1 and S2, seconds from the start of the recording."""

    s1_s: tuple[float, ...]
    s2_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Audio:
    """Format, length and digest of the assembled audio of a recording."""

    sample_rate: int
    """Hz"""
    channels: int
    samples: int
    """Per channel, gaps included."""
    sha256: str
    """Of the signed 16-bit little endian PCM bytes."""
    channel: Channel | None = None
    """Channel of two that was analysed alone, as the other spoils their mean; None: the mean of all."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """Fields that only the result of a stream has."""

    ended_by: Literal["last", "silence"]
    audio_start: int
    """Sample with which the stored audio begins."""
    missing_samples: int
    skipped_windows: int
    """Windows that were not classified because the worker had no time."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Fields that only the result of an event has: its stream, and its position there."""

    stream: str
    """Recording id of the stream."""
    start: int
    """Sample of the stream with which the event begins."""


@dataclass(frozen=True)
class Result:
    """Everything published and stored about one recording; what follows from its fields is computed once."""

    device_id: str
    recording_id: str
    """16 lower-case hex digits."""
    status: Status
    completeness: Completeness
    audio: Audio
    quality: Quality
    captured_at: str
    """RFC 3339, UTC, `Z`."""
    captured_at_source: CapturedAtSource
    """`unsure`: the worker, whose clock was not believed."""
    missing: tuple[tuple[int, int], ...] = ()
    """Half-open ranges of samples that did not arrive."""
    models: tuple[Prediction, ...] = ()
    heart_rate_bpm: float | None = None
    heart_sounds: HeartSounds | None = None
    """None unless the heart rate is certain."""
    reasons: tuple[str, ...] = ()
    """Words of `REASONS` that explain a status other than `ok`."""
    site: str | None = None
    """Auscultation site, as the device reports it: AV, PV, TV, MV."""
    exam: str | None = None
    """Id of the exam that the recording belongs to."""
    file_name: str | None = None
    """Of an upload, as its sender calls it."""
    subject: str | None = None
    """Pseudonym of the person or animal whose sound it is."""
    captured_at_claimed: str | None = None
    """Time that was not believed: `captured_at` replaces it."""
    stream: StreamFacts | None = None
    """Of streams only."""
    event: EventFacts | None = None
    """Of events only."""
    event_verdict: Verdict | None = None
    """Of a stream that cannot tell: that of the event which it is of; None: it has its own."""
    language: str = LANGUAGES[0]
    """Of its texts."""
    ignored_meta: tuple[str, ...] = ()
    """Names of the fields of META that were left out, because they are not of their form."""
    is_cut_off: bool = False
    """Its device lost power while it recorded: what is there is its beginning."""
    v: int = field(default=1)

    def document(self) -> dict[str, Any]:
        """Return the full result as published to operators and served by the history API."""
        models = self._models
        return {
            "v": self.v,
            "recording_id": self.recording_id,
            "device_id": self.device_id,
            "captured_at": self.captured_at,
            "captured_at_source": self.captured_at_source,
            **({} if self.captured_at_claimed is None else {"captured_at_claimed": self.captured_at_claimed}),
            "status": self.status,
            "completeness": self.completeness,
            "missing": [list(gap) for gap in joined(self.missing, MAX_MISSING_RANGES)],
            "reasons": list(self.reasons),
            "hints": advice({"reasons": self.reasons, "models": models}, self.language),
            "verdict": self.verdict.document(),
            "models": models,
            "quality": {
                "usable": self.quality.usable,
                "snr_db": rounded(self.quality.snr_db, 1),
                "clipped": round(self.quality.clipped, 6),
                "reasons": list(self.quality.reasons),
                "score": rounded(self.quality.score, 3),
            },
            "heart_rate_bpm": rounded(self.heart_rate_bpm, 1),
            "heart_sounds": None if self.heart_sounds is None else _onsets_document(self.heart_sounds),
            "site": self.site,
            "exam": self.exam,
            **({} if self.file_name is None else {"file_name": self.file_name}),
            **({} if self.subject is None else {"subject": self.subject}),
            "audio": {
                "sample_rate": self.audio.sample_rate,
                "channels": self.audio.channels,
                "samples": self.audio.samples,
                "sha256": self.audio.sha256,
                **({} if self.audio.channel is None else {"channel": self.audio.channel}),
            },
            **({} if self.stream is None else {"stream": asdict(self.stream)}),
            **({} if self.event is None else {"event": asdict(self.event)}),
            **({"missing_ranges": count} if (count := len(self.missing)) > MAX_MISSING_RANGES else {}),
            **({"ignored_meta": list(self.ignored_meta)} if self.ignored_meta else {}),
            **({"cut_off": True} if self.is_cut_off else {}),
            # A recording id is unique per device only.
            "links": {"self": f"/api/v1/recordings/{self.recording_id}?device={self.device_id}"},
        }

    def to_json(self) -> bytes:
        """Return `document()` as compact UTF-8 JSON."""
        return compact_json(self._document)

    def to_message(self) -> bytes:
        """Return what is published to operators: `to_json`, without what makes it too large."""
        return fitted_json(self._document, (_with_fewer_onsets, _without_probabilities))

    def to_compact_json(self) -> bytes:
        """Return the compact form for the OLED of a device."""
        return compact_result.payload(self._document, self.language)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return self.document()

    @cached_property
    def verdict(self) -> Verdict:
        """The one answer for this sound."""
        return self.event_verdict or self._own_verdict()

    @cached_property
    def _models(self) -> list[dict[str, Any]]:
        return [prediction.document() for prediction in self.models]

    def _own_verdict(self) -> Verdict:
        own = of_predictions(self._models)
        meanings = {each.model: each.meaning for each in self.models}
        said = {"verdict": own.document(), "status": self.status}
        text = headline(said, lambda model, label: meanings[model].name(label, self.language), self.language)
        return replace(own, text=text)


def _onsets_document(sounds: HeartSounds) -> dict[str, list[float]]:
    return {name: [round(onset, 3) for onset in getattr(sounds, name)] for name in ("s1_s", "s2_s")}


def _with_fewer_onsets(document: dict[str, Any]) -> dict[str, Any]:
    onsets = document["heart_sounds"]
    if onsets is None:
        return document
    left_out = max(len(each) for each in onsets.values()) - MAX_PUBLISHED_ONSETS
    shorter = {name: each[:MAX_PUBLISHED_ONSETS] for name, each in onsets.items()}
    return document | {"heart_sounds": shorter | ({"more": left_out} if left_out > 0 else {})}


def _without_probabilities(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"models": [each | {"probabilities": {}} for each in document["models"]]}
