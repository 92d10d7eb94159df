"""From a stream that is over to its result: keep the end of its sound, sum up what was said, save it."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from edge_worker.analysis.pipeline import EventRecording, log_result, result_of, verdict_of
from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import Store, StoredRecording
from edge_worker.ingest import wav
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.live.stream_classifier import StreamClassifier
from edge_worker.protocol.result import Completeness, Quality, Result, StreamFacts
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.signal.gate import Event

_NOTHING_HEARD: Final = Quality(usable=False, snr_db=None, clipped=0.0, reasons=("too_short",))
_PIECE_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class FinishedStream:
    """A stream that is over, and what was said of it."""

    stream: Stream
    judge: StreamClassifier | None
    """None: judging it failed."""
    asked: tuple[str, ...]
    """Models that were asked for last."""
    is_ended: bool
    """By LAST; otherwise by silence."""

    @property
    def completeness(self) -> Completeness:
        """Whether all of it came."""
        missing = 1 if self.judge is None else self.judge.ear.missing.samples
        return "complete" if self.is_ended and not missing else "partial"


class StreamResultWriter:
    """What happens to streams that are over, on the analyst's thread."""

    def __init__(self, settings: Settings, spool: StreamSpool, store: Store) -> None:
        self._settings = settings
        self._spool = spool
        self._store = store

    def keep(self, concluded: FinishedStream) -> tuple[Result, list[OutboxMessage]]:
        """Save a stream and its result; return it, and the messages that announce it.

        Doing it again after a crash anywhere in between leads to the same file and row.

        Raises:
            OSError, StoreFault: no room or no database now; try again later.
        """
        started = time.perf_counter()
        stored = self._write(concluded)
        result = _result(concluded, stored)
        timeline = json.dumps(timeline_document(concluded.judge), separators=(",", ":"))
        messages = self._store.save_stream(stored, lambda row: verdict_of(row, result), timeline)
        self._spool.remove(concluded.stream)
        log_result(result, (time.perf_counter() - started) * 1000)
        return result, messages

    def _write(self, concluded: FinishedStream) -> StoredRecording:
        """Write the sound that is to be kept; return the facts of the stream."""
        stream = concluded.stream
        start = max(0, stream.next_sample - round(self._settings.stream_audio_s * stream.sample_rate))
        received_at = rfc3339(datetime.fromtimestamp(stream.received_at, UTC))
        meta, missing = stream.meta or {}, None if concluded.judge is None else concluded.judge.ear.missing
        digest = hashlib.sha256()
        audio_file = f"audio/{stream.device_id}/{stream.name}.wav"
        if self._settings.stream_audio_s:
            parts = _hashed(self._sound(stream, start), digest)
            wav.write_parts(self._settings.data_dir / audio_file, parts, stream.sample_rate, stream.channels)
        return StoredRecording(
            device_id=stream.device_id,
            recording_id=stream.name,
            received_at=received_at,
            captured_at=meta.get("captured_at") or received_at,
            captured_at_source="device" if meta.get("captured_at") else "worker",
            completeness=concluded.completeness,
            missing=[] if missing is None else missing.ranges,
            sample_rate=stream.sample_rate,
            channels=stream.channels,
            samples=stream.next_sample,
            audio_sha256=digest.hexdigest(),
            audio_file=audio_file,
            meta=meta,
            exam=meta.get("exam"),
            audio_start=start if self._settings.stream_audio_s else stream.next_sample,
        )

    def _sound(self, stream: Stream, start: int) -> Iterator[bytes]:
        """Yield the sound from sample `start` to the end, chunk by chunk, gaps as zeros."""
        at, unit = start, stream.bytes_per_sample
        for chunk in self._spool.read_chunks(stream, start):
            if chunk.first_sample > at:
                yield from _silence((min(chunk.first_sample, stream.next_sample) - at) * unit)
                at = min(chunk.first_sample, stream.next_sample)
            fresh = bytes(chunk.body[(at - chunk.first_sample) * unit :])
            fresh = fresh[: (stream.next_sample - at) * unit]
            at += len(fresh) // unit
            yield fresh
        yield from _silence((stream.next_sample - at) * unit)


def occurrence(stream: Stream, event: Event, pcm: bytes) -> EventRecording:
    """Return an event of a stream as a recording: found again after a restart, it has the same id."""
    stream_at = (stream.meta or {}).get("captured_at") or rfc3339(
        datetime.fromtimestamp(stream.received_at, UTC)
    )
    began_at = datetime.fromisoformat(stream_at) + timedelta(seconds=event.start / stream.sample_rate)
    name = hashlib.sha256(f"{stream.name}:{event.start}".encode()).hexdigest()[:16]
    meta = {key: value for key, value in (stream.meta or {}).items() if key != "captured_at"}
    recording = StoredRecording(
        device_id=stream.device_id,
        recording_id=name,
        received_at=rfc3339(datetime.now(UTC)),
        captured_at=rfc3339(began_at),
        captured_at_source="device" if (stream.meta or {}).get("captured_at") else "worker",
        completeness="complete",
        missing=[],
        sample_rate=stream.sample_rate,
        channels=stream.channels,
        samples=event.end - event.start,
        audio_sha256=hashlib.sha256(pcm).hexdigest(),
        audio_file=f"audio/{stream.device_id}/{name}.wav",
        meta=meta,
        parent=stream.name,
        parent_start=event.start,
    )
    return EventRecording(recording, pcm)


def timeline_document(judge: StreamClassifier | None) -> dict[str, Any]:
    """Return the timeline of a stream as it is stored."""
    sums = {} if judge is None else judge.sums
    return {
        "models": {
            model: {"labels": list(each.card.labels), "points": each.timeline.document()}
            for model, each in sums.items()
            if each.windows
        },
        "heart": [] if judge is None else judge.heart.timeline.document(),
    }


def _result(concluded: FinishedStream, stored: StoredRecording) -> Result:
    judge = concluded.judge
    if judge is None:
        return result_of(stored, PreAnalysis(_NOTHING_HEARD, _NOTHING_HEARD), (), ("failed",))
    judged = [judge.sums[model] for model in concluded.asked if model in judge.sums]
    unknown = () if len(judged) == len(concluded.asked) else ("unknown_model",)
    predictions = tuple(each.prediction() for each in judged if each.windows)
    any_sound = judge.sound.quality() or _NOTHING_HEARD
    quality = judge.heart.quality() or any_sound
    limit = min((each.card.max_missing_fraction for each in judged), default=1.0)
    lost = judge.ear.missing.samples / max(1, stored.samples)
    gaps = ("gaps",) if lost > limit else ()
    heard = PreAnalysis(quality, any_sound, judge.heart.heart_rate_bpm())
    result = result_of(stored, heard, predictions, (*unknown, *gaps, *quality.reasons))
    facts = StreamFacts(
        ended_by="last" if concluded.is_ended else "silence",
        audio_start=stored.audio_start,
        missing_samples=judge.ear.missing.samples,
        skipped_windows=judge.skipped,
    )
    return replace(result, stream=facts)


def _hashed(parts: Iterator[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for part in parts:
        digest.update(part)
        yield part


def _silence(size: int) -> Iterator[bytes]:
    """Yield so many zeros, in pieces."""
    for start in range(0, size, _PIECE_BYTES):
        yield bytes(min(_PIECE_BYTES, size - start))
