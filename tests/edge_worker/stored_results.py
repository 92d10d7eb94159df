"""Empty databases for tests, and results to store in them."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shipped_meanings import explained

from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result

NOW = "2026-11-20T17:20:09.000Z"
AUDIO = Audio(4000, 1, 16000, "0" * 64)


@cache
def empty_database() -> bytes:
    """Return an empty database with its tables: to copy, because migrating takes longer than a test."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "stetho.db"
        Store.open(f"sqlite:///{path}").close()
        return path.read_bytes()


def result_of(number: int, device: str = "st-01", **changed: Any) -> Result:  # noqa: ANN401 - as the fields of Result
    """Return a result; `labels` is label by model."""
    labels = changed.pop("labels", {"heart5": "normal"})
    accepted = changed.pop("accepted", True)
    result = Result(
        device_id=device,
        recording_id=f"{number:016x}",
        status="ok",
        completeness="complete",
        audio=AUDIO,
        quality=Quality(True, 12.0, 0.0),
        captured_at=NOW,
        captured_at_source="device",
        models=tuple(
            explained(Prediction(model, "1", "f" * 64, label, 0.9, 0.8, accepted, {label: 0.9}, 1, 0.5))
            for model, label in labels.items()
        ),
    )
    return replace(result, **changed)


def store_recording(store: Store, result: Result) -> int:
    """Store the recording that `result` is about, without the result; return the id of its row."""
    (kept,) = store.save_recordings(
        [
            StoredRecording(
                result.device_id,
                result.recording_id,
                NOW,
                result.captured_at,
                result.captured_at_source,
                result.completeness,
                [],
                AUDIO.sample_rate,
                AUDIO.channels,
                AUDIO.samples,
                AUDIO.sha256,
                f"audio/{result.device_id}/{result.recording_id}.wav",
                {},
            )
        ]
    )
    assert kept.id is not None
    return kept.id


def store_result(store: Store, result: Result) -> Result:
    store.save_results(
        [AnalysisResult(store_recording(store, result), result, result.to_json().decode(), NOW, ())]
    )
    return result
