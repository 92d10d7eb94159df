"""Pipeline of a closed recording: its sound becomes durable, then its result is computed."""

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from edge_worker.analysis.active_adaptations import ActiveAdaptations
from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.assigned_subject import with_subject
from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.lost_recordings import lost_recordings
from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.analysis.recording_result import analysis_result, build_result, log_result
from edge_worker.analysis.recording_times import RecordingTimes
from edge_worker.analysis.samples.heard_sound import HeardSound
from edge_worker.audio_store.audio_store import AudioStore, require
from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import sound_name
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.errors import AudioStoreError, StoreError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.ingest import wav
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.ingest.spool import Spool
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Quality, Result
from edge_worker.settings import Settings
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.device_spectrum import spectral_shape
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_REMOTE_WRITERS: Final = 16
"""A batch has no more: what they wait for is far away, and takes many at once."""
_PATIENCE_S: Final = 2.0
J = TypeVar("J")
W = TypeVar("W")
_UNUSABLE: Final = Quality(usable=False, snr_db=None, clipped=0.0)
_NO_PRE_ANALYSIS: Final = PreAnalysis(_UNUSABLE, _UNUSABLE)


@dataclass(frozen=True, slots=True)
class UnanalysedRecording:
    """A durable recording that has no result yet."""

    recording: StoredRecording
    pcm: bytes | bytearray | None = None
    """Samples as `<i2`, interleaved; None: read the WAV file."""
    is_of_another_rate: bool = False
    """Whether the sound came faster than at the rate that it declares."""


