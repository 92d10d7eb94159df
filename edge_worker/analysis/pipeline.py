"""From a closed recording to its result: store the sound, judge it, save what was said."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.database.store import AnalysisResult, OutboxMessage, Store, StoredRecording
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.ingest import wav
from edge_worker.ingest.intake import ClosedRecording
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import topics
from edge_worker.protocol.result import Audio, EventFacts, Prediction, Quality, Result
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.signal.features import Signal, louder
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_WRITERS: Final = 4
_NOT_JUDGED: Final = Quality(usable=False, snr_db=None, clipped=0.0)
_NOT_HEARD: Final = PreAnalysis(_NOT_JUDGED, _NOT_JUDGED)


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that is durable, to be judged."""

    recording: StoredRecording
    pcm: bytes | bytearray | None = None
    """Its sound; None: read the WAV file."""


@dataclass(frozen=True, slots=True)
class EventRecording:
    """An event of a stream, to be kept and judged as a recording is."""

    recording: StoredRecording
    pcm: bytes
    is_kept: threading.Event = field(default_factory=threading.Event)
    """Set when it is durable."""


class Pipeline:
    """What happens to closed recordings, on the analyst's thread."""

    def __init__(
        self,
        settings: Settings,
        classifiers: Mapping[str, Classifier],
        segmenter: Segmenter,
        spool: Spool,
        store: Store,
        *,
        refresh: Callable[[], bool] = lambda: False,
        board: ActiveProfiles | None = None,
    ) -> None:
        self._settings = settings
        self._board = board or ActiveProfiles(settings)
        self._classifiers = classifiers
        self._segmenter = segmenter
        self._spool = spool
        self._store = store
        self.refresh = refresh
        """Lets promoted versions take over among `classifiers`; True when something changed."""
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="wav")

    def versions(self) -> dict[str, str]:
        """Return the version in use of each model."""
        return {model: each.card.version for model, each in self._classifiers.items()}

    def store(self, closes: Sequence[ClosedRecording]) -> list[Kept]:
        """Make the sound of closed recordings durable; return their facts and their PCM.

        Doing it again after a crash anywhere in between leads to the same files and rows.

        Raises:
            OSError, StoreFault: no room or no database now; try again later.
        """
        # Each file waits for the disk; side by side they wait together.
        written = list(self._writers.map(self._write, closes))
        stored = self._store.save_recordings([recording for recording, _ in written])
        for close in closes:
            self._spool.remove(close.recording)
        return [Kept(recording, pcm) for recording, (_, pcm) in zip(stored, written, strict=True)]

    def _write(self, close: ClosedRecording) -> tuple[StoredRecording, bytearray]:
        """Write the WAV file of one recording; return what is to be said of it, and its PCM."""
        recording = close.recording
        samples = recording.received.end if recording.end is None else recording.end
        pcm = self._spool.read_pcm(recording, samples)
        received_at = rfc3339(datetime.fromtimestamp(recording.received_at, UTC))
        meta = recording.meta or {}
        stored = StoredRecording(
            device_id=recording.device_id,
            recording_id=recording.name,
            received_at=received_at,
            captured_at=meta.get("captured_at") or received_at,
            captured_at_source="device" if meta.get("captured_at") else "worker",
            completeness=close.completeness,
            missing=recording.gaps(),
            sample_rate=recording.sample_rate,
            channels=recording.channels,
            samples=samples,
            audio_sha256=hashlib.sha256(pcm).hexdigest(),
            audio_file=f"audio/{recording.device_id}/{recording.name}.wav",
            meta=meta,
            exam=meta.get("exam"),
        )
        path = self._settings.data_dir / stored.audio_file
        wav.write(path, pcm, recording.sample_rate, recording.channels)
        return stored, pcm

    def keep_events(self, events: Sequence[EventRecording]) -> list[Kept]:
        """Make events durable; those that are there already, or were deleted, are left out.

        Raises:
            OSError, StoreFault: no room or no database now; try again later.
        """
        fresh = [each for each in events if self._is_new(each.recording)]
        for each in fresh:
            path = self._settings.data_dir / each.recording.audio_file
            wav.write(path, each.pcm, each.recording.sample_rate, each.recording.channels)
        stored = self._store.save_recordings([each.recording for each in fresh]) if fresh else []
        for each in events:
            each.is_kept.set()
        return [Kept(recording, each.pcm) for recording, each in zip(stored, fresh, strict=True)]

    def _is_new(self, recording: StoredRecording) -> bool:
        return self._store.completeness(recording.device_id, recording.recording_id) is None

    def let_go(self, verdicts: Sequence[AnalysisResult]) -> None:
        """Delete the sound of events that have their result, where no sound of streams is to be kept."""
        for each in verdicts:
            if each.result.event is not None and not self._settings.stream_audio_s:
                name = f"{each.result.device_id}/{each.result.recording_id}.wav"
                (self._settings.data_dir / "audio" / name).unlink(missing_ok=True)

    def analyse(self, kept: Kept) -> AnalysisResult:
        """Return the result of a stored recording, and the messages that announce it.

        Whatever goes wrong becomes a result of status `error`: a recording that no code can digest must not
        come back for ever.
        """
        started = time.perf_counter()
        stored = kept.recording
        try:
            path = self._settings.data_dir / stored.audio_file
            result = self._judge(stored, wav.read(path) if kept.pcm is None else kept.pcm)
            verdict = verdict_of(stored.id, result)
        except Exception:
            _LOG.exception(line("failed", device=stored.device_id, recording=stored.recording_id))
            # Without what the device said of itself: that may be what could not be digested.
            result = result_of(replace(stored, meta={}), _NOT_HEARD, (), ("failed",))
            verdict = verdict_of(stored.id, result)
        log_result(result, (time.perf_counter() - started) * 1000)
        return verdict

    def _judge(self, stored: StoredRecording, pcm: bytes | bytearray) -> Result:
        asked = self._board.current.models(stored.device_id, stored.meta)
        classifiers = [self._classifiers[model] for model in asked if model in self._classifiers]
        unknown = () if len(classifiers) == len(asked) else ("unknown_model",)
        samples = np.frombuffer(pcm, "<i2").reshape(-1, stored.channels)
        signal = Signal.from_pcm(louder(samples, stored.meta.get("amplification", 1)), stored.sample_rate)
        heard = PreAnalysis.listen(signal, [each.card for each in classifiers], self._segmenter)
        lost = _missing_fraction(stored)
        gaps = ("gaps",) if any(lost > each.card.max_missing_fraction for each in classifiers) else ()
        predictions = tuple(
            _gated(
                each.classify(signal),
                usable=heard.usable(each.card) and lost <= each.card.max_missing_fraction,
            )
            for each in (classifiers if stored.samples else ())
        )
        return result_of(stored, heard, predictions, (*unknown, *gaps, *heard.quality.reasons))


