"""Processor time of one recording, 4 s at 44.1 kHz, from its chunks to its result, by stage.

The baseline is the same sound through librosa and Keras, as in the systems that this project replaces.
"""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from bench import keras_baseline
from bench.progress import steps
from bench.stage_timer import StageTimer
from edge_worker.analysis.pipeline import Pipeline
from edge_worker.database.store import Store
from edge_worker.inference.classifier import Classifier, load_all
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.ingest import wav
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.ingest.spool import Spool
from edge_worker.protocol.chunk import LAST, PCM, Chunk, encode
from edge_worker.settings import Settings
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples

RATE: Final = 44_100
SECONDS: Final = 4.0
CHUNK: Final = 8192
RECORDINGS: Final = 100


def pcm() -> bytes:
    """Return the recording that is measured: mono PCM, 16 bits."""
    heart = heart_sound("murmur", 72, SECONDS, RATE, 1)
    return from_samples(heart.samples, RATE).pcm.astype("<i2").tobytes()


def payloads(sound: bytes, recording_id: int) -> list[bytes]:
    """Return the payloads of the chunks of one recording."""
    total = len(sound) // 2
    return [
        encode(
            Chunk(
                PCM,
                LAST if start + CHUNK >= total else 0,
                1,
                RATE,
                recording_id,
                start,
                min(CHUNK, total - start),
                sound[start * 2 : min(start + CHUNK, total) * 2],
            )
        )
        for start in range(0, total, CHUNK)
    ]


def measure(models_dir: Path) -> dict[str, float]:
    """Return `cpu_ms_per_recording`, its stages, and the ratio to librosa and Keras."""
    sound = pcm()
    stages = _worker_stages(sound, models_dir)
    ours_ms = sum(stages.values())
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "heart.wav"
        wav.write(path, sound, RATE, 1)
        baseline_ms = keras_baseline.cpu_ms(os.cpu_count() or 1, path, models_dir)
        one_thread_ms = keras_baseline.cpu_ms(1, path, models_dir)
    return {
        "cpu_ms_per_recording": ours_ms,
        **{f"cpu_ms_stage_{stage}": value for stage, value in stages.items()},
        "cpu_ms_keras_librosa": baseline_ms,
        "cpu_ratio_keras_librosa": baseline_ms / ours_ms,
        "cpu_ms_keras_librosa_one_thread": one_thread_ms,
        "cpu_ratio_keras_librosa_one_thread": one_thread_ms / ours_ms,
    }


def _worker_stages(sound: bytes, models_dir: Path) -> dict[str, float]:
    """Return CPU milliseconds per recording by stage, without MQTT, which `ingest` measures."""
    logging.getLogger("edge_worker").setLevel(logging.WARNING)
    watch = StageTimer()
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(data_dir=Path(name), models_dir=models_dir)
        spool, store = Spool(settings.data_dir / "spool"), Store.open(settings.database)
        intake = Intake(spool, settings, store.completeness)
        pipeline = Pipeline(
            settings, load_all(models_dir, settings.models), HeartSegmenter.load(models_dir), spool, store
        )
        receive = watch.timed("receive", intake.receive)
        keep = watch.timed("keep", pipeline.store)
        judge = watch.timed("judge", pipeline.analyse)
        save = watch.timed("save", store.save_results)
        delivered: list[int] = []
        with _stages_inside(watch):
            for number in steps(range(RECORDINGS + 5), "recordings"):
                if number == 5:  # the first ones pay for caches
                    watch.seconds.clear()
                events = [receive("st-01", payload, 0.0) for payload in payloads(sound, number)]
                for close in (
                    event for each in events for event in each if isinstance(event, ClosedRecording)
                ):
                    kept = keep([close])
                    delivered = [message.id for message in save([judge(each) for each in kept], delivered)]
                    intake.mark_stored(close.recording.key)
        store.close()
    return {stage: 1000 * seconds / RECORDINGS for stage, seconds in sorted(watch.seconds.items())}


class _stages_inside:  # noqa: N801 - a context manager named as a function
    """Context in which features, heart rate, quality and models are timed as stages of their own."""

    def __init__(self, watch: StageTimer) -> None:
        self._places: list[tuple[Any, str, Any]] = [
            (Signal, "resampled", watch.timed("resample", Signal.resampled)),
            (Signal, "features", watch.timed("log_mel", Signal.features)),
            (HeartSegmenter, "segment", watch.timed("heart_cycle", HeartSegmenter.segment)),
            (quality, "assess", watch.timed("quality", quality.assess)),
            (Classifier, "classify", watch.timed("models", Classifier.classify)),
        ]
        self._originals = [getattr(owner, name) for owner, name, _ in self._places]

    def __enter__(self) -> None:
        for owner, name, replacement in self._places:
            setattr(owner, name, replacement)

    def __exit__(self, *_: object) -> None:
        for (owner, name, _), original in zip(self._places, self._originals, strict=True):
            setattr(owner, name, original)