class Pipeline:
    """Stores and analyses recordings. Used by the thread of the recording analysis."""

    def __init__(
        self,
        settings: Settings,
        classifiers: Mapping[str, Classifier],
        segmenter: HeartSegmenter,
        spool: Spool,
        store: Store,
        *,
        refresh: Callable[[], bool] = lambda: False,
        profiles: ActiveProfiles | None = None,
        adaptations: ActiveAdaptations | None = None,
        audio: AudioStore | None = None,
        check_audio: Callable[[], str] | None = None,
    ) -> None:
        self._settings = settings
        self._adaptations = adaptations or ActiveAdaptations()
        self._profiles = profiles or ActiveProfiles(settings)
        self._classifiers = classifiers
        self._segmenter = segmenter
        self._spool = spool
        self._audio = audio or open_audio(settings)
        self._check_audio = check_audio or self._audio.check
        self._store = store
        self.refresh = refresh
        """Loads promoted models and changed profiles; returns True when something changed."""
        self._writers = ThreadPoolExecutor(_REMOTE_WRITERS, thread_name_prefix="wav")
        self.while_waiting: Callable[[], None] = lambda: None
        """Called every few seconds while the store of sounds keeps the storage waiting."""

    def versions(self) -> dict[str, str]:
        """Return the active version of each model."""
        return {model: each.card.version for model, each in self._classifiers.items()}

    def store(self, closes: Sequence[ClosedRecording]) -> list[UnanalysedRecording]:
        """Make closed recordings durable: their WAV files, then their rows, then remove them from the spool.

        Done again after a crash anywhere in between, it leads to the same files and rows.

        Raises:
            OSError, StoreFault: disk or database refuse for now; try again later.
            SpoolFileError: the chunk file of one of them is gone or damaged.
        """
        written = list(map(self._read, closes))
        self._write([each for each, _ in written], [pcm for _, pcm in written])
        stored = self._store.save_recordings([each for each, _ in written], assign=True)
        for close in closes:
            self._spool.remove(close.recording)
        return [
            UnanalysedRecording(recording, pcm, close.recording.is_of_another_rate)
            for recording, (_, pcm), close in zip(stored, written, closes, strict=True)
        ]

    def _write(self, new: Sequence[StoredRecording], sounds: Sequence[bytes | bytearray]) -> None:
        """Write the WAV files of recordings: together to a disk, over a network side by side."""
        files = {
            each.audio_file: wav.content(pcm, each.sample_rate, each.channels)
            for each, pcm in zip(new, sounds, strict=True)
        }
        if self._audio.is_remote:
            self._each(self._audio.write_all, [{name: content} for name, content in files.items()])
        elif files:
            self._audio.write_all(files)

    def _each(self, action: Callable[[J], W], jobs: Sequence[J]) -> list[W]:
        """Return what `action` returns for each job: each waits for a network, side by side."""
        futures = [self._writers.submit(action, job) for job in jobs]
        waiting, until = set(futures), FIRST_EXCEPTION
        while waiting:
            done, waiting = wait(waiting, _PATIENCE_S, until)
            if any(not each.cancelled() and each.exception() for each in done):
                # What has begun ends first: another try writes the same files.
                waiting = {each for each in waiting if not each.cancel()}
                until = ALL_COMPLETED
            elif waiting:
                self.while_waiting()
        return [future.result() for future in futures]

    def check_audio(self) -> str:
        """Return where sounds are stored; raises StoreError where they cannot be now."""
        if not self._audio.is_remote:
            return self._check_audio()
        (place,) = self._each(lambda check: check(), [self._check_audio])
        return place

    def lost_recordings(self) -> Iterator[StoredRecording]:
        """Yield the recordings whose WAV files no row names, to be stored again."""
        return lost_recordings(self._audio, self._store.known(), self._store.clock.now())

    def set_aside(self, close: ClosedRecording, reason: Exception) -> None:
        """Take a recording that cannot be stored out of the spool, for an operator to look at."""
        self._spool.set_aside(close.recording, reason)

    def _read(self, close: ClosedRecording) -> tuple[StoredRecording, bytearray]:
        """Return the row of a recording, and its PCM."""
        recording = close.recording
        samples = recording.received.end if recording.end is None else recording.end
        pcm = self._spool.read_pcm(recording, samples)
        meta = recording.meta or {}
        times = RecordingTimes.of(recording.received_at, meta, self._store.clock)
        stored = StoredRecording(
            device_id=recording.device_id,
            recording_id=recording.name,
            **times._asdict(),
            completeness=close.completeness,
            missing=recording.gaps(),
            sample_rate=recording.sample_rate,
            channels=recording.channels,
            samples=samples,
            audio_sha256=hashlib.sha256(pcm).hexdigest(),
            audio_file=sound_name(recording.device_id, recording.name),
            meta=meta,
            exam=meta.get("exam"),
            file_name=meta.get("file_name"),
            subject=meta.get("subject"),
        )
        return stored, pcm

    def store_events(self, events: Sequence[EventRecording]) -> list[UnanalysedRecording]:
        """Make events durable; return those that are new: neither stored already nor deleted.

        Raises:
            OSError, StoreFault: disk or database refuse for now; try again later.
        """
        dated = [replace(each, recording=self._dated(each)) for each in events]
        fresh = [each for each in dated if self._is_new(each.recording)]
        self._write([each.recording for each in fresh], [each.pcm for each in fresh])
        stored = self._store.save_recordings([each.recording for each in fresh]) if fresh else []
        for each in events:
            each.is_stored.set()
        return [
            UnanalysedRecording(recording, each.pcm) for recording, each in zip(stored, fresh, strict=True)
        ]

    def _dated(self, event: EventRecording) -> StoredRecording:
        stream = event.times_of_stream(self._store.clock)
        return with_subject(event.dated(self._store.clock), self._store, stream)

    def _is_new(self, recording: StoredRecording) -> bool:
        return self._store.completeness(recording.device_id, recording.recording_id) is None

    def delete_event_audio(self, results: Sequence[AnalysisResult]) -> None:
        """Delete the WAV files of events that have their result, unless sound of streams is stored."""
        if self._settings.stream_audio_s:
            return
        events = [each.result for each in results if each.result.event is not None]
        with contextlib.suppress(OSError, StoreError):  # a file too many harms nobody
            self._audio.remove([sound_name(each.device_id, each.recording_id) for each in events])

    def analyse(self, unanalysed: UnanalysedRecording) -> AnalysisResult:
        """Return the result of a stored recording, with the messages that announce it.

        Any exception becomes a result of status `error`: a recording that raises one must not be analysed
        again at every start.

        Raises:
            AudioStoreError: the store does not give its sound now; try again later.
        """
        started = time.perf_counter()
        stored = unanalysed.recording
        try:
            pcm = unanalysed.pcm
            if pcm is None:
                pcm = wav.read(require(self._audio, stored.audio_file))
            result, heart_shape = self._result(stored, pcm, is_of_another_rate=unanalysed.is_of_another_rate)
            analysed = replace(analysis_result(stored.id, result), heart_shape=heart_shape)
        except AudioStoreError:
            raise
        except Exception:
            _LOG.exception(line("failed", device=stored.device_id, recording=stored.recording_id))
            analysed = self.failed_result(stored)
        log_result(analysed.result, (time.perf_counter() - started) * 1000)
        return analysed

    def _result(
        self, stored: StoredRecording, pcm: bytes | bytearray, *, is_of_another_rate: bool
    ) -> tuple[Result, tuple[float, ...] | None]:
        """Return the result of a recording, and the spectral shape that its device learns from it."""
        requested = self._profiles.current.models(stored.device_id, stored.meta)
        classifiers = [self._classifiers[model] for model in requested if model in self._classifiers]
        unknown = () if len(classifiers) == len(requested) else ("unknown_model",)
        samples = np.frombuffer(pcm, "<i2").reshape(-1, stored.channels)
        heard = HeardSound.of(
            samples,
            stored.sample_rate,
            stored.meta.get("amplification", 1),
            is_heart=any(each.card.domain == "heart" for each in classifiers),
            has_gaps=bool(stored.missing),
        )
        signal = heard.signal
        fault = heard.fault or ("wrong_rate" if is_of_another_rate else None)
        pre_analysis = (
            PreAnalysis.of(signal, [each.card for each in classifiers], self._segmenter)
            if fault is None
            else PreAnalysis.impossible(fault)
        )
        lost = _missing_fraction(stored)
        gaps = ("gaps",) if any(lost > each.card.max_missing_fraction for each in classifiers) else ()
        predictions = tuple(
            _accepted_only_if(
                pre_analysis.usable(each.card) and lost <= each.card.max_missing_fraction,
                each.classify(signal, self._adaptations.of_device(stored.device_id, each.card)),
            )
            for each in (classifiers if stored.samples else ())
        )
        reasons = (*unknown, *gaps, *pre_analysis.quality.reasons)
        result = build_result(stored, pre_analysis, predictions, reasons, self._settings.language)
        result = replace(result, audio=replace(result.audio, channel=heard.channel))
        can_learn = any(each.card.adaptation is not None for each in classifiers)
        is_heart = pre_analysis.quality.usable and not gaps and stored.parent is None
        return result, _heart_shape(signal) if can_learn and is_heart else None

    def failed_result(self, stored: StoredRecording) -> AnalysisResult:
        """Return the result `error`, without META and exam of the device: those may be what fails."""
        bare = replace(stored, meta={}, exam=None)
        failed = build_result(bare, _NO_PRE_ANALYSIS, (), ("failed",), self._settings.language)
        return analysis_result(stored.id, failed)


def _heart_shape(signal: Signal) -> tuple[float, ...]:
    shape = spectral_shape(signal.features(HEART_LOG_MEL))
    return tuple(round(float(level), 4) for level in shape)


def _accepted_only_if(is_usable: bool, prediction: Prediction) -> Prediction:
    return prediction if is_usable else replace(prediction, accepted=False)


def _missing_fraction(stored: StoredRecording) -> float:
    return sum(end - start for start, end in stored.missing) / max(stored.samples, 1)
