"""Prometheus metrics of the worker: of a heartbeat document, of results, and of a running worker."""

import json
import socket
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Device, beep, cut, wait_until
from exposition import Samples, read, scrape, value
from prometheus_client import CollectorRegistry, generate_latest

from edge_worker.errors import SettingsError
from edge_worker.protocol import topics
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result
from edge_worker.settings import Settings
from edge_worker.telemetry.heartbeat_metrics import worker_families
from edge_worker.telemetry.metrics import CallbackCollector, serve
from edge_worker.telemetry.recording_metrics import RecordingMetrics
from simulator.site.site import Site

DOCUMENT: dict[str, Any] = {
    "state": "degraded",
    "version": "0.1.0",
    "runtime": "litert 2",
    "versions": {"heart5": "1.0.0"},
    "open_recordings": 2,
    "backlog": 1,
    "spool_bytes": 4096,
    "outbox": 3,
    "quarantine": {"entries": 2, "bytes": 70, "counts": {"message": 5}},
    "counters": {"chunks": 22, "duplicates": 1, "rejected_crc": 4, "closed_partial": 2, "asked": 5},
    "results": {"ok": 2, "error": 1},
    "labels": {"heart5": {"normal": 2}},
    "verdicts": {"none": 2, "unknown": 1},
    "disagreements": 1,
    "missing_samples": 700,
    "live": {"streams": 3, "values": 40, "windows": 9, "skipped_windows": 1, "stretch": 1.5},
    "heartbeat_age_s": 1.5,
}
PREDICTION = Prediction("heart5", "1.0.0", "f" * 64, "normal", 0.9, 0.8, True, {"normal": 0.9}, 1, 2.5)
RESULT = Result(
    device_id="st-01",
    recording_id="0000000000000001",
    status="ok",
    completeness="partial",
    audio=Audio(4000, 1, 16_000, "5" * 64),
    quality=Quality(True, 12.0, 0.0),
    captured_at="2026-11-20T08:00:00.000Z",
    captured_at_source="device",
    missing=((0, 100), (200, 250)),
    models=(PREDICTION, replace(PREDICTION, model="heart2", accepted=False)),
)


def exposed(documents: dict[str, dict[str, Any]]) -> Samples:
    registry = CollectorRegistry()
    registry.register(CallbackCollector(lambda: worker_families(documents)))
    return read(generate_latest(registry).decode())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_heartbeat_document_becomes_metrics() -> None:
    samples = exposed({"edge-01": DOCUMENT})

    def of(name: str, **labels: str) -> float:
        return value(samples, f"stetho_worker_{name}", worker="edge-01", **labels)

    assert of("state", state="degraded") == 1
    assert of("state", state="ready") == 0
    assert of("broker_connected") == 1
    assert of("info", version="0.1.0", runtime="litert 2") == 1
    assert of("model_info", model="heart5", version="1.0.0") == 1
    assert of("chunks_total", outcome="accepted") == 22
    assert of("chunks_total", outcome="duplicate") == 1
    assert of("chunks_total", outcome="rejected", reason="crc") == 4
    assert of("recordings_total", outcome="partial") == 2
    assert of("recordings_total", outcome="complete") == 0
    assert (of("quarantine_entries"), of("quarantine_bytes")) == (2, 70)
    assert of("quarantined_total", kind="message") == 5
    assert of("ignored_meta_total") == 0
    assert of("missing_requests_total") == 5
    assert of("missing_samples_total") == 700
    assert of("results_total", status="error") == 1
    assert of("labels_total", model="heart5", label="normal") == 2
    assert of("verdicts_total", severity="none") == 2
    assert of("disagreements_total") == 1
    assert (of("open_recordings"), of("backlog"), of("spool_bytes"), of("outbox_messages")) == (2, 1, 4096, 3)
    assert of("heartbeat_age_seconds") == 1.5
    assert (of("streams"), of("live_stretch")) == (3, 1.5)
    assert (of("live_values_total"), of("live_windows_total")) == (40, 9)
    assert of("live_skipped_windows_total") == 1


def test_several_workers_share_a_metric_and_an_offline_one_is_not_connected() -> None:
    samples = exposed({"edge-01": DOCUMENT, "edge-02": DOCUMENT | {"state": "offline"}})
    assert value(samples, "stetho_worker_broker_connected", worker="edge-01") == 1
    assert value(samples, "stetho_worker_broker_connected", worker="edge-02") == 0


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"state": None, "counters": None, "labels": [], "results": "x"},
        {"counters": {"chunks": "many", "rejected_x": None}, "backlog": "1", "labels": {"heart5": 3}},
        {"live": [1], "backlog": None},
        {"live": {"streams": "3"}},
        {'state\n"': 1, "versions": {'he"a\nrt': 'one\n"'}},
    ],
)
def test_an_old_or_damaged_document_lacks_some_metrics_and_harms_no_other(document: dict[str, Any]) -> None:
    samples = exposed({"edge-01": document, "edge-02": DOCUMENT})
    assert value(samples, "stetho_worker_backlog", worker="edge-02") == 1
    assert (("worker", "edge-01"),) not in samples["stetho_worker_backlog"]


