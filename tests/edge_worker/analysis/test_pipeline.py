"""From closed recordings to saved results, on real files, a real database and the shipped models."""

import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import beep, cut

from edge_worker.analysis.pipeline import Kept, Pipeline
from edge_worker.database.store import AnalysisResult, Store
from edge_worker.inference.classifier import Classifier, load_all
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.ingest.intake import ClosedRecording, Intake
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.settings import Settings
from edge_worker.signal.features import Signal
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
        self.spool = Spool(directory / "spool")
        self.store = Store.open(self.settings.database)
        self.intake = Intake(self.spool, self.settings, self.store.completeness)
        self.pipeline = Pipeline(self.settings, classifiers, Segmenter.load(MODELS), self.spool, self.store)

    def close(self, *chunks: Chunk) -> ClosedRecording:
        """Receive chunks that make one recording complete, or give it up."""
        events = [event for chunk in chunks for event in self.intake.receive("st-01", encode(chunk), 0.0)]
        closes = [
            event for event in events or self.intake.check_timeouts(1e6) if isinstance(event, ClosedRecording)
        ]
        assert len(closes) == 1
        return closes[0]

    def judge(self, *chunks: Chunk) -> dict[str, Any]:
        """Return the full result of a recording."""
        (kept,) = self.pipeline.store([self.close(*chunks)])
        return document(self.pipeline.analyse(kept))


@pytest.fixture
def rig(tmp_path: Path, classifiers: dict[str, Classifier]) -> Iterator[Rig]:
    made = Rig(tmp_path, classifiers)
    yield made
    made.store.close()


def document(verdict: AnalysisResult) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(verdict.document)
    return parsed


def heart() -> bytes:
    samples = synthesise("normal", 72, 8.0, RATE, 1)
    return (samples * 32767).astype("<i2").tobytes()


def meta(text: str, recording_id: int = 1) -> Chunk:
    return Chunk(codec.META, 0, 1, RATE, recording_id, 0, len(text), text.encode())


def test_a_heart_is_ok_and_both_models_say_the_same_as_without_the_pipeline(
    rig: Rig, classifiers: dict[str, Classifier]
) -> None:
    pcm = heart()
    result = rig.judge(*cut(pcm, 1))
    assert result["status"] == "ok"
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=3)
    signal = Signal.from_pcm(np.frombuffer(pcm, "<i2"), RATE)
    for said in result["models"]:
        alone = classifiers[said["model"]].classify(signal)
        assert (said["label"], said["sha256"]) == (alone.label, alone.sha256)
        assert said["confidence"] == pytest.approx(alone.confidence, abs=1e-4)


def test_what_is_no_heart_is_inconclusive_with_a_reason_and_what_to_do(rig: Rig) -> None:
    result = rig.judge(*cut(bytes(2 * 8 * RATE), 1))
    assert result["status"] == "inconclusive"
    assert "too_quiet" in result["reasons"]
    assert all(result["hints"])
    assert not any(model["accepted"] for model in result["models"])


def test_keeping_again_after_a_crash_changes_nothing(rig: Rig) -> None:
    close = rig.close(*cut(beep(9000), 1))
    copy = {path: path.read_bytes() for path in (rig.settings.data_dir / "spool").rglob("*.chunks")}
    (first,) = rig.pipeline.store([close])
    for path, content in copy.items():
        path.write_bytes(content)  # as if the process had died before the spool file was removed
    (again,) = rig.pipeline.store([close])
    assert again == first
    assert len(rig.store.unanalysed()) == 1


def test_a_batch_keeps_every_recording_apart(rig: Rig) -> None:
    sounds = {number: beep(2000 + number, step=number) for number in range(1, 20)}
    kept = rig.pipeline.store([rig.close(*cut(pcm, number)) for number, pcm in sounds.items()])
    for (number, pcm), each in zip(sounds.items(), kept, strict=True):
        assert each.recording.recording_id == f"{number:016x}"
        with wave.open(str(rig.settings.data_dir / each.recording.audio_file), "rb") as sound:
            assert sound.readframes(sound.getnframes()) == pcm == each.pcm


def test_a_stored_recording_is_judged_from_its_file_alike(rig: Rig) -> None:
    (kept,) = rig.pipeline.store([rig.close(*cut(heart(), 1))])
    from_memory, from_file = (
        document(rig.pipeline.analyse(kept)),
        document(rig.pipeline.analyse(Kept(kept.recording))),
    )
    for result in (from_memory, from_file):
        for model in result["models"]:
            del model["took_ms"]
    assert from_file == from_memory


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"RIFF")])
def test_a_sound_that_is_gone_is_an_error_result_not_a_loop(rig: Rig, damage: Any) -> None:  # noqa: ANN401 - callable
    (kept,) = rig.pipeline.store([rig.close(*cut(beep(9000), 1))])
    damage(rig.settings.data_dir / kept.recording.audio_file)
    verdict = rig.pipeline.analyse(Kept(kept.recording))
    assert (verdict.result.status, verdict.result.reasons) == ("error", ("failed",))
    rig.store.save_results([verdict])
    assert rig.store.unanalysed() == []


def test_what_the_device_says_of_itself_cannot_stop_the_worker(rig: Rig) -> None:
    (kept,) = rig.pipeline.store([rig.close(*cut(beep(9000), 1))])
    hostile = Kept(replace(kept.recording, meta={"site": "\ud800"}), kept.pcm)
    verdict = rig.pipeline.analyse(hostile)
    assert (verdict.result.status, verdict.result.reasons) == ("error", ("failed",))


def test_stereo_is_kept_and_judged(rig: Rig) -> None:
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
    result = rig.judge(*chunks)
    assert (result["audio"]["channels"], result["audio"]["samples"]) == (2, total)
    assert result["status"] == "ok"


def test_a_small_gap_is_told_and_a_large_one_is_inconclusive(rig: Rig) -> None:
    pcm = heart()
    small = rig.judge(*[chunk for chunk in cut(pcm, 1, size=500) if chunk.first_sample != 4000])
    assert (small["completeness"], small["missing"], small["status"]) == ("partial", [[4000, 4500]], "ok")
    large = rig.judge(*[chunk for chunk in cut(pcm, 2, size=500) if chunk.first_sample >= 16_000])
    assert (large["missing"], large["status"]) == ([[0, 16_000]], "inconclusive")
    assert large["reasons"][0] == "gaps"


def test_a_model_that_is_asked_for_twice_answers_once(rig: Rig) -> None:
    (kept,) = rig.pipeline.store([rig.close(meta('{"models":["heart2","heart2"]}'), *cut(heart(), 1))])
    verdict = rig.pipeline.analyse(kept)
    assert [model.model for model in verdict.result.models] == ["heart2"]
    rig.store.save_results([verdict])


def test_facts_of_the_meta_reach_the_result(rig: Rig) -> None:
    about = '{"site":"MV","exam":"visit-7","captured_at":"2026-11-20T17:20:01Z"}'
    result = rig.judge(meta(about), *cut(heart(), 1))
    assert result["exam"] == "visit-7"
    assert (result["site"], result["captured_at"]) == ("MV", "2026-11-20T17:20:01.000Z")
    assert result["captured_at_source"] == "device"


def test_a_recording_without_a_sample_is_too_short(rig: Rig) -> None:
    result = rig.judge(Chunk(codec.PCM, codec.LAST, 1, RATE, 1, 0, 0, b""))
    assert (result["status"], result["models"]) == ("inconclusive", [])
    assert "too_short" in result["reasons"]
