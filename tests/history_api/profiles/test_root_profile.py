"""An older system at the root, the table of all of them, and the rate of raw PCM."""

from dataclasses import replace
from pathlib import Path

import pytest
from archive import Api, Archive

from edge_worker.errors import SettingsError
from history_api.application import create_app
from history_api.profiles.endpoints import ENDPOINTS
from history_api.profiles.profile import PROFILES
from history_api.settings import ApiSettings
from history_api.uploads.raw_sound import rate_of

PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"


def client_of(archive: Archive, root_profile: str) -> Api:
    return Api(replace(archive.settings, root_profile=root_profile))


def test_an_older_system_is_answered_at_the_root_too(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(1, labels={"emotion": "calm"}, file_name="your_audio.wav")
    client = client_of(archive, "emotion").client
    (item,) = client.get("/history").get_json()["history"]
    assert (item["filename"], item["predicted_emotion"]) == ("your_audio.wav", "calm")
    assert client.get("/health").get_json() == {"status": "ok"}
    assert client.get("/download-report/your_audio.wav").mimetype == "application/pdf"
    assert client.get("/visualizations/your_audio_analysis.png").mimetype == "image/png"
    assert client.get("/visualizations/class-distribution").get_json()["models"], "no address of its own"
    assert client.post("/predict").status_code == 503, "no worker, but the address is there"
    assert client.post("/upload_audio").status_code == 503
    assert isinstance(archive.api().json("/history"), list), "without the setting all is as before"


def test_browsers_and_prometheus_get_what_is_theirs(tmp_path: Path) -> None:
    client = client_of(Archive(tmp_path), "heart-cnn").client
    assert client.get("/metrics").get_json().keys() >= {"accuracy", "auc_roc"}
    for accept in (PROMETHEUS, "text/plain"):
        assert client.get("/metrics", headers={"Accept": accept}).text.startswith("# HELP")
    assert "<html" in client.get("/", headers={"Accept": "text/html,*/*;q=0.8"}).text
    assert "usage" in client.get("/", headers={"Accept": "*/*"}).get_json()


def test_an_unknown_system_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"STETHO_ROOT_PROFILE.*heart-api, digits"):
        create_app(replace(Archive(tmp_path).settings, root_profile="heart"))


def test_without_a_prediction_the_last_one_cannot_be_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    assert archive.api().client.get("/heart-api/").status_code == 500
    archive.add(1, labels={"heart2": "abnormal"})
    archive.add(2, labels={"heart5": "murmur"})
    archive.add(3, labels={"digits": "six"})
    assert archive.api().client.get("/heart-api").get_json() == {
        "class": "Murmur",
        "confidence": 90.0,
        "accepted": True,
    }


def test_a_picture_is_of_the_last_file_of_its_name(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for number, name in enumerate(("a.wav", "a.b.wav", "a.MP3", "ab.wav", "a%.wav"), start=1):
        archive.add(number, file_name=name)
    history = archive.api().app.extensions["stetho"].history
    found = {each: history.recording_of_stem(each) for each in ("a", "a.b", "ab", "a%", "b", "a.b.wav")}
    assert {name: entry and int(entry.recording_id, 16) for name, entry in found.items()} == {
        "a": 3,
        "a.b": 2,
        "ab": 4,
        "a%": 5,
        "b": None,
        "a.b.wav": 2,
    }


def test_every_endpoint_belongs_to_a_system() -> None:
    assert {address for each in PROFILES for address in each.addresses} == set(ENDPOINTS)


@pytest.mark.parametrize(
    ("size", "rate"),
    [
        (352_800, 44_100),
        (88_200, 44_100),
        (88_200 * 160, 16_000),
        (128_000, 16_000),
        (352_801, 16_000),
        (0, 16_000),
    ],
)
def test_the_rate_of_raw_sound_follows_from_its_length(size: int, rate: int) -> None:
    assert rate_of(size) == rate


@pytest.mark.parametrize("rate", [1, 10**6])
def test_a_rate_that_no_sound_has_is_refused(tmp_path: Path, rate: int) -> None:
    with pytest.raises(SettingsError, match="STETHO_RAW_RATE"):
        ApiSettings.from_environ({"STETHO_RAW_RATE": str(rate), "STETHO_DATA_DIR": str(tmp_path)})
