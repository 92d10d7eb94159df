"""Pipeline from closed recordings to results, with real files, a real database and the shipped models."""

import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import beep, cut

from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.database.store import AnalysisResult, Store
from edge_worker.inference.classifier import Classifier, load_all
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.protocol.result import REASONS
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.signal.audio_signal import Signal
from simulator.sound.heart_sound import synthesise

RATE = 4000
MODELS = Path(__file__).parents[3] / "models_tflite"


@pytest.fixture(scope="module")
def classifiers() -> dict[str, Classifier]:
    return load_all(MODELS, ("heart5", "heart2"))


class Rig:
    """Intake, pipeline and store in one directory."""

    def __init__(self, directory: Path, classifiers: dict[str, Classifier]) -> None:
        self.settings = Settings(data_dir=directory)
        self.now = 0.0
        self.spool = Spool(directory / "spool")
        self.store = Store.open(self.settings.database)
        self.intake = Intake(self.spool, self.settings, self.store.completeness)
        self.pipeline = Pipeline(
            self.settings, classifiers, HeartSegmenter.load(MODELS), self.spool, self.store
        )

    def close(self, *chunks: Chunk) -> ClosedRecording:
        """Receive chunks that make one recording complete, or give it up."""
        start, self.now = self.now, self.now + 1e6
        events = [event for chunk in chunks for event in self.intake.receive("st-01", encode(chunk), start)]
        closes = [
            event
            for event in events or self.intake.check_timeouts(self.now)
            if isinstance(event, ClosedRecording)
        ]
        assert len(closes) == 1
        return closes[0]

    def analyse(self, *chunks: Chunk) -> dict[str, Any]:
        """Return the full result of a recording."""
        (unanalysed,) = self.pipeline.store([self.close(*chunks)])
        return document(self.pipeline.analyse(unanalysed))


@pytest.fixture
def rig(tmp_path: Path, classifiers: dict[str, Classifier]) -> Iterator[Rig]:
    made = Rig(tmp_path, classifiers)
    yield made
    made.store.close()


def document(analysed: AnalysisResult) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(analysed.document)
    return parsed


def heart() -> bytes:
    samples = synthesise("normal", 72, 8.0, RATE, 1)
    return (samples * 32767).astype("<i2").tobytes()


def meta(text: str, recording_id: int = 1) -> Chunk:
    return Chunk(codec.META, 0, 1, RATE, recording_id, 0, len(text), text.encode())


def test_a_heart_is_ok_and_both_models_return_the_same_as_without_the_pipeline(
    rig: Rig, classifiers: dict[str, Classifier]
) -> None:
    pcm = heart()
    result = rig.analyse(*cut(pcm, 1))
    assert result["status"] == "ok"
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=3)
    signal = Signal.from_pcm(np.frombuffer(pcm, "<i2"), RATE)
    for prediction in result["models"]:
        alone = classifiers[prediction["model"]].classify(signal)
        assert (prediction["label"], prediction["sha256"]) == (alone.label, alone.sha256)
        assert prediction["confidence"] == pytest.approx(alone.confidence, abs=1e-4)


def test_a_sound_without_heartbeat_is_inconclusive_with_a_reason_and_a_hint(rig: Rig) -> None:
    hiss = np.random.default_rng(1).integers(-2, 3, 8 * RATE)
    result = rig.analyse(*cut(hiss.astype("<i2").tobytes(), 1))
    assert result["status"] == "inconclusive"
    assert "too_quiet" in result["reasons"]
    assert all(result["hints"])
    assert not any(model["accepted"] for model in result["models"])


def test_impossible_samples_get_their_own_reason_and_no_heart_rate(rig: Rig) -> None:
    pcm = np.frombuffer(heart(), "<i2")
    as_one = np.stack([pcm, np.zeros_like(pcm)], axis=1).reshape(-1)
    for number, (samples, reason) in enumerate(((as_one, "interleaved"), (0 * pcm, "one_value")), 1):
        result = rig.analyse(*cut(samples.tobytes(), number))
        assert (result["status"], result["reasons"]) == ("inconclusive", [reason])
        assert result["hints"] == [REASONS[reason]]
        assert (result["heart_rate_bpm"], result["heart_sounds"]) == (None, None)
        assert not any(model["accepted"] for model in result["models"])


def test_two_channels_that_cancel_out_are_heard_one_by_one(rig: Rig) -> None:
    pcm = np.frombuffer(heart(), "<i2")
    both, half = np.stack([pcm, -pcm], axis=1), len(pcm) // 2
    first = Chunk(codec.PCM, 0, 2, RATE, 1, 0, half, both[:half].tobytes())
    last = Chunk(codec.PCM, codec.LAST, 2, RATE, 1, half, half, both[half:].tobytes())
    result = rig.analyse(first, last)
    assert result["status"] == "ok"
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=3)
    assert result["audio"]["channel"] in ("left", "right")
    assert result["audio"]["channels"] == 2


