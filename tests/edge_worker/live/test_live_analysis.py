"""Thread of the live analysis: failures of one stream, back pressure, saved state, previews."""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import wait_until

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.event_recording import EventRecording
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import StreamAudio, StreamEnd
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream_spool import SEGMENT_S, StreamSpool
from edge_worker.live.live_analysis import LiveAnalysis, LiveMessage, TrimRequest
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.live.stream_session import StreamSession
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.settings import Settings
from edge_worker.telemetry.live_metrics import LiveMetrics
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000


class Rig:
    """A live analysis between an intake on a real spool and two lists."""

    def __init__(self, directory: Path) -> None:
        settings = Settings(data_dir=directory, models_dir=MODELS, stream_audio_s=5)
        spool = Spool(directory / "spool")
        self.intake = Intake(spool, settings, lambda _device, _name: None)
        self.live_analysis = LiveAnalysis(
            settings,
            spool,
            ActiveProfiles(settings),
            models=LoadedModels(ModelRegistry.from_settings(settings), settings.models, is_quiet=True),
            segmenter=HeartSegmenter.load(MODELS),
            metrics=LiveMetrics("edge-01"),
        )
        self.posted: list[LiveMessage | TrimRequest] = []
        self.jobs: list[EventRecording | FinishedStream] = []
        self.is_busy = False
        self.live_analysis.connect(
            self.posted.append, self.posted.append, self.jobs.extend, lambda: self.is_busy
        )

    def send(self, chunk: Chunk, device_id: str = "st-01") -> None:
        for event in self.intake.receive(device_id, encode(chunk), time.monotonic()):
            assert isinstance(event, StreamAudio | StreamEnd)
            self.live_analysis.offer(event)

    def finished(self, device_id: str) -> FinishedStream | None:
        finished = [each for each in self.jobs if isinstance(each, FinishedStream)]
        return next((each for each in finished if each.stream.device_id == device_id), None)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.live_analysis.stop()


def chunks(seconds: float, flags: int = codec.STREAM) -> list[Chunk]:
    pcm = from_samples(synthesise("normal", 72, seconds, RATE, 1), RATE).pcm
    size = RATE // 2
    return [
        Chunk(
            codec.PCM,
            flags | (codec.LAST if start + size >= len(pcm) else 0),
            1,
            RATE,
            7,
            start,
            min(size, len(pcm) - start),
            pcm[start : start + size].astype("<i2").tobytes(),
        )
        for start in range(0, len(pcm), size)
    ]


