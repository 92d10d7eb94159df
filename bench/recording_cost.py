"""Processor time of one recording, 4 s at 44.1 kHz, from its chunks to its result, by stage.

The baseline is the same sound through librosa and Keras, as in the systems that this project replaces.
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from bench import keras_baseline
from bench.progress import steps
from bench.stage_timer import StageTimer
from edge_worker.analysis.pipeline import Pipeline
from edge_worker.audio_store.audio_directory import AudioDirectory
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
        wav.write(AudioDirectory(Path(name)), "heart.wav", sound, RATE, 1)
        path = Path(name) / "heart.wav"
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
    timer = StageTimer()
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(data_dir=Path(name), models_dir=models_dir)
        spool, store = Spool(settings.data_dir / "spool"), Store.open(settings.database)
        intake = Intake(spool, settings, store.completeness)
        pipeline = Pipeline(
            settings, load_all(models_dir, settings.models), HeartSegmenter.load(models_dir), spool, store
        )
        receive = timer.timed("receive", intake.receive)
        store_recordings = timer.timed("keep", pipeline.store)
        analyse = timer.timed("judge", pipeline.analyse)
        save_results = timer.timed("save", store.save_results)
        delivered: list[int] = []
        with _nested_stages(timer):
            for number in steps(range(RECORDINGS + 5), "recordings"):
                if number == 5:  # the first ones pay for caches
                    timer.seconds.clear()
                events = [receive("st-01", payload, 0.0) for payload in payloads(sound, number)]
                for close in (
                    event for each in events for event in each if isinstance(event, ClosedRecording)
                ):
                    results = [analyse(each) for each in store_recordings([close])]
                    delivered = [message.id for message in save_results(results, delivered)]
                    intake.mark_stored(close.recording.key)
        store.close()
    return {stage: 1000 * seconds / RECORDINGS for stage, seconds in sorted(timer.seconds.items())}


@contextmanager
def _nested_stages(timer: StageTimer) -> Iterator[None]:
    """Time resampling, features, heart cycle, quality and models as stages of their own."""
    stages: tuple[tuple[Any, str, str], ...] = (
        (Signal, "resampled", "resample"),
        (Signal, "features", "log_mel"),
        (HeartSegmenter, "segment", "heart_cycle"),
        (quality, "assess", "quality"),
        (Classifier, "classify", "models"),
    )
    with ExitStack() as stack:
        for owner, name, stage in stages:
            stack.enter_context(patch.object(owner, name, timer.timed(stage, getattr(owner, name))))
        yield
