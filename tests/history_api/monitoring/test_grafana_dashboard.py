"""The Grafana dashboard, the scrape configuration and docs/operations.md name only exported metrics."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from archive import Archive
from exposition import read
from prometheus_client import generate_latest

from edge_worker.notify.notice_queue import NAME as QUEUE
from edge_worker.notify.notice_queue import NoticeQueue
from edge_worker.notify.settings import DIRECTORY
from edge_worker.telemetry.heartbeat_metrics import worker_families
from edge_worker.telemetry.live_metrics import LiveMetrics
from edge_worker.telemetry.metrics import CallbackCollector, new_registry
from edge_worker.telemetry.recording_metrics import RecordingMetrics
from history_api.monitoring import metrics
from history_api.settings import ApiSettings

DOCS = Path(__file__).parents[3] / "docs"
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana" / "stetho-edge.json").read_text(encoding="utf-8"))
SCRAPE: dict[str, Any] = yaml.safe_load((DOCS / "grafana" / "prometheus.yml").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
TARGETS = [target for panel in PANELS for target in panel.get("targets", [])]
NOT_NAMES = re.compile(
    r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)'
)
NAME = re.compile(r"(?<![\w:$])([a-zA-Z_:][\w:]*)\b(?!\s*\()")
WORDS = {"and", "or", "unless", "bool", "offset", "by"}
BROKER_TOPICS = ("$SYS/broker/publish/messages/dropped", "$SYS/broker/clients/connected")


def names(expression: str) -> set[str]:
    """Return the names of the metrics in a PromQL expression."""
    return set(NAME.findall(NOT_NAMES.sub(" ", expression))) - WORDS


@pytest.fixture
def exported(tmp_path: Path) -> set[str]:
    """The names of all metrics of a worker, and of an API with values of the broker."""
    worker = new_registry()
    worker.register(CallbackCollector(lambda: worker_families({"edge-01": {}})))
    RecordingMetrics("edge-01", worker)
    LiveMetrics("edge-01").register(worker)
    api = Archive(tmp_path).api()
    notices = NoticeQueue.open(tmp_path / DIRECTORY / QUEUE)
    notices.count("sent")
    notices.close()
    api.get("/livez")
    for topic in BROKER_TOPICS:
        metrics.of(api.app).set_broker_gauge(topic, 0)
    text = generate_latest(worker).decode() + api.get("/metrics").get_data(as_text=True)
    declared = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    histograms = {
        f"{name}_{part}"
        for name, kind in declared
        if kind == "histogram"
        for part in ("bucket", "sum", "count")
    }
    return {name for name, _ in declared} | histograms | set(read(api.get("/metrics").get_data(as_text=True)))


def test_names_of_metrics_are_found_in_expressions() -> None:
    expression = 'histogram_quantile(0.95, sum by (le, job) (rate(a_bucket{job=~"x.*"}[$__rate_interval])))'
    assert names(expression) == {"a_bucket"}
    assert names("100 * min(a / on (x) b) > bool 1e3 and c offset 5m") >= {"a", "b", "c"}


def test_every_metric_of_the_dashboard_is_exported(exported: set[str]) -> None:
    used = {name for target in TARGETS for name in names(target["expr"])}
    assert used - exported == set()
    assert len(used) > 20
    assert used >= {
        "stetho_notify_up",
        "stetho_notify_waiting",
        "stetho_notify_messages_total",
        "stetho_worker_shards",
    }


def test_every_metric_in_the_operations_manual_is_exported(exported: set[str]) -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bstetho_[a-z_]+", page))
    assert named - exported == set()
    assert len(named) > 15


def test_every_exported_metric_is_on_the_dashboard_or_in_the_operations_manual(exported: set[str]) -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    shown = {name for target in TARGETS for name in names(target["expr"])}
    shown |= set(re.findall(r"\bstetho_[a-z_]+", page))
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if name.startswith("stetho_")}
    assert ours - {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == set()


def test_grafana_can_import_the_dashboard() -> None:
    (source,) = DASHBOARD["__inputs"]
    assert (source["name"], source["type"], source["pluginId"]) == (
        "DS_PROMETHEUS",
        "datasource",
        "prometheus",
    )
    required = {(each["type"], each["id"]) for each in DASHBOARD["__requires"]}
    assert required >= {("grafana", "grafana"), ("datasource", "prometheus")}
    assert required >= {("panel", panel["type"]) for panel in PANELS if panel["type"] != "row"}
    assert DASHBOARD["id"] is None
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", DASHBOARD["uid"])
    assert DASHBOARD["title"]
    assert DASHBOARD["schemaVersion"] >= 36
    assert {"time", "templating", "annotations", "version"} <= set(DASHBOARD)


def test_panels_have_titles_data_sources_and_unique_ids() -> None:
    assert max(Counter(panel["id"] for panel in PANELS).values()) == 1
    for panel in PANELS:
        assert panel["title"]
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
        assert max(Counter(target["refId"] for target in panel["targets"]).values()) == 1
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")
            assert target["datasource"] == panel["datasource"]


def test_panels_do_not_overlap() -> None:
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        is_apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert is_apart, (one, other)


def test_panels_with_labels_carry_the_notice() -> None:
    for panel in PANELS:
        if any("labels_total" in target["expr"] for target in panel.get("targets", [])):
            assert "not a medical device" in panel["description"]
    assert "not a medical device" in DASHBOARD["description"]


def test_the_scrape_configuration_has_our_addresses() -> None:
    api, worker = SCRAPE["scrape_configs"]
    assert api["metrics_path"] == "/metrics"
    assert api["static_configs"] == [{"targets": [f"127.0.0.1:{ApiSettings().api_port}"]}]
    ((target,),) = [each["targets"] for each in worker["static_configs"]]
    page = (DOCS / "grafana" / "prometheus.yml").read_text(encoding="utf-8")
    assert f"STETHO_WORKER_METRICS_PORT={target.split(':')[1]}" in page
    memory = next(target["expr"] for target in TARGETS if "process_resident" in target["expr"])
    pattern = re.findall(r'job=~"([^"]+)"', memory)[0]
    assert all(re.fullmatch(pattern, job["job_name"]) for job in (api, worker))
