"""Uploads on a running site: from the request to the stored and analysed recording."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests
import soundfile
from conftest import Client, wait_until
from upload_site import WITHIN_S, UploadSite, analysed, spooled, synthesise_heart

from edge_worker.protocol import topics
from simulator.site.site import Site


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadSite]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield UploadSite(site)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise_heart(tmp_path_factory.mktemp("sound") / "heart.wav")


def test_an_upload_is_a_recording_of_its_device(running: UploadSite, heart: Path) -> None:
    answer = running.post(
        "/api/v1/recordings?device=st-07&site=MV&exam=visit-7&model=heart5", files={"file": heart.open("rb")}
    )
    assert answer.status_code == 201
    recording = running.get(answer.headers["Location"]).json()
    assert recording["device_id"] == "st-07"
    assert recording["meta"]["site"] == "MV"
    assert recording["result"]["exam"] == "visit-7"
    assert running.get("/api/v1/exams/visit-7?device=st-07").json()["missing"] == ["AV", "PV", "TV"]
    refused = running.post("/api/v1/recordings?exam=Visit+7", files={"file": heart.open("rb")})
    assert (refused.status_code, refused.json()["parameter"]) == (400, "exam")
    assert [each["model"] for each in recording["result"]["models"]] == ["heart5"]


def test_an_upload_says_whose_sound_it_is_and_a_name_is_refused(running: UploadSite, heart: Path) -> None:
    address = "/api/v1/recordings?model=heart5"
    answers = [
        running.post(f"{address}&subject=P-0042", files={"file": heart.open("rb")}),
        running.post(address, files={"file": heart.open("rb")}, data={"subject": "P-0042"}),
    ]
    assert [each.json()["result"]["subject"] for each in answers] == ["P-0042", "P-0042"]
    for wrong, why in (
        ("Anna", "digit"),
        ("Anna-1987", "name"),
        ("a1@b.de", "e-mail"),
        ("1987-03-12", "date"),
    ):
        refused = running.post(address, files={"file": heart.open("rb")}, data={"subject": wrong})
        assert (refused.status_code, refused.json()["parameter"]) == (400, "subject")
        assert why in refused.json()["detail"]


def test_an_upload_that_is_not_waited_for_is_answered_with_202_and_its_address(
    running: UploadSite, heart: Path
) -> None:
    answer = running.post(
        "/api/v1/recordings?wait=0", data=heart.read_bytes(), headers={"Content-Type": "audio/wav"}
    )
    assert answer.status_code == 202
    state = analysed(running.url + answer.headers["Location"])
    assert state["result"]["recording_id"] == state["recording_id"]


def test_concurrent_uploads_with_one_idempotency_key_are_one_recording(
    running: UploadSite, heart: Path
) -> None:
    def send(_: int) -> str:
        headers = {"Idempotency-Key": "one"}
        answer = running.post("/api/v1/recordings", files={"file": heart.open("rb")}, headers=headers)
        return str(answer.json()["recording_id"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    other = running.post("/api/v1/recordings", data=b"RIFF", headers={"Idempotency-Key": "one"})
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


def test_many_uploads_at_once_all_get_their_own_result(running: UploadSite, heart: Path) -> None:
    samples, rate = soundfile.read(heart)
    for seconds in range(1, 7):
        soundfile.write(heart.with_name(f"cut-{seconds}.wav"), samples[: seconds * rate], rate)

    def send(seconds: int) -> tuple[int, int]:
        cut = heart.with_name(f"cut-{seconds}.wav")
        answer = running.post("/api/v1/recordings", files={"file": cut.open("rb")})
        assert answer.status_code == 201, answer.text
        return seconds, answer.json()["result"]["audio"]["samples"]

    with ThreadPoolExecutor(8) as pool:
        assert all(samples == seconds * rate for seconds, samples in pool.map(send, [1, 2, 3, 4, 5, 6] * 2))


def test_a_deleted_upload_frees_its_key_and_clears_the_display(running: UploadSite, heart: Path) -> None:
    def send() -> str:
        answer = running.post(
            "/api/v1/recordings?device=st-08",
            files={"file": heart.open("rb")},
            headers={"Idempotency-Key": "again"},
        )
        assert answer.status_code == 201
        return str(answer.json()["links"]["recording"])

    first = send()
    assert send() == first
    shown = topics.device_result("st-08")
    with Client(running.site.broker, running.site.operator, shown) as client:
        wait_until(lambda: client.documents(shown), "the result for the display")
        assert requests.delete(running.url + first, timeout=WITHIN_S).status_code == 204
        wait_until(lambda: not client.messages[-1].payload, "the display to be cleared")
    second = send()
    assert second != first
    assert running.get(second).status_code == 200


def test_statistics_of_the_broker_are_metrics(running: UploadSite) -> None:
    for _ in range(60):
        text = running.get("/metrics").text
        if "stetho_broker_publish_messages_dropped 0.0" in text:
            break
        time.sleep(0.5)  # Mosquitto publishes it every ten seconds
    assert "stetho_broker_publish_messages_dropped 0.0" in text


def test_without_a_ready_worker_an_upload_is_refused_with_503(tmp_path: Path, heart: Path) -> None:
    with Site(tmp_path / "site") as site:
        site.start_worker().stop()
        url = site.start_api()
        answer = requests.post(
            f"{url}/predict?model=heart5", files={"file": heart.open("rb")}, timeout=WITHIN_S
        )
        assert answer.status_code == 503
        assert "nothing was stored" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
        assert requests.get(f"{url}/api/v1/results", timeout=WITHIN_S).status_code == 200


def test_an_upload_in_the_first_moments_of_the_api_waits_until_the_broker_has_answered(
    tmp_path: Path, heart: Path
) -> None:
    with Site(tmp_path / "site") as site, ThreadPoolExecutor(1) as pool:
        site.start_worker()
        site.broker.pause()
        try:
            url = site.start_api()
            answer = pool.submit(predict, url, heart)
            with pytest.raises(TimeoutError):
                answer.result(1)
        finally:
            site.broker.resume()
        assert answer.result(WITHIN_S).status_code == 200


def predict(url: str, file: Path) -> requests.Response:
    return requests.post(f"{url}/predict?model=heart5", files={"file": file.read_bytes()}, timeout=WITHIN_S)


def test_an_upload_that_a_killed_worker_had_not_stored_is_analysed_by_the_next(
    tmp_path: Path, heart: Path
) -> None:
    with Site(tmp_path / "site") as site:
        worker = site.start_worker()
        url = site.start_api()
        worker.pause()
        answer = requests.post(
            f"{url}/api/v1/recordings?wait=1", files={"file": heart.open("rb")}, timeout=WITHIN_S
        )
        assert answer.status_code == 202
        worker.kill()
        api = site.processes[-1]
        api.kill()  # the API as well: an accepted upload is on disk
        site.start_worker()
        url = site.start_api()
        analysed(url + answer.headers["Location"])
        # The result is in the history before the API has it from the worker.
        wait_until(lambda: not spooled(site), "an empty spool")


def test_odd_files_are_taken_whole_or_refused_with_what_to_do(running: UploadSite, heart: Path) -> None:
    samples, rate = soundfile.read(heart)
    mp3 = heart.with_suffix(".mp3")
    soundfile.write(mp3, samples, rate)
    content = mp3.read_bytes()
    # Without its first frame, which counts the others, as an encoder writes it into a pipe.
    answer = running.post("/api/v1/recordings", files={"file": content[content.index(content[:2], 10) :]})
    assert answer.status_code == 201
    assert answer.json()["result"]["audio"]["samples"] >= len(samples)
    wav = heart.read_bytes()
    at = wav.index(b"data") + 4
    killed = wav[:at] + bytes(4) + wav[at + 4 :]
    answer = running.post("/api/v1/recordings", files={"file": killed})
    assert answer.json()["result"]["audio"]["samples"] == len(samples)
    many = wav[:22] + (1024).to_bytes(2, "little") + wav[24:]
    for refused, detail in ((many, "1024 channels"), (wav + wav, "several recordings")):
        answer = running.post("/api/v1/recordings", files={"file": refused})
        assert answer.status_code == 422, answer.text
        assert detail in answer.json()["detail"]


def test_the_result_says_why_samples_are_no_sound_and_which_channel_was_heard(
    running: UploadSite, heart: Path
) -> None:
    pcm, rate = soundfile.read(heart, dtype="int16")
    as_mono = np.stack([pcm, np.zeros_like(pcm)], axis=1).reshape(-1)
    results = []
    for name, samples in (("mono", as_mono), ("opposite", np.stack([pcm, -pcm], axis=1))):
        file = heart.with_name(f"{name}.wav")
        soundfile.write(file, samples, rate, subtype="PCM_16")
        answer = running.post("/api/v1/recordings", files={"file": file.open("rb")})
        results.append(answer.json()["result"])
    assert results[0]["reasons"] == ["interleaved"]
    assert results[0]["heart_rate_bpm"] is None
    assert results[1]["audio"]["channel"] == "left"
    assert results[1]["heart_rate_bpm"] == pytest.approx(72, abs=3)
