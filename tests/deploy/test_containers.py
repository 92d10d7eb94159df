"""The site of docker-compose.yml, really built and run: `make containers`, which finds or makes an engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from compose_site import IMAGES, ComposeSite, finish, running, seconds
from conftest import wait_until
from upload_site import synthesise_heart

SERVICES: Final = ["broker", "edge_worker", "history_api", "notify", "trainer"]
PROGRAMS: Final = [each for each in SERVICES if each != "broker"]
MEGABYTES: Final = {"provision": 90, "edge_worker": 350, "history_api": 200, "notify": 95, "trainer": 2700}
"""The most that an image may take on disk."""

LIBRARIES: Final = {
    "edge_worker": "ai_edge_litert.interpreter, alembic.command, obstore, psycopg, scipy.fft",
    "history_api": "fpdf, obstore, PIL.Image, psycopg, soundfile, uharfbuzz, uvicorn",
    "notify": "apprise, paho.mqtt.client, zoneinfo",
    "trainer": "librosa, obstore, psycopg, sklearn.linear_model, tensorflow",
}

pytestmark = [
    pytest.mark.skipif("STETHO_CONTAINERS" not in os.environ, reason="`make containers` runs it"),
    pytest.mark.timeout(3000),  # the first test downloads packages and builds the images
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeSite]:
    with running(ComposeSite(tmp_path_factory.mktemp("compose"))) as made:
        yield made


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise_heart(tmp_path_factory.mktemp("sound") / "heart.wav")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_healthy_after_the_first_start(site: ComposeSite, name: str) -> None:
    assert site.health(name) == "healthy"
    assert site.container(name)["RestartCount"] == 0


@pytest.mark.parametrize("name", sorted(MEGABYTES))
def test_an_image_is_small_and_of_an_ordinary_user(site: ComposeSite, name: str) -> None:
    inspect = ["docker", "image", "inspect", site.image(name)]
    (image,) = json.loads(subprocess.run(inspect, check=True, capture_output=True).stdout)
    assert image["Size"] < MEGABYTES[name] * 1e6
    assert image["Config"]["User"] == "1883:1883"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_and_write_nothing_that_it_need_not(site: ComposeSite, name: str) -> None:
    assert site.rights(name) == ("\t".join(["1883"] * 4), {0}, "1", "ro")
    tried = "touch /tmp/a && ! touch /opt/a 2>/dev/null && ! touch /etc/a 2>/dev/null"
    site.run("exec", "-T", name, "sh", "-c", tried)


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_what_installs_packages_is_not_in_an_image(site: ComposeSite, name: str) -> None:
    tools = "for each in pip apt-get dpkg perl gcc curl; do command -v $each; done"
    looked = f"{tools}; python -c 'import pip' 2>&1 | tail -n 1"
    run = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", site.image(name)]
    printed = subprocess.run([*run, "-c", looked], check=True, capture_output=True, text=True).stdout
    assert printed == "ModuleNotFoundError: No module named 'pip'\n"


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_the_libraries_of_an_image_work_in_it(site: ComposeSite, name: str) -> None:
    """Parts of them are left out, and nothing can be written beside them."""
    used = f"import {LIBRARIES[name]}"
    if name == "trainer":
        used += "; import numpy; librosa.feature.melspectrogram(y=numpy.zeros(9000, numpy.float32))"
    site.run("exec", "-T", name, "python", "-c", used)


def test_a_recording_from_outside_has_its_result_and_its_pictures_over_http(
    site: ComposeSite, heart: Path
) -> None:
    recording = finish(site.send(heart))
    result = site.results()[recording]
    assert (result["device_id"], result["status"]) == ("st-01", "ok")
    for picture in ("audio.wav", "waveform.svg", "spectrogram.png", "mfcc.png", "report.pdf"):
        answer = site.get(f"/api/v1/recordings/{recording}/{picture}")
        assert answer.status_code == 200, picture


def test_what_a_telephone_records_is_decoded(site: ComposeSite, heart: Path, tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here: m4a and webm cannot be made")
    for name, codec in (("heart.m4a", "aac"), ("heart.webm", "libopus"), ("heart.wma", "wmav2")):
        file = tmp_path / name
        encode = ["ffmpeg", "-v", "error", "-i", str(heart), "-ar", "48000", "-c:a", codec, str(file)]
        subprocess.run(encode, check=True)
        answer = site.upload("/api/v1/recordings?model=heart5", file)
        assert answer.status_code == 201, (name, answer.text)
        assert seconds(answer.json()["result"]) == pytest.approx(6, abs=0.2)


def test_reports_have_letters_of_all_scripts(site: ComposeSite) -> None:
    of_letters = "[any(font.is_installed for font in fonts.fonts_of(letter)) for letter in 'Жع心']"
    code = f"from history_api.reports import fonts; print({of_letters})"
    assert site.run("exec", "-T", "history_api", "python", "-c", code).strip() == "[True, True, True]"


@pytest.mark.parametrize("name", ["edge_worker", "broker"])
def test_a_service_that_dies_while_one_records_is_started_again_and_nothing_is_lost(
    site: ComposeSite, heart: Path, name: str
) -> None:
    sending = site.send(heart, "--realtime")
    arrived = "ls /data/spool | grep -v quarantine"
    spool = ("exec", "-T", "edge_worker", "sh", "-c", f"{arrived} || true")
    wait_until(lambda: "st-01" in site.run(*spool), "the first chunk")
    site.crash(name)
    recording = finish(sending)
    assert site.container(name)["RestartCount"] == 1
    result = site.results()[recording]
    assert result["status"] == "ok"
    assert seconds(result) == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize("name", ["history_api", "notify", "trainer"])
def test_a_service_beside_the_worker_is_started_again(site: ComposeSite, name: str) -> None:
    site.crash(name)
    wait_until(lambda: site.container(name)["RestartCount"] == 1, "a new start")
    site.wait_healthy(name)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_was_killed_on_purpose_starts_when_asked(site: ComposeSite, name: str) -> None:
    before = site.results()
    site.run("kill", name)
    assert site.health(name) == ""
    site.run("up", "--detach", "--wait", name)
    assert site.health(name) == "healthy"
    site.wait_healthy("history_api")
    assert site.results() == before


def test_what_was_stored_outlives_the_containers(site: ComposeSite, heart: Path) -> None:
    before = site.results()
    site.run("down")
    site.run("up", "--detach", "--wait")
    assert site.results() == before
    assert finish(site.send(heart)) in site.results(), "account, password and CA are those of before"
