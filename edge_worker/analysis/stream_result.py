"""Writer of finished streams: the end of the sound, the result and the timeline become durable."""

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from edge_worker.analysis.assigned_subject import with_subject
from edge_worker.analysis.finished_stream import FinishedStream, StreamSummary
from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.analysis.recording_result import analysis_result, build_result, log_result
from edge_worker.analysis.recording_times import RecordingTimes
from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import sound_name
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import Store, StoredRecording, StoreFault
from edge_worker.ingest import wav
from edge_worker.ingest.recording import plausible_bytes
from edge_worker.ingest.sample_ranges import MissingRanges
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol import strict_json
from edge_worker.protocol.result import Quality, Result, StreamFacts
from edge_worker.settings import Settings
from edge_worker.signal.quality import impossible
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_TOO_SHORT: Final = Quality(usable=False, snr_db=None, clipped=0.0, reasons=("too_short",))
_EMPTY_TIMELINE: Final[dict[str, Any]] = {"models": {}, "heart": []}
_PIECE_BYTES: Final = 2**20


class StreamResultWriter:
    """Stores finished streams with their results. Used by the thread of the recording analysis."""

    def __init__(
        self, settings: Settings, spool: StreamSpool, store: Store, audio: AudioStore | None = None
    ) -> None:
        self._settings = settings
        self._audio = audio or open_audio(settings)
        self._spool = spool
        self._store = store

    def store(self, finished: FinishedStream) -> tuple[Result, list[OutboxMessage]]:
        """Store a stream with its result; return the result, and the messages that announce it.

        Done again after a crash anywhere in between, it leads to the same file and row.

        Raises:
            OSError, StoreFault: disk or database refuse for now; try again later.
        """
        try:
            return self._save(finished)
        except (OSError, *StoreFault):
            raise
        except Exception:
            if finished.summary is None:
                raise
            _LOG.exception(line("failed", device=finished.stream.device_id, recording=finished.stream.name))
            return self._save(replace(finished, summary=None))  # its sound stays, with the result `error`

    def _save(self, finished: FinishedStream) -> tuple[Result, list[OutboxMessage]]:
        started = time.perf_counter()
        stored = with_subject(self._write(finished), self._store)
        result = self._result(finished, stored)
        timeline = _EMPTY_TIMELINE if finished.summary is None else finished.summary.timeline
        document = strict_json.write(timeline)
        messages = self._store.save_stream(stored, lambda row: analysis_result(row, result), document)
        self._spool.remove(finished.stream)
        log_result(result, (time.perf_counter() - started) * 1000)
        return result, messages

    def _result(self, finished: FinishedStream, stored: StoredRecording) -> Result:
        """Return the result of a stream; what one of its events says is not hidden by it."""
        result = _result(finished, stored, self._settings.language)
        event = self._store.event_verdict(stored.device_id, stored.recording_id)
        is_hidden = event is not None and event.is_hidden_by(result.verdict)
        return replace(result, event_verdict=event) if is_hidden else result

    def set_aside(self, finished: FinishedStream, reason: Exception) -> None:
        """Take a stream that cannot be stored out of the spool, for an operator to look at."""
        self._spool.set_aside(finished.stream, reason)

    def _write(self, finished: FinishedStream) -> StoredRecording:
        """Write the end of the sound as a WAV file, if the settings ask for any; return the stream's row."""
        stream, summary, audio_s = finished.stream, finished.summary, self._settings.stream_audio_s
        start = max(0, stream.next_sample - round(audio_s * stream.sample_rate))
        meta = stream.meta or {}
        times = RecordingTimes.of(stream.received_at, meta, self._store.clock)
        digest = hashlib.sha256()
        audio_file = sound_name(stream.device_id, stream.name)
        if audio_s:
            missing = MissingRanges([] if summary is None else summary.missing_ranges)
            start = self._plausible_start(stream, start, missing)
            parts = _hashed(self._pcm(stream, start), digest)
            size = (stream.next_sample - start) * stream.bytes_per_sample
            wav.write_parts(self._audio, audio_file, parts, stream.sample_rate, stream.channels, size=size)
        return StoredRecording(
            device_id=stream.device_id,
            recording_id=stream.name,
            **times._asdict(),
            completeness=finished.completeness,
            missing=[] if summary is None else list(summary.missing_ranges),
            sample_rate=stream.sample_rate,
            channels=stream.channels,
            samples=stream.next_sample,
            audio_sha256=digest.hexdigest(),
            audio_file=audio_file,
            meta=meta,
            exam=meta.get("exam"),
            subject=meta.get("subject"),
            audio_start=start if audio_s else stream.next_sample,
        )

    def _plausible_start(self, stream: Stream, start: int, missing: MissingRanges) -> int:
        """Return the sample from which on there is enough sound, beside gaps; `start` or a later one.

        What is not here and not `missing` was classified on a machine that is gone: sound begins behind it.
        """
        ranges = [
            (max(start, each.first_sample), each.end) for each in self._spool.read_chunks(stream, start)
        ]
        size, position, silent, came = stream.bytes_per_sample, stream.next_sample, 0, 0
        plausible = position
        for first, end in [*reversed(ranges), (start, start)]:
            if missing.within(end, position) < position - end:
                break
            silent += max(0, position - end) * size
            came += max(0, min(position, end) - first) * size
            position = min(position, first)
            if silent <= plausible_bytes(came):
                plausible = position
        return plausible

    def _pcm(self, stream: Stream, start: int) -> Iterator[bytes]:
        """Yield the PCM from sample `start` to the end, chunk by chunk, gaps as zeros."""
        position, size = start, stream.bytes_per_sample
        for chunk in self._spool.read_chunks(stream, start):
            if chunk.first_sample > position:
                gap_end = min(chunk.first_sample, stream.next_sample)
                yield from _zeros((gap_end - position) * size)
                position = gap_end
            fresh = bytes(chunk.body[(position - chunk.first_sample) * size :])
            fresh = fresh[: (stream.next_sample - position) * size]
            position += len(fresh) // size
            yield fresh
        yield from _zeros((stream.next_sample - position) * size)


