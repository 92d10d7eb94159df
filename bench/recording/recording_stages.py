"""Processor time of each stage that a live recording goes through, on one thread, with the real broker."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from bench.progress import steps
from bench.recording.heart_recording import RATE, pcm
from bench.recording.light_device import LightDevice
from bench.stage_timer import StageTimer
from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.pipeline import Pipeline
from edge_worker.analysis.samples import impossible_sound
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import Store
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.familiarity import Familiarity
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording, stored_message
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spool import Spool
from edge_worker.live import recording_preview
from edge_worker.live.preview_schedule import FIRST_PREVIEW_S, TURN_S
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import topics
from edge_worker.publisher import Publisher
from edge_worker.settings import Settings
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from simulator.site.site import Site

RECORDINGS: Final = 100
_WARM: Final = 5
"""Recordings that pay for caches, and are not counted."""
_DEVICE: Final = "st-01"
_WITHIN_S: Final = 30.0
_SUBSCRIBED_AFTER: Final = 10
"""Looks at a quiet socket, 0.1 s each, after which the broker has taken the subscription."""


class _Stages:
    """A worker whose stages follow each other: what its threads do, without threads."""

    def __init__(self, settings: Settings, timer: StageTimer) -> None:
        self.spool, self.store = Spool(settings.data_dir / "spool"), Store.open(settings.database)
        self._segmenter = HeartSegmenter.load(settings.models_dir)
        self._models = LoadedModels(ModelRegistry.from_settings(settings), settings.models, is_quiet=True)
        self._profiles = ActiveProfiles(settings)
        self.intake = Intake(self.spool, settings, self.store.received.completeness)
        self.intake.recordings.on_progress = self._on_progress
        pipeline = Pipeline(settings, self._models, self._segmenter, self.spool, self.store)
        self.connection = Connection(settings, [topics.ALL_PCM], None, self)
        self.publisher = Publisher(self.connection, self._on_delivered, self.spool.quarantine)
        self._delivered: list[int] = []
        self._closed: list[ClosedRecording] = []
        self._preview: RecordingPreview | None = None
        self._hint_at_s = 0.0
        self._receive = timer.timed("receive", self.intake.receive)
        self._keep = timer.timed("keep", pipeline.store)
        self._judge = timer.timed("judge", pipeline.analyse)
        self._save = timer.timed("save", self.store.save_results)
        self._publish = timer.timed("publish", self.publisher.publish_outbox)
        self._confirm = timer.timed("publish", self.publisher.publish_control)
        self._hint = timer.timed("hints", self._send_hint)
        self.loop = timer.timed("mqtt", self.connection.loop)

    def on_connected(self) -> None:
        """Nothing to do."""

    def on_disconnected(self) -> None:
        """Nothing to do."""

    def on_published(self, number: int) -> None:
        """Take a message out of the outbox."""
        self.publisher.on_published(number)

    def on_message(self, message: Inbound) -> None:
        """Receive a chunk."""
        events = self._receive(_DEVICE, message.payload, 0.0)
        self._closed += [each for each in events if isinstance(each, ClosedRecording)]
        self.connection.ack(message)

    def run(self) -> None:
        """Take one recording from its first chunk to the broker's receipt for its result."""
        self._loop_until(lambda: bool(self._closed), "the last chunk")
        close = self._closed.pop()
        (unanalysed,) = self._keep([close])
        self._confirm(stored_message(_DEVICE, close.recording.name, close.completeness))
        self.intake.mark_stored(close.recording.key)
        messages: list[OutboxMessage] = self._save([self._judge(unanalysed)], self._delivered)
        self._delivered = []
        for message in messages:
            self._publish(message)
        self._loop_until(lambda: not self.publisher.waiting, "the broker's receipts")

    def _loop_until(self, is_done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not is_done():
            self.loop()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {_WITHIN_S:g} s")

    def _on_delivered(self, message_id: int) -> None:
        self._delivered.append(message_id)

    def _on_progress(self, recording: Recording, _now: float) -> None:
        if self._preview is None or self._preview.recording is not recording:
            self._preview, self._hint_at_s = RecordingPreview(recording), FIRST_PREVIEW_S
        received_s = recording.received.end / RATE
        if received_s >= self._hint_at_s and recording.end is None:
            self._hint_at_s = received_s + TURN_S
            self._hint(self._preview)

    def _send_hint(self, preview: RecordingPreview) -> None:
        (value,) = recording_preview.values(
            [preview], self.spool, self._models, self._segmenter, self._profiles.current
        )
        if value is not None:
            self.connection.publish_at_most_once(topics.live(_DEVICE), value.to_json())


def measure(models_dir: Path, recordings: int = RECORDINGS, apart_s: float = 0.0) -> dict[str, float]:
    """Return CPU milliseconds per recording, by stage; this process rests for `apart_s` before each."""
    timer, sound = StageTimer(), pcm()
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        settings = Settings.from_environ(site.environ | {"STETHO_MODELS_DIR": str(models_dir)})
        device = LightDevice(site.add_device(_DEVICE), (site.broker.host, site.broker.port), 1)
        stages = _Stages(settings, timer)
        for _ in range(_SUBSCRIBED_AFTER):
            stages.connection.loop()
        with _nested_stages(timer):
            for number in steps(range(recordings + _WARM), "recordings"):
                if number == _WARM:
                    timer.seconds.clear()
                time.sleep(apart_s)
                device.send_recording(sound)
                stages.run()
        device.close()
        stages.connection.close(1.0)
        stages.store.close()
    return {stage: 1000 * seconds / recordings for stage, seconds in sorted(timer.seconds.items())}


@contextmanager
def _nested_stages(timer: StageTimer) -> Iterator[None]:
    """Time parts of the analysis as stages of their own, wherever they run."""
    stages: tuple[tuple[Any, str, str], ...] = (
        (impossible_sound, "find_fault", "impossible_sound"),
        (Signal, "resampled", "resample"),
        (Signal, "features", "log_mel"),
        (HeartSegmenter, "segment", "heart_cycle"),
        (quality, "assess", "quality"),
        (Familiarity, "of", "familiarity"),
        (Classifier, "classify", "models"),
    )
    with ExitStack() as stack:
        for owner, name, stage in stages:
            stack.enter_context(patch.object(owner, name, timer.timed(stage, getattr(owner, name))))
        yield
