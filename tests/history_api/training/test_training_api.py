"""Training over HTTP (row E6): labelled sounds, a retraining job, and the training status."""

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from archive import Api, Archive, problem
from trainers import write_pair
from werkzeug.test import TestResponse

from edge_worker.database.training import TrainingTables
from history_api.settings import ApiSettings
from simulator.sound.heart_sound import synthesise

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

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


def test_e6_the_first_recording_of_a_label_is_taken_and_not_trained_on(api: Api, sounds: list[Path]) -> None:
    assert api.post("/upload-training-data?target_class=abnormal", files=sounds[:1]).status_code == 200
    detail = problem(api.post("/retrain"), 409)["detail"]
    assert "all recordings of abnormal are of one source" in detail
    assert api.post("/upload-training-data?target_class=abnormal", files=sounds[1:2]).status_code == 200
    assert api.post("/retrain").status_code == 202


def send(api: Api, sounds: list[Path], names: list[str], **fields: str | list[str]) -> TestResponse:
    files = [(file.open("rb"), name) for file, name in zip(sounds, names, strict=True)]
    return api.client.post("/upload-training-data", data={**fields, "files": files})


@pytest.mark.parametrize(
    ("names", "sources", "expected"),
    [
        (["a.wav", "b.wav", "c.wav", "d.wav"], [], 4),
        (["ada/1.wav", "ada/2.wav", "normal/max/1.wav", "max/2.wav"], [], 2),
        (["a.wav", "b.wav", "c.wav", "d.wav"], ["ada"], 1),
        (["a.wav", "b.wav", "c.wav", "d.wav"], ["ada", "max", "ada", "max"], 2),
        (["x/a.wav", "x/b.wav", "c.wav", "d.wav"], ["", "", "ada", "max"], 3),
        (["../a.wav", "../b.wav", "/c.wav", "./d.wav"], [], 4),
    ],
)
def test_e6_a_source_is_that_of_a_field_or_of_a_folder(
    api: Api, sounds: list[Path], names: list[str], sources: list[str], expected: int
) -> None:
    answer = send(api, sounds, names, target_class="normal", source=sources)
    assert answer.status_code == 200, answer.text
    clips = TrainingTables(api.app.extensions["stetho"].database).clips("heart2")
    assert len({clip.source for clip in clips}) == expected


def test_e6_sources_that_are_neither_one_nor_one_for_each_are_refused(api: Api, sounds: list[Path]) -> None:
    answer = send(api, sounds, ["a", "b", "c", "d"], target_class="normal", source=["ada", "max"])
    assert "2 sources for 4 files" in problem(answer, 400)["detail"]


def test_e6_any_format_of_uploads_is_taken_and_learned_from_as_wav(
    api: Api, sounds: list[Path], tmp_path: Path
) -> None:
    m4a, aiff = tmp_path / "a.m4a", tmp_path / "b.aiff"
    convert = ["ffmpeg", "-loglevel", "error", "-i", str(sounds[0])]
    subprocess.run([*convert, "-c:a", "aac", "-ar", "8000", str(m4a)], check=True)
    soundfile.write(aiff, soundfile.read(sounds[1])[0], RATE)
    assert api.post("/upload-training-data?target_class=normal", files=[m4a, aiff]).status_code == 200
    clips = TrainingTables(api.app.extensions["stetho"].database).clips("heart2")
    lengths = [soundfile.info(settings_of(api).data_dir / clip.file).duration for clip in clips]
    assert [clip.file.rpartition(".")[2] for clip in clips] == ["wav", "wav"]
    assert lengths == pytest.approx([4.5, 4.5], abs=0.3)


def test_e6_a_queued_job_says_whether_a_trainer_is_there(api: Api) -> None:
    assert "no trainer is running" in api.post("/retrain").get_json()["message"]
    assert "no trainer is running" in api.json("/training-status")["message"]
    hold = "import sys; from pathlib import Path; from edge_worker.directory_lock import lock_directory"
    hold += "; lock = lock_directory(Path(sys.argv[1]), ''); print(flush=True); sys.stdin.read()"
    lock = settings_of(api).data_dir / "trainer.lock"
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as trainer:
        assert trainer.stdout is not None
        trainer.stdout.readline()
        assert "no trainer" not in api.post("/retrain").get_json()["message"]
        assert api.json("/training-status")["message"] == "job 1 of heart2: queued"
        trainer.communicate()


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