def test_storing_again_after_a_crash_changes_nothing(rig: Rig) -> None:
    close = rig.close(*cut(beep(9000), 1))
    copy = {path: path.read_bytes() for path in (rig.settings.data_dir / "spool").rglob("*.chunks")}
    (first,) = rig.pipeline.store([close])
    for path, content in copy.items():
        path.write_bytes(content)  # as if the process had died before the spool file was removed
    (again,) = rig.pipeline.store([close])
    assert again == first
    assert len(rig.store.unanalysed()) == 1


def test_recordings_of_a_batch_are_stored_apart(rig: Rig) -> None:
    sounds = {number: beep(2000 + number, step=number) for number in range(1, 20)}
    stored = rig.pipeline.store([rig.close(*cut(pcm, number)) for number, pcm in sounds.items()])
    for (number, pcm), each in zip(sounds.items(), stored, strict=True):
        assert each.recording.recording_id == f"{number:016x}"
        with wave.open(str(rig.settings.data_dir / each.recording.audio_file), "rb") as sound:
            assert sound.readframes(sound.getnframes()) == pcm == each.pcm


def test_a_stored_recording_has_the_same_result_from_its_file(rig: Rig) -> None:
    (unanalysed,) = rig.pipeline.store([rig.close(*cut(heart(), 1))])
    from_memory, from_file = (
        document(rig.pipeline.analyse(unanalysed)),
        document(rig.pipeline.analyse(UnanalysedRecording(unanalysed.recording))),
    )
    for result in (from_memory, from_file):
        for model in result["models"]:
            del model["took_ms"]
    assert from_file == from_memory


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"RIFF")])
def test_a_missing_or_damaged_wav_file_is_an_error_result(rig: Rig, damage: Any) -> None:  # noqa: ANN401 - callable
    (unanalysed,) = rig.pipeline.store([rig.close(*cut(beep(9000), 1))])
    damage(rig.settings.data_dir / unanalysed.recording.audio_file)
    analysed = rig.pipeline.analyse(UnanalysedRecording(unanalysed.recording))
    assert (analysed.result.status, analysed.result.reasons) == ("error", ("failed",))
    rig.store.save_results([analysed])
    assert rig.store.unanalysed() == []


def test_hostile_meta_is_an_error_result(rig: Rig) -> None:
    (unanalysed,) = rig.pipeline.store([rig.close(*cut(beep(9000), 1))])
    recording = replace(unanalysed.recording, meta={"amplification": "loud"})
    hostile = UnanalysedRecording(recording, unanalysed.pcm)
    analysed = rig.pipeline.analyse(hostile)
    assert (analysed.result.status, analysed.result.reasons) == ("error", ("failed",))


def test_stereo_is_stored_and_analysed(rig: Rig) -> None:
    pcm = np.repeat(np.frombuffer(heart(), "<i2"), 2).tobytes()
    total = len(pcm) // 4
    chunks = [
        Chunk(
            codec.PCM,
            codec.LAST if start + 8000 >= total else 0,
            2,
            RATE,
            1,
            start,
            8000,
            pcm[4 * start :][:32000],
        )
        for start in range(0, total, 8000)
    ]
    result = rig.analyse(*chunks)
    assert (result["audio"]["channels"], result["audio"]["samples"]) == (2, total)
    assert result["status"] == "ok"


def test_a_small_gap_is_reported_and_a_large_one_is_inconclusive(rig: Rig) -> None:
    pcm = heart()
    small = rig.analyse(*[chunk for chunk in cut(pcm, 1, size=500) if chunk.first_sample != 4000])
    assert (small["completeness"], small["missing"], small["status"]) == ("partial", [[4000, 4500]], "ok")
    large = rig.analyse(*[chunk for chunk in cut(pcm, 2, size=500) if chunk.first_sample >= 16_000])
    assert (large["missing"], large["status"]) == ([[0, 16_000]], "inconclusive")
    assert large["reasons"][0] == "gaps"


def test_a_model_that_is_requested_twice_has_one_prediction(rig: Rig) -> None:
    (unanalysed,) = rig.pipeline.store([rig.close(meta('{"models":["heart2","heart2"]}'), *cut(heart(), 1))])
    analysed = rig.pipeline.analyse(unanalysed)
    assert [model.model for model in analysed.result.models] == ["heart2"]
    rig.store.save_results([analysed])


def test_facts_of_meta_are_in_the_result(rig: Rig) -> None:
    yesterday = rfc3339(datetime.now(UTC) - timedelta(days=1))
    about = f'{{"site":"MV","exam":"visit-7","captured_at":"{yesterday}"}}'
    result = rig.analyse(meta(about), *cut(heart(), 1))
    assert result["exam"] == "visit-7"
    assert (result["site"], result["captured_at"]) == ("MV", yesterday)
    assert result["captured_at_source"] == "device"


def test_a_recording_without_a_sample_is_too_short(rig: Rig) -> None:
    result = rig.analyse(Chunk(codec.PCM, codec.LAST, 1, RATE, 1, 0, 0, b""))
    assert (result["status"], result["models"]) == ("inconclusive", [])
    assert "too_short" in result["reasons"]
