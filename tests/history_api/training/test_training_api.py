"""Training over HTTP (row E6): labelled sounds, a retraining job, and the training status."""

from pathlib import Path

import pytest
import soundfile
from archive import Api, Archive, problem
from trainers import write_pair

from history_api.settings import ApiSettings
from simulator.sound.heart_sound import synthesise

RATE = 4000


@pytest.fixture
def api(tmp_path: Path) -> Api:
    archive = Archive(tmp_path)
    write_pair(archive.settings.models_dir)
    return archive.api()


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sounds")
    made = []
    for seed in range(4):
        made.append(folder / f"{seed}.{'flac' if seed else 'wav'}")
        soundfile.write(made[-1], synthesise("normal", 72, 4.5, RATE, seed), RATE)
    return made


def test_e6_labelled_sounds_are_stored_and_a_job_waits_for_the_trainer(api: Api, sounds: list[Path]) -> None:
    answer = api.post("/upload-training-data?target_class=normal", files=sounds)
    assert answer.status_code == 200
    assert answer.get_json()["count"] == 4
    assert answer.get_json()["held_out"] >= 1
    again = api.post("/upload-training-data?target_class=normal", files=sounds[:2])
    assert (again.get_json()["count"], again.get_json()["known"]) == (0, 2)
    asked = api.post("/retrain?model=heart2")
    assert (asked.status_code, asked.get_json()["status"]) == (202, "queued")
    status = api.json("/training-status")
    assert (status["status"], status["progress"]) == ("queued", 0)
    assert status["jobs"][0]["id"] == asked.get_json()["job"]
    sides = status["clips"]["heart2"]["normal"]
    assert sides["learn"] + sides["judge"] == 4
    stored = list((settings_of(api).data_dir / "training").rglob("*.*"))
    assert len(stored) == 4
    assert not list((settings_of(api).data_dir / "uploads").iterdir())


def test_e6_without_a_job_the_status_is_idle(api: Api) -> None:
    status = api.json("/training-status")
    assert (status["status"], status["message"], status["jobs"]) == ("idle", "", [])


def test_e6_all_files_are_stored_or_none(api: Api, sounds: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    answer = api.post("/upload-training-data?target_class=normal", files=[*sounds, bad])
    assert "bad.wav" in problem(answer, 415)["detail"]
    assert api.json("/training-status")["clips"] == {}


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("/upload-training-data?target_class=ill", "normal, abnormal"),
        ("/upload-training-data", "normal, abnormal"),
        ("/upload-training-data?target_class=normal&model=..%2Fx", "choose of heart2"),
        ("/upload-training-data?target_class=normal", "key files"),
        ("/retrain?model=nothing", "choose of heart2"),
    ],
)
def test_e6_an_invalid_request_is_a_problem_that_names_the_fault(api: Api, address: str, detail: str) -> None:
    assert detail in problem(api.post(address), 400)["detail"]


def test_e6_a_sound_with_two_labels_is_a_conflict_that_names_the_file(api: Api, sounds: list[Path]) -> None:
    assert api.post("/upload-training-data?target_class=normal", files=sounds).status_code == 200
    detail = problem(api.post("/upload-training-data?target_class=abnormal", files=sounds[:2]), 409)["detail"]
    assert "0.wav" in detail
    assert str(settings_of(api).data_dir) not in detail


def settings_of(api: Api) -> ApiSettings:
    settings: ApiSettings = api.app.extensions["stetho"].settings
    return settings
