"""Parts of the bench in their short form, on the real broker, worker and API."""

from pathlib import Path

import pytest

from bench import live_streams, queue_drain, upload_latency
from bench.cluster.postgresql import programs
from bench.history import history_page, postgresql_history
from bench.recording import live_cost, recording_stages
from edge_worker.protocol.sharing.shard import shard_of

MODELS = Path(__file__).parents[2] / "models_tflite"


def test_pages_of_a_history_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_page, "_PAGE", 3)
    monkeypatch.setattr(history_page, "_REQUESTS_EACH", 2)
    figures = history_page.measure(rows=200)
    assert figures["history_rows"] == 200
    assert min(value for name, value in figures.items() if "over" not in name) > 0


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed (tests/install_postgresql.sh)")
def test_the_same_queries_are_measured_on_postgresql() -> None:
    figures = postgresql_history.measure(rows=400)
    assert figures["postgresql_history_queries"] > 100
    assert figures["postgresql_history_query_median_ms"] > 0


def test_hints_of_streams_are_measured() -> None:
    figures = live_streams.hints(2, live_streams.WARM_S + 4)
    assert figures["devices"] == 2
    assert figures["hint_ms_p50"] > 0
    assert figures["hints_per_s_least"] > 0
    assert 0 <= figures["skipped_windows_share"] < 1


def test_uploads_are_measured_beside_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_latency, "ROUNDS", 1)
    figures = upload_latency.measure()
    assert figures["upload_adds_ms"] == pytest.approx(figures["upload_http_ms"] - figures["upload_device_ms"])


def test_two_processes_drain_full_queues() -> None:
    drained = queue_drain.drain(2, 1)
    assert min(drained) > 0
    ids = queue_drain._device_ids()
    assert len(set(ids)) == len(ids) == queue_drain.DEVICES
    assert {sum(shard_of(each) % 4 == process for each in ids) for process in range(4)} == {len(ids) / 4}


def test_every_stage_of_a_recording_is_measured() -> None:
    stages = recording_stages.measure(MODELS, 2)
    of_threads = {"mqtt", "receive", "hints", "keep", "judge", "save", "publish"}
    of_analysis = {
        "impossible_sound",
        "resample",
        "log_mel",
        "quality",
        "heart_cycle",
        "familiarity",
        "models",
    }
    assert set(stages) == of_threads | of_analysis
    assert min(stages.values()) > 0


def test_the_cost_of_live_recordings_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_cost, "_WARM_S", 1.0)
    figures = live_cost.of_devices(3, 8)
    assert figures["live_cpu_ms_per_recording_3"] > figures["live_devices_cpu_ms_per_recording_3"] > 0
    assert figures["live_results_share_3"] > 0.3, "its first recordings last four seconds"
