"""What a store of sounds refuses, as one sentence; its server is real, or answers what no real one can."""

import os
import sys
from pathlib import Path

import pytest
from object_server import BUCKET, KEY, RefusingServer
from stored_results import result_of, store_recording

from broker.mosquitto import free_port
from edge_worker import __main__ as worker
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import sound_name
from edge_worker.database.store import Store
from edge_worker.errors import AudioAwayError, AudioStoreError, SettingsError, StoreError
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.ingest.spool import Spool
from edge_worker.settings import Settings
from history_api.settings import ApiSettings

pytest_plugins = ["object_fixtures"]
NAME = sound_name("st-01", "00000000000000aa")


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, at_server: None) -> None:
    monkeypatch.setenv("AWS_TIMEOUT", "5s")


def opened() -> AudioStore:
    return open_audio(Settings.from_environ(os.environ))


def refusal(kind: type[StoreError] = AudioStoreError) -> str:
    """Return the sentence with which everything is refused."""
    store = opened()
    attempts = (
        store.check,
        lambda: store.write(NAME, [b"sound"], 5),
        lambda: store.write(NAME, [bytes(6_000_000)], 6_000_000),
        lambda: list(store.sounds()),
    )
    sentences = set()
    for attempt in attempts:
        with pytest.raises(kind) as error:
            attempt()
        assert type(error.value) is kind
        sentences.add(str(error.value))
    (sentence,) = sentences
    assert "\n" not in sentence
    return sentence


def test_a_wrong_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert "refuses the credentials: check AWS_ACCESS_KEY_ID" in refusal()


def test_an_unknown_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert refusal().endswith("(InvalidAccessKeyId)")


def test_a_missing_bucket_is_no_missing_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STETHO_AUDIO_URL", "s3://nowhere/at-all")
    assert refusal().startswith("s3://nowhere/at-all at http://127.0.0.1")
    assert "make the bucket, or correct STETHO_AUDIO_URL (NoSuchBucket)" in refusal()
    for attempt in (lambda: opened().find(NAME), lambda: opened().remove([NAME])):
        with pytest.raises(AudioStoreError, match="NoSuchBucket"):
            attempt()


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert "cannot be reached (no connection); recordings wait until it can" in refusal(AudioAwayError)


@pytest.mark.parametrize(
    ("status", "code", "kind", "part"),
    [
        (507, "InsufficientStorage", AudioStoreError, "is full: make room there, or raise its quota"),
        (403, "QuotaExceeded", AudioStoreError, "is full: "),
        (507, "XMinioStorageFull", AudioStoreError, "is full: "),
        (
            403,
            "AccessDenied",
            AudioStoreError,
            "allow this account to list, get, put and delete objects there",
        ),
        (403, "RequestTimeTooSkewed", AudioStoreError, "set its clock"),
        (503, "SlowDown", AudioAwayError, "fails (SlowDown); recordings wait until it works"),
        (400, "MalformedXML", AudioStoreError, "refuses: look into the log of the store (MalformedXML)"),
    ],
)
def test_answers_that_no_test_can_make_a_server_give(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, kind: type[StoreError], part: str
) -> None:
    with RefusingServer(status, code) as refusing:
        monkeypatch.setenv("AWS_ENDPOINT_URL", refusing.endpoint)
        assert part in refusal(kind)
        with pytest.raises(kind):
            opened().find(NAME)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("STETHO_AUDIO_URL", "sounds", "use s3://BUCKET or s3://BUCKET/PREFIX"),
        ("STETHO_AUDIO_URL", "s3://", "use s3://BUCKET"),
        ("STETHO_AUDIO_URL", "s3://a b/c", "use s3://BUCKET"),
        ("STETHO_AUDIO_URL", "gs://sounds", "use s3://BUCKET"),
        ("STETHO_AUDIO_URL", f"s3://{BUCKET}/../other", "cannot be used"),
        ("AWS_ALLOW_HTTP", "false", "use https, or set AWS_ALLOW_HTTP=true where the network is yours alone"),
        ("AWS_CA_BUNDLE", "/nowhere.pem", "AWS_CA_BUNDLE cannot be read"),
        ("STETHO_AUDIO_SECRET_FILE", "/nowhere", "STETHO_AUDIO_SECRET_FILE cannot be read"),
        ("AWS_TIMEOUT", "soon", "cannot be used"),
        ("AWS_ENDPOINT_URL", "s3.example.org", "use one such as https://s3.example.org"),
    ],
)
def test_settings_that_cannot_be_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, part: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        opened()
    assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_the_secret_comes_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(os.environ["AWS_SECRET_ACCESS_KEY"] + "\n")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("STETHO_AUDIO_SECRET_FILE", str(file))
    assert opened().check().startswith(f"in s3://{BUCKET}")
    assert KEY not in opened().check()


def test_without_the_library_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bucket_address", "audio_bucket", "object_reader", "bucket_fault"):
        monkeypatch.delitem(sys.modules, f"edge_worker.audio_store.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SettingsError, match="STETHO_AUDIO_URL needs obstore: /"):
        opened()


def test_a_start_with_wrong_credentials_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert worker.main(["check"]) == 2
    assert "refuses the credentials" in capsys.readouterr().err
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert worker.main(["check"]) == 0, "a store that is only away is waited for"


def test_an_analysis_after_a_restart_waits_for_its_sound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings.from_environ(os.environ | {"STETHO_DATA_DIR": str(tmp_path)})
    store = Store.open(settings.database)
    store_recording(store, result_of(1))
    (recording,) = store.unanalysed()
    segmenter, spool = HeartSegmenter.load(settings.models_dir), Spool(tmp_path / "spool")

    def analysed() -> str:
        pipeline = Pipeline(settings, {}, segmenter, spool, store)
        return pipeline.analyse(UnanalysedRecording(recording)).result.status

    with RefusingServer(503, "SlowDown") as refusing:
        monkeypatch.setenv("AWS_ENDPOINT_URL", refusing.endpoint)
        with pytest.raises(AudioAwayError):
            analysed()
    with RefusingServer(404, "NoSuchKey") as refusing:
        monkeypatch.setenv("AWS_ENDPOINT_URL", refusing.endpoint)
        assert analysed() == "error", "its sound is gone for good"
    store.close()


def test_room_is_not_made_where_it_does_not_help() -> None:
    with pytest.raises(SettingsError, match="STETHO_KEEP_DAYS"):
        ApiSettings.from_environ(os.environ | {"STETHO_KEEP_FREE_MB": "100"})
