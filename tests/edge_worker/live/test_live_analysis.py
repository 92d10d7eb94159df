"""The thread that listens: what fails alone, what waits, what is not looked at."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import wait_until

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.finished_stream import FinishedStream
from edge_worker.analysis.pipeline import EventRecording
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream_intake import StreamAudio, StreamEnd
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.live.live_analysis import Live, LiveAnalysis, Trim
from edge_worker.live.stream_session import StreamSession
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.settings import Settings
from edge_worker.telemetry.live_metrics import LiveMetrics
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000


class Bench:
    """A coach between an intake on a real spool and two lists."""

    def __init__(self, directory: Path) -> None:
        settings = Settings(data_dir=directory, models_dir=MODELS, stream_audio_s=5)
        spool = Spool(directory / "spool")
        self.intake = Intake(spool, settings, lambda _device, _name: None)
        self.coach = LiveAnalysis(
            settings,
            spool,
            ActiveProfiles(settings),
            models=LoadedModels(ModelRegistry.of(settings), settings.models, is_quiet=True),
            segmenter=Segmenter.load(MODELS),
            tally=LiveMetrics("edge-01"),
        )
        self.said: list[Live | Trim] = []
        self.jobs: list[EventRecording | FinishedStream] = []
        self.is_busy = False
        self.coach.connect(self.said.append, self.jobs.extend, lambda: self.is_busy)

    def send(self, chunk: Chunk, device_id: str = "st-01") -> None:
        for event in self.intake.receive(device_id, encode(chunk), time.monotonic()):
            assert isinstance(event, StreamAudio | StreamEnd)
            self.coach.offer(event)

    def concluded(self, device_id: str) -> FinishedStream | None:
        found = [
            job for job in self.jobs if isinstance(job, FinishedStream) and job.stream.device_id == device_id
        ]
        return found[0] if found else None


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.coach.stop()


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


def test_what_no_code_can_digest_ends_one_stream_and_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = StreamSession.hear

    def choke(self: StreamSession, *args: object) -> list[EventRecording]:
        if self.stream.device_id == "st-02":
            raise RuntimeError("indigestible")
        return hear(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamSession, "hear", choke)
    bench.coach.start()
    for chunk in chunks(6):
        bench.send(chunk, "st-01")
        bench.send(chunk, "st-02")
    wait_until(lambda: bench.concluded("st-01") and bench.concluded("st-02"), "both ends")
    good, bad = bench.concluded("st-01"), bench.concluded("st-02")
    assert good is not None
    assert bad is not None
    assert bad.summary is None
    assert good.summary is not None
    assert [each.windows for each in good.summary.predictions] == [3, 3]
    assert bench.coach.failure is None


@pytest.mark.parametrize("fails", [False, True])
def test_windows_of_a_stream_that_is_over_are_waited_for_no_longer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    def choke(*_: object) -> list[EventRecording]:
        raise RuntimeError("indigestible")

    events = [
        event
        for chunk in chunks(5)
        for event in bench.intake.receive("st-01", encode(chunk), time.monotonic())
    ]
    for event in events[:-2]:
        assert isinstance(event, StreamAudio)
        bench.coach._take(event)
    assert list(bench.coach._unjudged) == [("st-01", 7)], "nobody had time yet"
    if fails:
        monkeypatch.setattr(StreamSession, "hear", choke)
        assert isinstance(events[-2], StreamAudio)
        bench.coach._take(events[-2])
    else:
        assert isinstance(events[-1], StreamEnd)
        bench.coach._take(events[-1])
    assert not bench.coach._unjudged


def test_a_disk_that_refuses_the_state_keeps_the_sound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[object] = []

    def refuse(self: StreamSpool, stream: object, state: object) -> None:
        refused.append(state)
        raise OSError("No space left on device")

    monkeypatch.setattr(StreamSpool, "save", refuse)
    bench.coach.start()
    for chunk in chunks(45):
        bench.send(chunk)
    wait_until(lambda: bench.concluded("st-01"), "the end")
    assert len(refused) == 2, "after each segment"
    assert not [item for item in bench.said if isinstance(item, Trim)]


def test_sound_that_was_judged_and_is_not_to_be_kept_is_let_go(bench: Bench) -> None:
    bench.coach.start()
    for chunk in chunks(65):
        bench.send(chunk)
    wait_until(lambda: bench.concluded("st-01"), "the end")
    trims = [item.before / RATE for item in bench.said if isinstance(item, Trim)]
    # After 20, 40 and 60 s; five seconds are kept, and what windows that wait for their turn still need.
    assert len(trims) == 3
    assert all(end - 12 < before <= end - 4.4 for before, end in zip(trims, (20, 40, 60), strict=True)), trims


def test_no_state_is_saved_past_an_event_that_is_not_durable(bench: Bench) -> None:
    stream_chunks = chunks(25)
    for chunk in stream_chunks[:45]:
        for event in bench.intake.receive("st-01", encode(chunk), 0.0):
            assert isinstance(event, StreamAudio)
    stream = bench.intake.streams.open["st-01", 7]
    board = bench.coach._board
    session = StreamSession(stream, bench.coach._models, bench.coach._segmenter, board.current)
    session._saved = -25 * RATE
    assert session.state_due()
    session._pending.append(EventRecording(None, b""))  # type: ignore[arg-type] # only whether it is kept counts
    assert not session.state_due()
    session._pending[0].is_kept.set()
    assert session.state_due()


def test_a_recording_that_comes_all_at_once_is_not_looked_at(bench: Bench) -> None:
    looked: list[Recording] = []

    def look(recording: Recording, now: float) -> None:
        looked.append(recording)
        bench.coach.glance(recording, now)

    bench.intake.on_progress = look
    for chunk in chunks(20, 0)[:-1]:
        bench.intake.receive("st-01", encode(chunk), time.monotonic())
    assert len(looked) > 30
    assert bench.coach._queue.qsize() <= 1, "at most before that was seen"


def test_sound_that_waits_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the thread slow, the one who offers waits; nothing is dropped."""
    monkeypatch.setattr("edge_worker.live.live_analysis.MAX_WAITING_BYTES", 10_000)
    most: list[int] = []
    hear = StreamSession.hear

    def slow(self: StreamSession, *args: object) -> list[EventRecording]:
        most.append(bench.coach._waiting_bytes)
        time.sleep(0.005)
        return hear(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamSession, "hear", slow)
    bench.coach.start()
    for chunk in chunks(12):
        bench.send(chunk)
    wait_until(lambda: bench.concluded("st-01"), "the end")
    assert max(most) <= 10_000 + 4000
    found = bench.concluded("st-01")
    assert found is not None
    assert found.summary is not None
    assert [each.windows for each in found.summary.predictions] == [9, 9], "of all twelve seconds"
    assert (found.completeness, found.summary.skipped_windows) == ("complete", 0)
    assert np.isclose(found.summary.heart_rate_bpm or 0, 72, atol=3)