def test_results_are_counted_by_status_and_only_accepted_labels_by_label() -> None:
    registry = CollectorRegistry()
    metrics = RecordingMetrics("edge-01", registry)
    metrics.observe_stored(0.02)
    metrics.observe_analysis(RESULT, 0.004)
    metrics.observe_analysis(replace(RESULT, status="error", models=(), missing=()), 0.001)
    metrics.observe_saved(0.03)
    assert metrics.document() == {
        "results": {"ok": 1, "error": 1},
        "verdicts": {"unknown": 2},
        "disagreements": 0,
        "labels": {"heart5": {"normal": 1}},
        "missing_samples": 150,
    }
    json.dumps(metrics.document())
    samples = read(generate_latest(registry).decode())
    assert value(samples, "stetho_worker_stored_seconds_sum", worker="edge-01") == 0.02
    assert value(samples, "stetho_worker_result_seconds_bucket", worker="edge-01", le="0.025") == 0
    assert value(samples, "stetho_worker_result_seconds_bucket", worker="edge-01", le="0.05") == 1
    assert value(samples, "stetho_worker_analysis_seconds_count", worker="edge-01") == 2
    assert value(samples, "stetho_worker_model_seconds_sum", worker="edge-01", model="heart2") == 0.0025


def test_a_running_worker_serves_its_metrics(tmp_path: Path) -> None:
    port = free_port()
    with Site(tmp_path, {"STETHO_WORKER_METRICS_PORT": str(port)}) as site:
        process = site.start_worker()
        assert f"event=metrics host=127.0.0.1 port={port}" in process.log
        with Device(site, "st-01") as device:
            device.publish(topics.pcm("st-01"), b"no chunk at all")
            device.send_all(cut(beep(16_000), 1))
            device.wait_for("stetho/v1/device/st-01/down/result")
            address = f"http://127.0.0.1:{port}/metrics"

            def of(name: str, **labels: str) -> float:
                return value(scrape(address), f"stetho_worker_{name}", worker="edge-01", **labels)

            wait_until(lambda: of("outbox_messages") == 0, "an empty outbox")
            age = "stetho_worker_heartbeat_age_seconds"
            wait_until(lambda: age in scrape(address), "the first heartbeat")
            documented = set(exposed({"edge-01": DOCUMENT})) - {"stetho_worker_labels_total"}
            assert documented <= set(scrape(address)), "a beep gets no label, everything else is there"
            assert of("chunks_total", outcome="accepted") == 8
            assert of("chunks_total", outcome="rejected", reason="short") == 1
            assert of("recordings_total", outcome="complete") == 1
            assert of("stored_seconds_count") == of("result_seconds_count") == 1
            assert of("analysis_seconds_count") == of("model_seconds_count", model="heart5") == 1
            assert 0 < of("model_seconds_sum", model="heart5") < of("analysis_seconds_sum")
            assert of("analysis_seconds_sum") < of("result_seconds_sum")
            assert of("broker_connected") == of("state", state="ready") == 1
            assert of("open_recordings") == of("spool_bytes") == of("missing_samples_total") == 0
            assert of("heartbeat_age_seconds") >= 0
            assert sum(scrape(address)["stetho_worker_results_total"].values()) == 1
            device.send(cut(beep(16_000), 2)[0])
            wait_until(lambda: of("spool_bytes") > 0, "a recording in the spool")
            assert of("open_recordings") == 1
            site.broker.stop()
            wait_until(lambda: of("broker_connected") == 0, "the connection to be missed")
            assert of("state", state="offline") == 1
        wait_until(lambda: heartbeat(site)["open_recordings"] == 1, "the next heartbeat")
        assert sum(heartbeat(site)["results"].values()) == 1


def heartbeat(site: Site) -> dict[str, Any]:
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        ((document,),) = connection.execute("SELECT document FROM workers")
    parsed: dict[str, Any] = json.loads(document)
    return parsed


def test_without_a_port_no_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "edge_worker.telemetry.metrics.start_http_server", lambda *_: pytest.fail("it listens")
    )
    serve(Settings(), CollectorRegistry())


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"{port}.*STETHO_WORKER_METRICS_PORT"):
            serve(Settings(worker_metrics_port=port), CollectorRegistry())


def test_a_host_that_does_not_exist_is_one_sentence() -> None:
    settings = Settings(worker_metrics_host="a..b", worker_metrics_port=free_port())
    with pytest.raises(SettingsError, match="STETHO_WORKER_METRICS_HOST"):
        serve(settings, CollectorRegistry())
