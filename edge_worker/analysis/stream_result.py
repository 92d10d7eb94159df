"""From a stream that is over to its result: keep the end of its sound, sum up what was said, save it."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import EventRecording, log_result, result_of, verdict_of
from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.database.store import OutboxMessage, Store, StoredRecording
from edge_worker.ingest import wav
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol.result import Quality, Result, StreamFacts
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.signal.gate import Event

_NOTHING_HEARD: Final = Quality(usable=False, snr_db=None, clipped=0.0, reasons=("too_short",))
_NO_TIMELINE: Final[dict[str, Any]] = {"models": {}, "heart": []}
_PIECE_BYTES: Final = 2**20


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
        timeline = _NO_TIMELINE if concluded.summary is None else concluded.summary.timeline
        document = json.dumps(timeline, separators=(",", ":"))
        messages = self._store.save_stream(stored, lambda row: verdict_of(row, result), document)
        self._spool.remove(concluded.stream)
        log_result(result, (time.perf_counter() - started) * 1000)
        return result, messages

    def _write(self, concluded: FinishedStream) -> StoredRecording:
        """Write the sound that is to be kept; return the facts of the stream."""
        stream = concluded.stream
        start = max(0, stream.next_sample - round(self._settings.stream_audio_s * stream.sample_rate))
        received_at = rfc3339(datetime.fromtimestamp(stream.received_at, UTC))
        meta = stream.meta or {}
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
            missing=[] if concluded.summary is None else list(concluded.summary.missing_ranges),
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


def _result(concluded: FinishedStream, stored: StoredRecording) -> Result:
    summary = concluded.summary
    if summary is None:
        return result_of(stored, PreAnalysis(_NOTHING_HEARD, _NOTHING_HEARD), (), ("failed",))
    any_sound = summary.sound_quality or _NOTHING_HEARD
    quality = summary.heart_quality or any_sound
    unknown = ("unknown_model",) if summary.unknown_models else ()
    lost = summary.missing_samples / max(1, stored.samples)
    gaps = ("gaps",) if lost > summary.max_missing_fraction else ()
    heard = PreAnalysis(quality, any_sound, summary.heart_rate_bpm)
    result = result_of(stored, heard, summary.predictions, (*unknown, *gaps, *quality.reasons))
    facts = StreamFacts(
        ended_by="last" if concluded.is_ended else "silence",
        audio_start=stored.audio_start,
        missing_samples=summary.missing_samples,
        skipped_windows=summary.skipped_windows,
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
