"""Storage has a thread of its own: neither `stored` nor the heartbeat waits for an analysis.

Where much is open, what comes close together is stored together; else nothing waits for others.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import Device, beep, cut, rows, wait_until

from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.analysis.storing import storage_thread
from edge_worker.assembly import assemble
from edge_worker.database.worker_heartbeat import EVERY_S
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.settings import Settings
from edge_worker.upkeep.site_claim import claim_site
from edge_worker.worker import _MANY
from simulator.site.site import Site

PCM = beep(16_000)


def test_recordings_are_stored_and_the_heart_beats_while_one_is_analysed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_analysing, may_go_on = threading.Event(), threading.Event()
    analyse = Pipeline.analyse

    def slow(self: Pipeline, unanalysed: Any) -> Any:  # noqa: ANN401 - as the real one
        is_analysing.set()
        may_go_on.wait()
        return analyse(self, unanalysed)

    monkeypatch.setattr(Pipeline, "analyse", slow)
    settings = Settings.from_environ(site.environ)
    worker = assemble(settings, claim_site(settings))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        with Device(site, "st-01") as first, Device(site, "st-02") as second, Device(site, "st-03") as third:
            first.send_all(cut(PCM, 1))
            assert is_analysing.wait(30)
            seen_at = rows(site, "SELECT seen_at FROM workers")
            for number in (1, 2, 3):
                second.send_all(cut(PCM, number))
                second.wait_for(
                    "stetho/v1/device/st-02/down/control", type="stored", recording_id=f"{number:016x}"
                )
            time.sleep(EVERY_S)
            wait_until(lambda: rows(site, "SELECT seen_at FROM workers") != seen_at, "another heartbeat")
            assert rows(site, "SELECT count(*) FROM recordings WHERE document IS NOT NULL") == [(0,)]
            may_go_on.set()
            second.wait_for("stetho/v1/device/st-02/down/result", recording_id="0000000000000003")
            with monkeypatch.context() as patched:
                patched.setattr(storage_thread, "_PACE_S", 3600.0)
                for number in (11, 12, 13):  # where few come nobody waits
                    second.send_all(cut(PCM, number))
                    second.wait_for("stetho/v1/device/st-02/down/result", recording_id=f"{number:016x}")
            for number in range(_MANY):
                (first, third)[number % 2].send(cut(PCM, 100 + number)[0])
            wait_until(worker._many_come, "open recordings")
            monkeypatch.setattr(storage_thread, "_BATCH_JOBS", 1)
            for number in (4, 5, 6):
                second.send_all(cut(PCM, number))
                second.wait_for("stetho/v1/device/st-02/down/result", recording_id=f"{number:016x}")
                monkeypatch.setattr(storage_thread, "_PACE_S", 3600.0)  # after a full batch nobody waits
            monkeypatch.setattr(storage_thread, "_BATCH_JOBS", 16)
            batches: list[int] = []
            store = Pipeline.store

            def counted(self: Pipeline, closes: Sequence[ClosedRecording]) -> list[UnanalysedRecording]:
                batches.append(len(closes))
                return store(self, closes)

            monkeypatch.setattr(Pipeline, "store", counted)
            monkeypatch.setattr(storage_thread, "_PACE_S", 1.0)
            for number in (7, 8, 9, 10):
                second.send_all(cut(PCM, number))
            for number in (7, 8, 9, 10):
                second.wait_for("stetho/v1/device/st-02/down/result", recording_id=f"{number:016x}")
            assert sum(batches) == 4
            assert len(batches) < 4, "those that come close together are stored together"
    finally:
        may_go_on.set()
        worker.stop()
        thread.join()