def test_a_chunk_that_is_longer_than_what_is_held_loses_no_window(bench: Bench) -> None:
    pcm = from_samples(synthesise("normal", 72, 30, 1000, 1), 1000).pcm
    body = pcm.astype("<i2").tobytes()
    bench.coach.start()
    bench.send(Chunk(codec.PCM, codec.STREAM | codec.LAST, 1, 1000, 7, 0, len(pcm), body))
    wait_until(lambda: bench.concluded("st-01"), "the end")
    found = bench.concluded("st-01")
    assert found is not None
    assert found.summary is not None
    assert [each.windows for each in found.summary.predictions] == [27, 27]
    assert found.summary.skipped_windows == 0


def test_results_come_before_hints_for_recordings_that_are_open(bench: Bench) -> None:
    recorded = chunks(3, 0)[:-1]
    for chunk in recorded:
        bench.intake.receive("st-01", encode(chunk), time.monotonic())
    recording = bench.intake._open["st-01", 7]
    recording.received_at -= 3
    bench.coach._credit_s = 1.0
    bench.is_busy = True
    bench.coach.glance(recording, 10.0)
    bench.coach._work()
    assert (bench.said, bench.coach.tally.skipped_glances) == ([], 1)
    bench.is_busy = False
    bench.coach.glance(recording, 20.0)
    bench.coach._work()
    (told,) = bench.said
    assert isinstance(told, Live)
    assert told.topic == "stetho/v1/device/st-01/down/live"
    # Time that was used up is not used again.
    bench.coach._credit_s = -1.0
    bench.coach.glance(recording, 30.0)
    bench.coach._work()
    assert (len(bench.said), bench.coach.tally.skipped_glances) == (1, 2)
