"""Processor time of one recording, 4 s at 44.1 kHz, from its chunks to its result, stage by stage; and the
same sound through librosa and Keras, as the systems that this project replaces do it."""

import logging
import multiprocessing
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from bench.progress import steps
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
BASELINES: Final = 30

T = TypeVar("T")


class Stopwatch:
    """Adds up the processor time of this process by stage; stages inside others are taken off them."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    def timed(self, stage: str, action: Callable[..., T]) -> Callable[..., T]:
        """Return `action` with its processor time added to `stage`."""

        def run(*args: Any, **options: Any) -> T:  # noqa: ANN401 - whatever `action` takes
            self._switch()
            self._open.append(stage)
            try:
                return action(*args, **options)
            finally:
                self._switch()
                self._open.pop()

        return run

    def _switch(self) -> None:
        now = time.process_time()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


def pcm() -> bytes:
    """Return the recording that everything here is measured with: int16, mono."""
    heart = heart_sound("murmur", 72, SECONDS, RATE, 1)
    return from_samples(heart.samples, RATE).pcm.astype("<i2").tobytes()


def payloads(sound: bytes, recording_id: int) -> list[bytes]:
    """Return the chunks of one recording as they arrive."""
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
        baseline_ms = _elsewhere(os.cpu_count() or 1, path, models_dir)
        one_thread_ms = _elsewhere(1, path, models_dir)
    return {
        "cpu_ms_per_recording": ours_ms,
        **{f"cpu_ms_stage_{stage}": value for stage, value in stages.items()},
        "cpu_ms_keras_librosa": baseline_ms,
        "cpu_ratio_keras_librosa": baseline_ms / ours_ms,
        "cpu_ms_keras_librosa_one_thread": one_thread_ms,
        "cpu_ratio_keras_librosa_one_thread": one_thread_ms / ours_ms,
    }


def _worker_stages(sound: bytes, models_dir: Path) -> dict[str, float]:
    """Return CPU milliseconds a recording by stage, without MQTT itself: `ingest` measures that."""
    logging.getLogger("edge_worker").setLevel(logging.WARNING)
    watch = Stopwatch()
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


class _stages_inside:  # noqa: N801 - reads as a statement
    """While entered, features, heart rate, quality and models are timed as stages of their own."""

    def __init__(self, watch: Stopwatch) -> None:
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


def _elsewhere(threads: int, path: Path, models_dir: Path) -> float:
    """Return `_keras_librosa_ms` in a process whose linear algebra has so many threads, by default all cores.

    numpy reads it once, and the worker has set its own process to one.
    """
    before = os.environ["OPENBLAS_NUM_THREADS"]
    os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_keras_librosa_ms, (path, models_dir))
    finally:
        os.environ["OPENBLAS_NUM_THREADS"] = before


def _keras_librosa_ms(path: Path, models_dir: Path) -> float:
    """Return CPU milliseconds for one WAV file to the labels of as many models, by librosa and Keras.

    What the earlier systems do for each model: `librosa.load` with resampling, mel spectrogram, decibels,
    and `model.predict` on one clip. The network is a small CNN, so that the time is that of the method and
    not of a large model.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: PLC0415 - TensorFlow must not be in the process while the worker is measured
    import librosa  # noqa: PLC0415

    models = len(load_all(models_dir, Settings().models))

    def features() -> np.ndarray[Any, Any]:
        samples, _ = librosa.load(path, sr=4000, mono=True, duration=5.0)
        mel = librosa.feature.melspectrogram(y=samples, sr=4000, n_mels=128)
        return np.asarray(librosa.power_to_db(mel, ref=np.max)[None, ..., None])

    network = keras.Sequential(
        [
            keras.Input(features().shape[1:]),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    network.predict(features(), verbose=0)
    started = time.process_time()
    for _ in steps(range(BASELINES), "Keras and librosa"):
        for _ in range(models):
            network.predict(features(), verbose=0)
    return 1000 * (time.process_time() - started) / BASELINES
