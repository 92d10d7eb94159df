"""One answer for one sound, through the real broker, worker, models, database and API."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Device
from contradicting_models import write_contradicting_models
from stream_playback import NAME, SETTINGS, change, get, operator_client, stream
from test_live_events import room

from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples, read


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    models = write_contradicting_models(tmp_path / "models")
    with Site(tmp_path / "site", SETTINGS | {"STETHO_MODELS_DIR": str(models)}) as running:
        yield running


def test_two_models_that_contradict_each_other_are_one_answer_that_says_so(site: Site) -> None:
    """Of a normal heart `heart5` says normal, and a model that says the contrary: it is seen by everybody."""
    site._settings["STETHO_LANGUAGE"] = "de"
    site.start_worker()
    api = site.start_api()
    pcm = from_samples(synthesise("normal", 72, 8, 4000, 1), 4000).pcm
    with Device(site, "st-01") as device, operator_client(site) as operator:
        device.send_all(stream(pcm))
        full = operator.wait_for("stetho/v1/result/st-01", recording_id=NAME)
        compact = device.wait_for("stetho/v1/device/st-01/down/result", recording_id=NAME)
    accepted = {each["model"]: each["label"] for each in full["models"] if each["accepted"]}
    assert accepted == {"heart5": "normal", "heart2": "abnormal"}
    assert full["verdict"] | {"confidence": None} == {
        **{"label": "abnormal", "model": "heart2", "severity": "finding", "confidence": None},
        **{"disagree": ["heart5", "heart2"], "text": "Auffällig"},
    }
    assert (compact["label"], compact["severity"], compact["accepted"]) == ("abnormal", "finding", True)
    assert (compact["text"], compact["note"]) == ("Auffaellig", "Modelle uneins")
    for query, count in (
        ("severity=finding", 1),
        ("severity=none", 0),
        ("verdict=abnormal", 1),
        ("verdict=normal", 0),
        ("disagree=true", 1),
    ):
        assert len(get(f"{api}/api/v1/results?{query}")["items"]) == count, query
    assert get(f"{api}/api/v1/devices/st-01")["last_label"] == "abnormal"
    assert get(f"{api}/")["class"] == "Abnormal"
    report = get(f"{api}/api/v1/recordings/{NAME}/fhir.json")["entry"][-1]["resource"]
    assert report["conclusion"].startswith("Auffällig. Die Modelle sind uneins: Normal, Auffällig.")


def test_an_event_is_not_hidden_by_its_stream(site: Site, datasets: Path) -> None:
    """A siren, and then a long dog: the stream as a whole is no siren, its verdict is."""
    siren, dog = (
        np.concatenate([read(path, 16_000).pcm for path in sorted(datasets.glob(f"esc50/**/*-{kind}.*"))[:n]])
        for kind, n in ((42, 1), (0, 4))
    )
    loud = [
        (pcm.astype(np.float64) * 20_000 / max(1, np.abs(pcm).max())).astype(np.int16) for pcm in (siren, dog)
    ]
    worker = site.start_worker()
    api = site.start_api()
    change(worker, api, "room-01", {"models": ["esc50"], "gate": {"on": True}})
    with Device(site, "room-01") as device, operator_client(site) as operator:
        device.send_all(stream(room(*loud), rate=16_000))
        full = operator.wait_for("stetho/v1/result/room-01", recording_id=NAME)
        events = [each for each in operator.documents("stetho/v1/result/room-01") if "event" in each]
        shown = device.wait_for("stetho/v1/device/room-01/down/result", recording_id=NAME)
        lists = operator.documents("stetho/v1/device/room-01/down/sounds")
    sirens = [each for each in events if each["verdict"]["severity"] == "finding"]
    assert {each["verdict"]["label"] for each in sirens} == {"siren"}
    assert "siren" not in {each["label"] for each in full["models"]}
    assert (full["verdict"]["label"], full["verdict"]["severity"]) == ("siren", "finding")
    assert full["verdict"]["event"] in {each["recording_id"] for each in sirens}
    assert (shown["recording_id"], shown["text"], shown["severity"]) == (NAME, "Siren", "finding")
    listed = [each for document in lists for each in document["sounds"] if each["severity"] == "finding"]
    assert {each["text"] for each in listed} == {"Siren"}


def test_the_language_of_pages_is_that_of_the_browser(site: Site) -> None:
    api = site.start_api()

    def words(accepted: str) -> Any:  # noqa: ANN401 - JSON
        asked = urllib.request.Request(f"{api}/api/v1/labels", headers={"Accept-Language": accepted})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert "Accept-Language" in answer.headers["Vary"]
            return json.load(answer)

    german, other = words("de-CH, en;q=0.5"), words("fr")
    assert (german["language"], other["language"]) == ("de", "en")
    assert german["models"]["heart5"]["labels"]["murmur"]["name"] == "Herzgeräusch"
    murmur = other["models"]["heart5"]["labels"]["murmur"]
    assert (murmur["name"], murmur["severity"], murmur["codes"][0]["code"]) == (
        "Murmur",
        "finding",
        "88610006",
    )
