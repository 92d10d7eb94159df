"""Recordings that cannot be stored, beside others: those are stored, and nothing is retried for ever."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import beep, cut, wait_until
from prometheus_client import CollectorRegistry

from edge_worker.analysis.pipeline import Pipeline
from edge_worker.analysis.storing.recording_storage import RecordingStorage, RecordingStored, SpoolFileLost
from edge_worker.analysis.storing.storage_retry import StorageFault, StorageRetry
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.database.store import Store, StoredRecording
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording, ControlMessage
from edge_worker.ingest.quarantine import Quarantine
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.protocol.chunk import encode
from edge_worker.settings import DEFAULT_MODELS_DIR, Settings
from edge_worker.telemetry.recording_metrics import RecordingMetrics


class Rig:
    """Storage on a spool and a database of its own, with what it hands to the network thread."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(data_dir=directory)
        self.store = Store.open(self.settings.database)
        spool = Spool(directory / "spool")
        self.intake = Intake(spool, self.settings, self.store.completeness)
        self.posted: list[Any] = []
        segmenter = HeartSegmenter.load(DEFAULT_MODELS_DIR)
        self.storage = RecordingStorage(
            Pipeline(self.settings, {}, segmenter, spool, self.store),
            StreamResultWriter(self.settings, StreamSpool(spool.directory), self.store),
            RecordingMetrics("edge-01", CollectorRegistry()),
            StorageRetry(self.posted.append, threading.Event()),
            self.posted.append,
        )

    def close(self, device_id: str, recording_id: int) -> tuple[ClosedRecording, float]:
        chunks = cut(beep(4000), recording_id)
        events = [event for chunk in chunks for event in self.intake.receive(device_id, encode(chunk), 0.0)]
        (closed,) = (event for event in events if isinstance(event, ClosedRecording))
        return closed, 0.0

    def stored(self) -> set[str]:
        return {each.device_id for each in self.store.unanalysed()}

    def due(self) -> list[tuple[ClosedRecording, float]]:
        due = self.storage.postponed.take_due()
        return [(one, since) for one, since in due if isinstance(one, ClosedRecording)]

    def texts(self) -> list[str]:
        return [each.text for each in self.posted if isinstance(each, StorageFault)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.store.close()


def test_a_recording_whose_file_is_gone_is_to_be_received_again_and_the_others_are_stored(rig: Rig) -> None:
    waiting = [rig.close(f"st-0{number}", 1) for number in range(1, 4)]
    (rig.settings.data_dir / "spool" / "st-02" / "0000000000000001.chunks").unlink()
    assert len(rig.storage.store_recordings(waiting)) == 2
    assert rig.stored() == {"st-01", "st-03"}
    assert [each.recording.device_id for each in rig.posted if isinstance(each, SpoolFileLost)] == ["st-02"]
    assert len(rig.storage.postponed) == 0


def test_a_recording_that_its_folder_refuses_is_tried_again_and_the_others_are_stored(rig: Rig) -> None:
    waiting = [rig.close(f"st-0{number}", 1) for number in range(1, 4)]
    obstacle = rig.settings.data_dir / "audio" / "st-02"
    obstacle.parent.mkdir()
    obstacle.write_text("a file where the folder of this device belongs")
    assert len(rig.storage.store_recordings(waiting)) == 2
    assert rig.stored() == {"st-01", "st-03"}
    assert rig.texts()[0].startswith("st-02/0000000000000001 cannot be stored")
    obstacle.unlink()
    wait_until(lambda: rig.storage.store_recordings(rig.due()), "the next try")
    assert rig.stored() == {"st-01", "st-02", "st-03"}
    assert rig.texts()[-1] == ""
    assert len(rig.storage.postponed) == 0


def test_a_recording_that_the_code_cannot_store_is_moved_aside_and_answered(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    save: Callable[..., Any] = rig.store.save_recordings

    def fails_for_one(rows: list[StoredRecording], *, assign: bool) -> list[StoredRecording]:
        if any(row.device_id == "st-02" for row in rows):
            raise ValueError("a bug")
        return list(save(rows, assign=assign))

    monkeypatch.setattr(rig.store, "save_recordings", fails_for_one)
    waiting = [rig.close(f"st-0{number}", 1) for number in range(1, 4)]
    assert len(rig.storage.store_recordings(waiting)) == 2
    assert rig.stored() == {"st-01", "st-03"}
    (aside,) = Quarantine(rig.settings.data_dir / "quarantine").entries()
    assert (aside.device, aside.recording) == ("st-02", "0000000000000001")
    answers = [each for each in rig.posted if isinstance(each, ControlMessage) and each.device_id == "st-02"]
    assert answers[0].document["reason"] == "failed"
    assert RecordingStored(("st-02", 1)) in rig.posted