def verdict_of(identity: int | None, result: Result) -> AnalysisResult:
    """Return a result with the messages that announce it; `identity` is that of its row."""
    if identity is None:
        raise ValueError(f"recording {result.recording_id} was not saved before it was judged")
    document = result.to_json()
    messages = (
        OutboxMessage(topics.result(result.device_id), document, retain=False),
        OutboxMessage(topics.device_result(result.device_id), result.to_compact_json(), retain=True),
    )
    return AnalysisResult(identity, result, document.decode(), rfc3339(datetime.now(UTC)), messages)


def result_of(
    stored: StoredRecording,
    heard: PreAnalysis,
    predictions: tuple[Prediction, ...],
    reasons: tuple[str, ...],
) -> Result:
    """Return what is to be said of a stored recording."""
    is_error = "failed" in reasons or (not predictions and "unknown_model" in reasons)
    is_sure = any(prediction.accepted for prediction in predictions)
    if not is_sure and not reasons:
        reasons = ("low_confidence",)
    return Result(
        device_id=stored.device_id,
        recording_id=stored.recording_id,
        status="error" if is_error else "ok" if is_sure else "inconclusive",
        completeness=stored.completeness,
        audio=Audio(stored.sample_rate, stored.channels, stored.samples, stored.audio_sha256),
        quality=heard.quality,
        captured_at=stored.captured_at,
        captured_at_source="device" if stored.captured_at_source == "device" else "worker",
        missing=tuple((start, end) for start, end in stored.missing),
        models=predictions,
        heart_rate_bpm=heard.heart_rate_bpm,
        heart_sounds=heard.heart_sounds,
        reasons=tuple(dict.fromkeys(reasons)),
        site=stored.meta.get("site"),
        exam=stored.exam,
        event=None if stored.parent is None else EventFacts(stored.parent, stored.parent_start or 0),
    )


def _gated(prediction: Prediction, *, usable: bool) -> Prediction:
    return prediction if usable else replace(prediction, accepted=False)


def _missing_fraction(stored: StoredRecording) -> float:
    return sum(end - start for start, end in stored.missing) / max(stored.samples, 1)


def log_result(result: Result, took_ms: float) -> None:
    """Write the one line of a result."""
    facts = {
        "device": result.device_id,
        "recording": result.recording_id,
        "status": result.status,
        "completeness": result.completeness,
        "reasons": ",".join(result.reasons) or None,
        "bpm": None if result.heart_rate_bpm is None else f"{result.heart_rate_bpm:.0f}",
        "rate_hz": result.audio.sample_rate,
        "samples": result.audio.samples,
        **{each.model: f"{each.label}:{each.confidence:.3f}" for each in result.models},
        "took_ms": f"{took_ms:.1f}",
    }
    _LOG.info(line("result", **facts))