def test_an_exception_ends_one_stream_and_no_other(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    process = StreamSession.process

    def fail(self: StreamSession, *args: object) -> list[EventRecording]:
        if self.stream.device_id == "st-02":
            raise RuntimeError("not processable")
        return process(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamSession, "process", fail)
    rig.live_analysis.start()
    for chunk in chunks(6):
        rig.send(chunk, "st-01")
        rig.send(chunk, "st-02")
    wait_until(lambda: rig.finished("st-01") and rig.finished("st-02"), "both ends")
    good, bad = rig.finished("st-01"), rig.finished("st-02")
    assert good is not None
    assert bad is not None
    assert bad.summary is None
    assert good.summary is not None
    assert [each.windows for each in good.summary.predictions] == [3, 3]
    assert rig.live_analysis.failure is None


@pytest.mark.parametrize("fails", [False, True])
def test_unclassified_windows_of_a_finished_stream_are_dropped(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    def fail(*_: object) -> list[EventRecording]:
        raise RuntimeError("not processable")

    events = [
        event for chunk in chunks(5) for event in rig.intake.receive("st-01", encode(chunk), time.monotonic())
    ]
    for event in events[:-2]:
        assert isinstance(event, StreamAudio)
        rig.live_analysis._process(event)
    assert list(rig.live_analysis._unclassified) == [("st-01", 7)], "there was no time yet"
    if fails:
        monkeypatch.setattr(StreamSession, "process", fail)
        assert isinstance(events[-2], StreamAudio)
        rig.live_analysis._process(events[-2])
    else:
        assert isinstance(events[-1], StreamEnd)
        rig.live_analysis._process(events[-1])
    assert not rig.live_analysis._unclassified


def test_a_disk_that_refuses_the_state_keeps_the_sound(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[object] = []

    def refuse(self: StreamSpool, stream: object, state: object) -> None:
        refused.append(state)
        raise OSError("No space left on device")

    monkeypatch.setattr(StreamSpool, "save_state", refuse)
    rig.live_analysis.start()
    for chunk in chunks(45):
        rig.send(chunk)
    wait_until(lambda: rig.finished("st-01"), "the end")
    assert len(refused) == 2, "after each segment"
    assert not [item for item in rig.posted if isinstance(item, TrimRequest)]


def test_classified_sound_that_is_not_to_be_stored_leaves_the_spool(rig: Rig) -> None:
    rig.live_analysis.start()
    for chunk in chunks(65):
        rig.send(chunk)
    wait_until(lambda: rig.finished("st-01"), "the end")
    trims = [item.before / RATE for item in rig.posted if isinstance(item, TrimRequest)]
    # After 20, 40 and 60 s; five seconds are stored, and what unclassified windows need stays.
    assert len(trims) == 3
    assert all(end - 12 < before <= end - 4.4 for before, end in zip(trims, (20, 40, 60), strict=True)), trims


def test_no_state_is_saved_past_an_event_that_is_not_durable(rig: Rig) -> None:
    stream_chunks = chunks(25)
    for chunk in stream_chunks[:45]:
        for event in rig.intake.receive("st-01", encode(chunk), 0.0):
            assert isinstance(event, StreamAudio)
    stream = rig.intake.streams.open["st-01", 7]
    live = rig.live_analysis
    adapt = partial(live._adaptations.of_device, "st-01")
    session = StreamSession(stream, live._models, live._segmenter, live._profiles.current, adapt)
    session._saved_position = -25 * RATE
    assert session.state_due(SEGMENT_S)
    session._unstored_events.append(EventRecording(None, b"", 0.0))  # type: ignore[arg-type] # only whether it is stored counts
    assert not session.state_due(SEGMENT_S)
    session._unstored_events[0].is_stored.set()
    assert session.state_due(SEGMENT_S)


def test_a_recording_that_arrives_all_at_once_gets_no_preview(rig: Rig) -> None:
    progressed: list[Recording] = []

    def preview(recording: Recording, now: float) -> None:
        progressed.append(recording)
        rig.live_analysis.preview(recording, now)

    rig.intake.recordings.on_progress = preview
    began = time.monotonic()
    for chunk in chunks(20, 0)[:-1]:
        rig.intake.receive("st-01", encode(chunk), began)
    assert len(progressed) > 30
    previews = rig.live_analysis._previews._schedule.due(time.monotonic() + 1)
    assert len(previews) <= 1, "at most one, before that was noticed"


def test_the_sound_that_waits_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the thread is slow, `offer` waits; no sound is dropped."""
    monkeypatch.setattr("edge_worker.live.live_queue.MAX_WAITING_BYTES", 10_000)
    most: list[int] = []
    process = StreamSession.process

    def slow(self: StreamSession, *args: object) -> list[EventRecording]:
        most.append(rig.live_analysis._queue.waiting_bytes)
        time.sleep(0.005)
        return process(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamSession, "process", slow)
    rig.live_analysis.start()
    for chunk in chunks(12):
        rig.send(chunk)
    wait_until(lambda: rig.finished("st-01"), "the end")
    assert max(most) <= 10_000 + 4000
    found = rig.finished("st-01")
    assert found is not None
    assert found.summary is not None
    assert [each.windows for each in found.summary.predictions] == [9, 9], "of all twelve seconds"
    assert (found.completeness, found.summary.skipped_windows) == ("complete", 0)
    assert np.isclose(found.summary.heart_rate_bpm or 0, 72, atol=3)


def test_a_chunk_longer_than_the_buffer_loses_no_window(rig: Rig) -> None:
    pcm = from_samples(synthesise("normal", 72, 30, 1000, 1), 1000).pcm
    body = pcm.astype("<i2").tobytes()
    rig.live_analysis.start()
    rig.send(Chunk(codec.PCM, codec.STREAM | codec.LAST, 1, 1000, 7, 0, len(pcm), body))
    wait_until(lambda: rig.finished("st-01"), "the end")
    found = rig.finished("st-01")
    assert found is not None
    assert found.summary is not None
    assert [each.windows for each in found.summary.predictions] == [27, 27]
    assert found.summary.skipped_windows == 0


@pytest.fixture
def open_recordings(rig: Rig) -> list[Recording]:
    """Three, each with some seconds of sound that arrived as it was recorded."""
    for device in ("st-01", "st-02", "st-03"):
        for chunk in chunks(5, 0)[:-1]:
            rig.intake.receive(device, encode(chunk), time.monotonic())
    return list(rig.intake.recordings.open.values())


def test_results_come_before_previews_of_open_recordings(rig: Rig, open_recordings: list[Recording]) -> None:
    recording, live = open_recordings[0], rig.live_analysis

    def turn() -> None:
        live.preview(recording, time.monotonic())
        live._previews._schedule._turn -= 2
        live._publish_previews()

    rig.is_busy = True
    turn()
    assert (rig.posted, live.metrics.skipped_previews) == ([], 1)
    rig.is_busy = False
    live._previews._schedule._previews.clear()
    turn()
    (message,) = rig.posted
    assert isinstance(message, LiveMessage)
    assert message.topic == "stetho/v1/device/st-01/down/live"
    # CPU time that was spent is not there again.
    live._previews._schedule._previews.clear()
    live._previews._budget.credit_s = -1.0
    turn()
    assert (len(rig.posted), live.metrics.skipped_previews) == (1, 2)


def test_hints_are_made_together_and_one_that_fails_costs_no_other(
    rig: Rig, open_recordings: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = RecordingPreview.hear

    def fail(self: RecordingPreview, *args: object) -> object:
        if self.recording.device_id == "st-02":
            raise RuntimeError("not processable")
        return hear(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordingPreview, "hear", fail)
    rig.live_analysis.start()
    for recording in open_recordings:
        rig.live_analysis.preview(recording, time.monotonic())
    wait_until(lambda: len(rig.posted) >= 2, "hints of the other two")
    shown = {each.topic: json.loads(each.payload) for each in rig.posted if isinstance(each, LiveMessage)}
    assert shown.keys() == {f"stetho/v1/device/{device}/down/live" for device in ("st-01", "st-03")}
    assert all(value["hint"].startswith("HR 7") for value in shown.values())
    assert rig.live_analysis.failure is None
