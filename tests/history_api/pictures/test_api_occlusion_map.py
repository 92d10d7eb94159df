"""Occlusion maps over HTTP, computed by the real command in a subprocess."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from archive import Api, Archive, prediction, problem

from history_api.pictures import occlusion_map

ADDRESS = "/api/v1/recordings/0000000000000001/occlusion.svg"
SHIPPED = Path(__file__).parents[3] / "models_tflite"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Recording 1, classified by the shipped heart2, which is in the models directory."""
    archive = Archive(tmp_path)
    for suffix in ("json", "tflite"):
        shutil.copy(SHIPPED / f"heart2.{suffix}", archive.settings.models_dir)
    card = json.loads((SHIPPED / "heart2.json").read_text())
    accepted = prediction("heart2", "normal", sha256=card["sha256"], version=card["version"])
    other = prediction("heart5", "normal", accepted=False)
    archive.save(replace(archive.add(1, is_analysed=False), models=(other, accepted)))
    return archive


@pytest.fixture
def api(archive: Archive) -> Api:
    return archive.api()


def test_e8_an_occlusion_map_is_computed_once_by_the_model_that_classified(
    archive: Archive, api: Api
) -> None:
    first = api.get(ADDRESS)  # of heart2, the first that accepts its label
    picture = ET.fromstring(first.get_data())  # noqa: S314 - our own picture
    version = json.loads((SHIPPED / "heart2.json").read_text())["version"]
    assert picture.get("aria-label", "").endswith(f", version {version}")
    assert "img-src data:" in first.headers["Content-Security-Policy"]
    (archive.settings.models_dir / "heart2.tflite").unlink()
    again = api.get(f"{ADDRESS}?model=heart2")
    assert again.get_data() == first.get_data()
    assert api.get(ADDRESS, If_None_Match=first.headers["ETag"]).status_code == 304


def test_a_model_without_a_prediction_is_a_404(api: Api) -> None:
    assert "heart5, heart2" in problem(api.get(f"{ADDRESS}?model=digits"), 404)["detail"]
    assert problem(api.get(f"{ADDRESS}?model=a%0ab"), 400)["parameter"] == "model"


def test_a_removed_model_version_is_a_503(api: Api) -> None:
    assert "not on this machine" in problem(api.get(f"{ADDRESS}?model=heart5"), 503)["detail"]


def test_where_models_cannot_run_the_answer_names_the_command(
    archive: Archive, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    (archive.settings.models_dir / "heart2.tflite").write_bytes(b"no model")
    document = problem(api.get(ADDRESS), 503)
    assert "stetho explain" in document["detail"]
    assert f"event=explain_failed id={document['request_id']}" in caplog.text
    assert not list((archive.settings.data_dir / "cache").glob("*"))


def test_one_map_is_computed_at_a_time_and_within_a_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with occlusion_map._EXPLAIN_LOCK:
        assert problem(api.get(ADDRESS), 503)["detail"].endswith("ask again")
    monkeypatch.setattr(occlusion_map, "LIMIT_S", 0.01)
    assert "ended" in problem(api.get(ADDRESS), 503)["detail"]
    assert not occlusion_map._EXPLAIN_LOCK.locked()


def test_removed_audio_has_no_occlusion_map(archive: Archive, api: Api) -> None:
    (archive.settings.data_dir / "audio/st-01/0000000000000001.wav").unlink()
    problem(api.get(ADDRESS), 410)
