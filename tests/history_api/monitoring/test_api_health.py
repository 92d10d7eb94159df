"""Health, readiness and models over HTTP, and what every answer and every error has in common."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archive import Api, Archive, problem
from sqlalchemy import text

from edge_worker.database.engine import connect
from edge_worker.database.store import Store
from edge_worker.database.worker_heartbeat import MISSED_AFTER_S
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.protocol.timestamp import rfc3339
from history_api import openapi_document
from history_api.profiles.profile import PROFILES
from history_api.settings import ApiSettings

pytest_plugins = ["archive_fixtures"]

MISSED = timedelta(seconds=MISSED_AFTER_S)
READY = {"state": "ready", "models": ["heart5", "heart2"], "runtime": "litert 2", "version": "0.1.0"}
CARD = {
    "model": "heart2",
    "version": "1.0.0",
    "labels": ["normal", "abnormal"],
    "features": {"sample_rate": 2000, "n_mels": 40},
    "normalisation": "per window: mean 0, standard deviation 1",
    "data": ["PhysioNet/CinC Challenge 2016"],
}


@pytest.fixture
def api_without_worker(tmp_path: Path) -> Iterator[Api]:
    """An API on a directory in which no worker ever ran."""
    yield Api(ApiSettings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", api_auth="none"))
    assert not (tmp_path / "data" / "stetho.db").exists() or (tmp_path / "data" / "worker").exists()


def write_heartbeat(archive: Archive, age: timedelta, **changed: object) -> None:
    archive.store.save_heartbeat("edge-01", rfc3339(datetime.now(UTC) - age), READY | changed)


def test_d7_health_is_ok_with_a_fresh_worker(archive: Archive, api: Api) -> None:
    archive.add(1)
    write_heartbeat(archive, timedelta(seconds=2))
    health = api.json("/health")
    assert health["status"] == "ok"
    assert health["components"]["database"] == {"status": "ok", "recordings": 1}
    assert health["components"]["models"]["loaded"] == ["heart2", "heart5"]
    (worker,) = health["components"]["worker"]["workers"]
    assert worker["is_fresh"]
    assert 2 <= worker["age_s"] < 60


@pytest.mark.parametrize(
    ("age", "changed"),
    [
        (MISSED + timedelta(seconds=1), {}),
        (timedelta(), {"state": "degraded"}),
        (timedelta(), {"state": "offline"}),
        (timedelta(), {"models": []}),
    ],
)
def test_e4_health_is_degraded_without_a_ready_worker(
    archive: Archive, api: Api, age: timedelta, changed: dict[str, object]
) -> None:
    write_heartbeat(archive, age, **changed)
    assert api.json("/health")["status"] == "degraded"


def test_e4_health_without_any_worker(api: Api) -> None:
    health = api.json("/health")
    assert health["status"] == "degraded"
    assert health["components"]["database"]["status"] == "ok"
    assert health["components"]["worker"] == {"status": "degraded", "workers": []}


@pytest.mark.parametrize(
    ("age", "changed", "reason"),
    [
        (MISSED + timedelta(seconds=1), {}, "stetho worker`"),
        (-MISSED - timedelta(seconds=1), {}, "stetho worker`"),
        (timedelta(), {"state": "offline"}, "stetho worker`"),
        (timedelta(), {"state": "degraded", "faults": ["the disk is full"]}, "the disk is full"),
        (timedelta(), {"warning": "ended unexpectedly 3 times"}, "ended unexpectedly 3 times"),
    ],
)
def test_health_and_readiness_name_what_is_wrong_with_the_worker(
    archive: Archive, api: Api, age: timedelta, changed: dict[str, object], reason: str
) -> None:
    write_heartbeat(archive, age, **changed)
    health = api.json("/health")
    assert health["status"] == "degraded"
    assert reason in health["components"]["worker"]["workers"][0]["reason"]
    assert reason in problem(api.get("/readyz"), 503)["detail"]


def test_a_full_disk_is_degraded(archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    write_heartbeat(archive, timedelta(seconds=1))
    assert api.json("/health")["components"]["disk"]["status"] == "ok"
    usage = shutil.disk_usage(archive.settings.data_dir)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    assert api.json("/health")["components"]["disk"]["status"] == "degraded"
    assert "is full" in problem(api.get("/readyz"), 503)["detail"]


def test_a_stale_worker_does_not_hide_a_fresh_one(archive: Archive, api: Api) -> None:
    write_heartbeat(archive, timedelta(seconds=1))
    archive.store.save_heartbeat("edge-00", rfc3339(datetime.now(UTC) - timedelta(days=1)), READY)
    assert api.json("/health")["status"] == "ok"


def test_before_the_first_worker_errors_say_what_to_do(api_without_worker: Api) -> None:
    assert api_without_worker.json("/livez") == {"status": "ok"}
    for address in ("/readyz", "/api/v1/results", "/history", "/api/v1/recordings/0000000000000001"):
        answer = api_without_worker.get(address)
        assert "start the worker" in problem(answer, 503)["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    health = api_without_worker.json("/health")
    assert health["status"] == "degraded"
    assert "start the worker" in health["components"]["database"]["detail"]


def test_the_api_is_ready_once_the_worker_creates_the_tables(tmp_path: Path) -> None:
    settings = ApiSettings(data_dir=tmp_path, api_auth="none")
    api = Api(settings)
    problem(api.get("/readyz"), 503)
    store = Store.open(settings.database)
    assert "no worker has ever run" in problem(api.get("/readyz"), 503)["detail"]
    store.save_heartbeat("edge-01", rfc3339(datetime.now(UTC)), READY)
    store.close()
    assert api.json("/readyz") == {"status": "ok"}
    assert api.json("/api/v1/results")["items"] == []


def test_an_empty_file_is_not_a_ready_database(tmp_path: Path) -> None:
    (tmp_path / "stetho.db").touch()
    problem(Api(ApiSettings(data_dir=tmp_path)).get("/readyz"), 503)


def test_a_database_of_another_version_is_not_ready(archive: Archive, api: Api) -> None:
    with connect(archive.settings.database).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "migrate" in problem(api.get("/readyz"), 503)["detail"]


def test_e4_uptime_grows(api: Api) -> None:
    first, second = api.json("/uptime"), api.json("/uptime")
    assert first["started_at"] == second["started_at"]
    assert 0 <= first["uptime_s"] <= second["uptime_s"] < 60
    assert first["uptime_seconds"] == first["uptime_s"]


def test_d6_models_without_cards(api_without_worker: Api, api: Api) -> None:
    assert api_without_worker.json("/models/info") == {"models": {}}
    assert api.json("/models/info") == {"models": {}}


def test_d6_models_are_described_by_their_cards(archive: Archive, api: Api) -> None:
    directory = archive.settings.models_dir
    (directory / "heart2.json").write_text(json.dumps(CARD))
    (directory / "broken.json").write_text('{"model": ')
    (directory / "other.json").write_text('["not a card"]')
    (model,) = api.json("/models/info")["models"].values()
    assert model["classes"] == ["normal", "abnormal"]
    assert model["n_features"] == 40
    assert model["scaler"] == "per window: mean 0, standard deviation 1"
    assert model["feature_type"] == "log-mel spectrogram"
    assert model["trained_on"] == ["PhysioNet/CinC Challenge 2016"]
    assert model["card"] == CARD
    assert api.json("/health")["components"]["models"]["cards"] == ["heart2"]


def test_d6_a_version_trained_here_is_described_while_it_is_in_use(archive: Archive, api: Api) -> None:
    (archive.settings.models_dir / "heart2.json").write_text(json.dumps(CARD))
    registry, version = (
        ModelRegistry(archive.settings.models_dir, archive.settings.data_dir / "models"),
        "1.0.0+1",
    )
    made = archive.settings.data_dir / "made"
    made.mkdir()
    (made / "heart2.json").write_text(json.dumps(CARD | {"version": version}))
    (made / "heart2.tflite").touch()
    registry.put("heart2", version, made)

    def described() -> str:
        return str(api.json("/models/info")["models"]["heart2"]["card"]["version"])

    assert described() == "1.0.0"
    registry.activate("heart2", version)
    assert described() == version
    registry.activate("heart2", None)
    assert described() == "1.0.0"


def test_b2_the_index_names_every_endpoint(archive: Archive, api: Api) -> None:
    write_heartbeat(archive, timedelta(seconds=1))
    index = api.json("/")
    # Older systems answer 404 or 500 without a model or prediction: the profiles have tests of it.
    older = tuple(f"/{profile.name}/" for profile in PROFILES)
    for path in index["endpoints"]:
        if "{" not in path and openapi_document.OPERATIONS.find(path, "GET") and not path.startswith(older):
            assert api.get(path).status_code == 200
    assert "/api/v1/results" in index["endpoints"]
    assert "not a medical device" in index["notice"]


@pytest.mark.parametrize(
    "address",
    ["/nothing", "http://localhost//api/v1/results", "/api/v1/results/", "/static/x", "/api"],
)
def test_an_unknown_address_is_a_problem(api: Api, address: str) -> None:
    assert "GET /" in problem(api.client.get(address), 404)["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_get_and_head_are_answered(api: Api, method: str) -> None:
    answer = api.ask(method, "/api/v1/results")
    problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "address",
    ["/ui/system", "/health", "/livez", "/readyz", "/uptime", "/metrics", "/models/info", "/openapi.json"],
)
def test_addresses_without_parameters_take_none(api: Api, address: str) -> None:
    assert problem(api.get(f"{address}?verbose=1"), 400)["parameter"] == "verbose"


def test_a_bug_is_a_500_without_a_trace(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    archive.add(1)
    with connect(archive.settings.database).begin() as connection:
        connection.execute(text("UPDATE recordings SET document = 'not JSON', sample_rate = 0"))
    answer = archive.api().get("/api/v1/recordings/0000000000000001")
    document = problem(answer, 500)
    assert document["request_id"] in document["detail"] or "request_id" in document["detail"]
    assert "Traceback" not in answer.get_data(as_text=True)
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_breaks_is_a_503_without_a_trace(archive: Archive, api: Api) -> None:
    with connect(archive.settings.database).begin() as connection:
        connection.execute(text("ALTER TABLE recordings RENAME COLUMN document TO lost"))
    document = problem(api.get("/api/v1/results"), 503)
    assert "SELECT" not in document["detail"]


def test_every_answer_has_security_headers(archive: Archive, api: Api) -> None:
    archive.add(1)
    for address in ("/api/v1/results", "/health", "/nothing"):
        headers = api.client.get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-ID"])


def test_a_request_keeps_its_id_and_is_logged_on_one_line(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert api.get("/livez", X_Request_ID="abc-1").headers["X-Request-ID"] == "abc-1"
    (line,) = [record.getMessage() for record in caplog.records if "event=request" in record.getMessage()]
    assert re.fullmatch(r"event=request id=abc-1 method=GET path=/livez status=200 ms=\d+\.\d", line)


def test_a_request_id_cannot_forge_a_log_line(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    answer = api.get("/nothing%0Aevent=request", X_Request_ID="a event=forged")
    assert answer.headers["X-Request-ID"] != "a event=forged"
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_a_path_cannot_forge_a_log_line(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    api.get('/nothing"%20status=200%0Aevent=request%E2%80%A8event=request')
    (line,) = [record.getMessage() for record in caplog.records if "event=request" in record.getMessage()]
    assert len(line.splitlines()) == 1
    assert line.count(" status=") == 2
    assert r'path="/nothing\" status=200\nevent=request\u2028event=request" status=404 ' in line
