"""`GET /metrics`: figures of the models as JSON, metrics of the site as Prometheus text."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archive import Api, Archive
from exposition import Samples, read, value

from edge_worker.database.worker_heartbeat import MISSED_AFTER_S
from edge_worker.protocol.timestamp import rfc3339
from history_api.monitoring import metrics, site_metrics
from history_api.monitoring.site_metrics import CachedValue
from history_api.settings import ApiSettings

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

MISSED = timedelta(seconds=MISSED_AFTER_S)
MODELS = Path(__file__).parents[3] / "models_tflite"
SHARES = {"accuracy", "precision", "recall", "f1", "auc_roc"}
BEAT = {
    "state": "ready",
    "models": ["heart5"],
    "versions": {"heart5": "1.0.0"},
    "open_recordings": 2,
    "backlog": 1,
    "counters": {"chunks": 22, "rejected_crc": 4, "closed_complete": 3},
}


def write_heartbeat(
    archive: Archive, age: timedelta = timedelta(), worker: str = "edge-01", **changed: object
) -> None:
    archive.store.save_heartbeat(worker, rfc3339(datetime.now(UTC) - age), BEAT | changed)


def scraped(api: Api) -> Samples:
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.get_data(as_text=True))


def figures(api: Api) -> Any:  # noqa: ANN401 - JSON is what it is
    return api.get("/metrics", Accept="application/json").get_json()


def write_card(archive: Archive, model: str, **card: object) -> None:
    (archive.settings.models_dir / f"{model}.json").write_text(json.dumps({"model": model, **card}))


def test_e3_figures_as_json_are_those_of_the_shipped_cards(archive: Archive) -> None:
    api = Api(replace(archive.settings, models_dir=MODELS))
    document = figures(api)
    card = json.loads((MODELS / "heart2.json").read_text())["figures"]["cross_validation"]
    heart2 = document["models"]["heart2"]
    assert {name: document[name] for name in SHARES} == {name: heart2[name] for name in SHARES}
    assert (heart2["accuracy"], heart2["auc_roc"]) == (card["accuracy"], card["auc"])
    abnormal = card["per_class"]["abnormal"]
    assert {name: heart2[name] for name in ("precision", "recall", "f1")} == {
        name: abnormal[name] for name in ("precision", "recall", "f1")
    }
    assert (heart2["average"], heart2["recordings"]) == ("abnormal", card["n"])
    heart5 = document["models"]["heart5"]
    card = json.loads((MODELS / "heart5.json").read_text())["figures"]["cross_validation"]
    assert (heart5["recall"], heart5["f1"]) == (card["balanced_accuracy"], card["macro_f1"])
    precisions = [label["precision"] for label in card["per_class"].values()]
    assert heart5["precision"] == pytest.approx(sum(precisions) / len(precisions), abs=1e-4)
    assert (heart5["auc_roc"], heart5["average"]) == (None, "macro")
    assert {"digits", "emotion", "esc50", "us8k"} <= set(document["models"])


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"figures": None},
        {"figures": {"uploads": {"accuracy": 0.9}}},
        {"figures": {"cross_validation": {"accuracy": "high", "auc": float("nan"), "per_class": [1]}}},
        {"figures": {"cross_validation": {"per_class": {"a": {"precision": 0.5}, "b": {}}}}, "version": 1},
    ],
)
@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
def test_e3_figures_that_a_card_lacks_are_null(
    archive: Archive, api: Api, card: dict[str, object], labels: list[str]
) -> None:
    write_card(archive, "heart2", labels=labels, **card)
    document = figures(api)
    assert {document["models"]["heart2"][name] for name in SHARES} == {None}
    assert {document[name] for name in SHARES} == {None}
    assert scraped(api).get("stetho_model_figure", {}) == {}


def test_e3_without_a_card_there_are_no_figures(api: Api) -> None:
    assert figures(api) == {"model": "heart2", **dict.fromkeys(SHARES), "models": {}}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("*/*", "text/plain"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/plain"),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", "text/plain"),
        ("text/plain, application/json;q=0.5", "text/plain"),
        ("application/json;q=0", "text/plain"),
        ("", "text/plain"),
        ("nonsense;;;", "text/plain"),
    ],
)
def test_e3_only_clients_that_name_json_get_figures(api: Api, accept: str, media_type: str) -> None:
    answer = api.get("/metrics", Accept=accept)
    assert (answer.status_code, answer.mimetype) == (200, media_type)
    assert "Accept" in answer.headers["Vary"]


def test_e3_requests_are_counted_by_route_method_and_status(archive: Archive, api: Api) -> None:
    archive.add(1)
    api.get("/api/v1/recordings/0000000000000001")
    api.get("/api/v1/recordings/0000000000000002")
    api.get("/api/v1/results?limit=500")
    api.ask("HEAD", "/livez")
    samples = scraped(api)
    route = "/api/v1/recordings/<recording_id>"
    for status in ("200", "404"):
        assert value(samples, "stetho_http_requests_total", route=route, method="GET", status=status) == 1
    assert value(samples, "stetho_http_request_seconds_count", route=route) == 2
    refused = {"route": "/api/v1/results", "method": "GET", "status": "400"}
    assert value(samples, "stetho_http_requests_total", **refused) == 1
    assert value(samples, "stetho_http_requests_total", route="/livez", method="HEAD", status="200") == 1


def test_invented_paths_and_methods_add_no_time_series(api: Api) -> None:
    for number in range(20):
        api.get(f"/nothing/{number}")
        api.client.open("/livez", method=f"MADEUP{number}")
    seen = scraped(api)["stetho_http_requests_total"]
    assert {dict(labels)["route"] for labels in seen} == {"none"}
    assert sum(seen.values()) == 40
    assert {dict(labels)["method"] for labels in seen} == {"GET", "other"}


def test_e3_database_workers_and_disk_space_are_exported(archive: Archive, api: Api) -> None:
    archive.add(1)
    write_heartbeat(archive, timedelta(seconds=3))
    write_heartbeat(archive, MISSED + timedelta(seconds=1), worker="edge-02")
    write_heartbeat(archive, worker="edge-03", state="degraded")
    write_card(
        archive,
        "heart2",
        version="1.0.0",
        labels=["normal", "abnormal"],
        figures={"cross_validation": {"accuracy": 0.9}},
    )
    samples = scraped(api)
    assert value(samples, "stetho_database_up") == value(samples, "stetho_database_recordings") == 1
    assert (value(samples, "stetho_clock_believed"), value(samples, "stetho_retention_waiting")) == (1, 0)
    assert value(samples, "stetho_workers", state="ready") == 1
    assert value(samples, "stetho_workers", state="stale") == 1
    assert value(samples, "stetho_workers", state="degraded") == 1
    assert value(samples, "stetho_workers", state="offline") == 0
    assert 3 <= value(samples, "stetho_worker_heartbeat_age_seconds", worker="edge-01") < 60
    assert value(samples, "stetho_worker_chunks_total", worker="edge-01", outcome="accepted") == 22
    rejected = {"worker": "edge-01", "outcome": "rejected", "reason": "crc"}
    assert value(samples, "stetho_worker_chunks_total", **rejected) == 4
    assert value(samples, "stetho_worker_open_recordings", worker="edge-01") == 2
    assert value(samples, "stetho_worker_backlog", worker="edge-01") == 1
    assert 0 < value(samples, "stetho_data_free_bytes") <= value(samples, "stetho_data_size_bytes")
    reached = {"model": "heart2", "version": "1.0.0", "figure": "accuracy"}
    assert value(samples, "stetho_model_figure", **reached) == 0.9
    assert value(samples, "process_resident_memory_bytes") > 0


def test_metrics_answer_without_a_database(tmp_path: Path) -> None:
    samples = scraped(Api(ApiSettings(data_dir=tmp_path / "data", models_dir=tmp_path, api_auth="none")))
    assert value(samples, "stetho_database_up") == 0
    assert "stetho_database_recordings" not in samples
    assert not (tmp_path / "data").exists()


def test_broker_gauges_are_exported_only_while_they_are_known(api: Api) -> None:
    assert not any(name.startswith("stetho_broker_") for name in scraped(api))
    app_metrics = metrics.of(api.app)
    app_metrics.set_broker_gauge("$SYS/broker/publish/messages/dropped", 0)
    app_metrics.set_broker_gauge("$SYS/broker/publish/messages/dropped", 7)
    app_metrics.set_broker_gauge("$SYS/broker/load/messages/received/1min", 2.5)
    samples = scraped(api)
    assert value(samples, "stetho_broker_publish_messages_dropped") == 7
    assert value(samples, "stetho_broker_load_messages_received_1min") == 2.5
    app_metrics.clear_broker_gauges()
    assert not any(name.startswith("stetho_broker_") for name in scraped(api))


def test_each_application_has_its_own_counters(archive: Archive, api: Api) -> None:
    other = archive.api()
    api.get("/livez")
    assert "stetho_http_requests_total" not in scraped(other)
    assert "stetho_http_requests_total" in scraped(api)


def test_slow_values_are_cached_for_a_while(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value(scraped(api), "stetho_database_recordings") == 0
    archive.add(1)
    assert value(scraped(api), "stetho_database_recordings") == 0
    monkeypatch.setattr(site_metrics, "_CACHED_S", 0.0)
    assert value(scraped(api), "stetho_database_recordings") == 1


def test_an_exception_is_not_cached() -> None:
    divisors = iter([0, 2])
    cached = CachedValue(lambda: 3 / next(divisors))
    with pytest.raises(ZeroDivisionError):
        cached()
    assert cached() == cached() == 1.5


def test_e4_health_names_the_models_and_versions_of_a_worker(archive: Archive, api: Api) -> None:
    write_card(archive, "heart2", labels=["normal", "abnormal"])
    write_heartbeat(archive)
    health = api.json("/health")
    (worker,) = health["components"]["worker"]["workers"]
    assert worker["versions"] == {"heart5": "1.0.0"}
    assert health["components"]["models"] == {"status": "ok", "loaded": ["heart5"], "cards": ["heart2"]}
    write_heartbeat(archive, models=[])
    assert api.json("/health")["components"]["models"]["status"] == "degraded"


def test_shards_of_a_process_that_is_gone_do_not_count(archive: Archive) -> None:
    for worker, age, state in (
        ("edge-01", 0, "ready"),
        ("edge-01-2", 60, "ready"),
        ("edge-01-3", 0, "offline"),
    ):
        shards = {"held": list(range(16)), "connected": 16}
        write_heartbeat(archive, timedelta(seconds=age), worker, state=state, shards=shards)
    samples = scraped(archive.api())["stetho_worker_shards"]
    assert samples == {(("state", state), ("worker", "edge-01")): 16 for state in ("held", "connected")}