def _result(finished: FinishedStream, stored: StoredRecording, language: str) -> Result:
    summary = finished.summary
    if summary is None:
        return build_result(stored, PreAnalysis(_TOO_SHORT, _TOO_SHORT), (), ("failed",), language)
    if finished.stream.is_of_another_rate:
        summary = _at_another_rate(summary)
    any_sound = summary.sound_quality or _TOO_SHORT
    quality = summary.heart_quality or any_sound
    unknown = ("unknown_model",) if summary.unknown_models else ()
    lost = summary.missing_samples / max(1, stored.samples)
    gaps = ("gaps",) if lost > summary.max_missing_fraction else ()
    pre_analysis = PreAnalysis(quality, any_sound, summary.heart_rate_bpm)
    reasons = (*unknown, *gaps, *quality.reasons)
    facts = StreamFacts(
        ended_by="last" if finished.is_ended else "silence",
        audio_start=stored.audio_start,
        missing_samples=summary.missing_samples,
        skipped_windows=summary.skipped_windows,
    )
    result = build_result(stored, pre_analysis, summary.predictions, reasons, language)
    return replace(result, stream=facts, audio=replace(result.audio, channel=summary.channel))


def _at_another_rate(summary: StreamSummary) -> StreamSummary:
    """Return the summary of a stream whose windows were judged at a wrong rate: nothing of it counts."""
    no_sound = impossible("wrong_rate")
    return replace(
        summary,
        predictions=tuple(replace(each, accepted=False) for each in summary.predictions),
        heart_quality=None if summary.heart_quality is None else no_sound,
        sound_quality=no_sound,
        heart_rate_bpm=None,
    )


def _hashed(parts: Iterator[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for part in parts:
        digest.update(part)
        yield part


def _zeros(size: int) -> Iterator[bytes]:
    """Yield `size` zero bytes, in pieces."""
    for start in range(0, size, _PIECE_BYTES):
        yield bytes(min(_PIECE_BYTES, size - start))
