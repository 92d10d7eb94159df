"""A site of whose models one is damaged: it records, classifies with the others, and names it."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest
from conftest import Device, beep, cut, rows, wait_until

import models_tflite
from edge_worker import doctor
from simulator.site.site import Site

SHIPPED = Path(models_tflite.__file__).parent


def test_the_worker_starts_and_health_and_doctor_name_the_damaged_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for path in (*SHIPPED.glob("*.json"), *SHIPPED.glob("*.tflite")):
        shutil.copy(path, models)
    (models / "ours.json").write_bytes((models / "heart5.json").read_bytes())
    (models / "ours.tflite").write_bytes(b"rubbish")
    (models / "segments.tflite").write_bytes(b"rubbish")
    with Site(tmp_path / "site", {"STETHO_MODELS_DIR": str(models)}) as site, Device(site, "st-01") as device:
        worker = site.start_worker()
        url = site.start_api()
        device.send_all(cut(beep(16_000), 1))
        device.wait_for("stetho/v1/device/st-01/down/result")
        wait_until(lambda: rows(site, "SELECT seen_at FROM workers"), "a heartbeat")
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            health = json.loads(answer.read())
        part = health["components"]["models"]
        assert (part["status"], health["predictor_ready"]) == ("degraded", True)
        assert "ours" in part["detail"]
        assert "segments" in part["detail"]
        assert "heart5" in part["loaded"]
        assert health["components"]["worker"]["status"] == "ok"
        for name, value in site.environ.items():
            monkeypatch.setenv(name, value)
        assert doctor.main(["--json"]) == 1
        checks = {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
        assert "ours" in checks["models"]["text"]
        assert "segments" in checks["models"]["text"]
        assert worker.stop() == 0
    assert worker.log.count("event=model_refused") == 2
    assert "Traceback" not in worker.log
