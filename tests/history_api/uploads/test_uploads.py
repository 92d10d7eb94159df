"""Uploads through the real broker and the real worker, in the words of every system that was absorbed."""

import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile
from conftest import Client, wait_until

from edge_worker.connection import Inbound
from edge_worker.protocol import topics
from history_api import openapi_document
from history_api.mqtt.mqtt_session import MqttSession
from history_api.mqtt.upload_publisher import Sound, UploadPublisher
from history_api.settings import ApiSettings
from simulator.site.site import Site

WITHIN_S = 60


class Running:
    """A whole site that takes uploads."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.worker = site.start_worker()
        self.url = site.start_api()

    def post(self, address: str, **how: Any) -> requests.Response:  # noqa: ANN401 - as requests
        answer = requests.post(self.url + address, timeout=WITHIN_S, **how)
        hold(answer, address.split("?", maxsplit=1)[0], "post")
        return answer

    def get(self, address: str) -> requests.Response:
        return requests.get(self.url + address, timeout=WITHIN_S)


def hold(answer: requests.Response, path: str, method: str) -> None:
    """Fail unless the document promises this status and media type."""
    promised = openapi_document.DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]
    assert answer.headers["Content-Type"].split(";")[0] in promised["content"]


def spooled(site: Site) -> list[Path]:
    """Return what of uploads waits on disk for the worker; there may be no folder yet."""
    return list((site.data_dir / "uploads").glob("*"))


def analysed(address: str) -> dict[str, Any]:
    """Return the state of an upload once it has its result."""
    state: dict[str, Any] = {}

    def is_analysed() -> bool:
        state.update(requests.get(address, timeout=WITHIN_S).json())
        return state.get("state") == "analysed"

    wait_until(is_analysed, "the result of an upload")
    return state


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield Running(site)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthesised heart, 16 kHz."""
    path = tmp_path_factory.mktemp("sound") / "heart.wav"
    command = [sys.executable, "-m", "simulator", "synth", "--bpm", "72", "--seconds", "6", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def pcm_of(path: Path) -> tuple[bytes, int]:
    samples, rate = soundfile.read(path, dtype="int16")
    return samples.astype("<i2").tobytes(), rate


def test_a1_upload_audio_answers_with_class_and_confidence(
    running: Running, heart: Path, tmp_path: Path
) -> None:
    pcm, rate = pcm_of(heart)
    file = tmp_path / "your_audio_file.pcm"
    file.write_bytes(pcm)
    # The source's own line, but for where the server is: curl declares a form, and sends none.
    line = ["curl", "-s", "-X", "POST", "--data-binary", f"@{file}", "-H", f"X-Sample-Rate: {rate}"]
    answer = subprocess.run(
        [*line, f"{running.url}/upload_audio"], check=True, capture_output=True, text=True
    )
    label, confidence = answer.stdout.rsplit(" ", 1)
    assert label in ("Artifact", "Murmur", "Normal", "Extrahls", "Extrastole", "Abnormal")
    assert 0 < float(confidence.rstrip("%\n")) <= 100
    recording = running.get("/api/v1/results?limit=1").json()["items"][0]
    assert recording["audio"]["sample_rate"] == rate
    assert running.get(recording["links"]["self"].replace("?", "/audio.wav?")).content[44:] == pcm


def test_a1_upload_audio_without_sound_is_refused_in_the_sources_words(running: Running) -> None:
    answer = running.post("/upload_audio", data=b"")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "No audio data received"


def test_a1_the_rate_is_16_khz_where_nothing_is_said(running: Running) -> None:
    answer = running.post("/upload_audio", data=b"\x00\x01" * 8000)
    assert answer.status_code == 200
    assert answer.text.startswith("cannot tell (")
    assert running.get("/api/v1/results?limit=1").json()["items"][0]["audio"]["sample_rate"] == 16000


def test_a2_amplification_saturates_and_counts_while_the_raw_sound_is_kept(
    running: Running, heart: Path
) -> None:
    pcm, rate = pcm_of(heart)
    loud = (np.frombuffer(pcm, "<i2").astype(float) / np.abs(np.frombuffer(pcm, "<i2")).max() * 20000).astype(
        "<i2"
    )
    answers = [
        running.post(
            f"/upload_audio?amplification={factor}", data=loud.tobytes(), headers={"X-Sample-Rate": str(rate)}
        )
        for factor in (1, 10)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    amplified, plain = running.get("/api/v1/results?limit=2").json()["items"]
    assert plain["quality"]["clipped"] == 0
    assert amplified["quality"]["clipped"] > 0.01
    assert amplified["audio"]["sha256"] == plain["audio"]["sha256"]


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "flac", "m4a"])
def test_b3_d1_predict_takes_every_kind_of_file(
    running: Running, heart: Path, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"sample.{kind}"
    if kind == "m4a":
        if shutil.which("ffmpeg") is None:
            pytest.skip("ffmpeg is not here: m4a cannot be made or read")
        subprocess.run(["ffmpeg", "-v", "error", "-i", heart, "-c:a", "aac", file], check=True)
    else:
        samples, rate = soundfile.read(heart)
        soundfile.write(file, samples, rate)
    answer = running.post("/predict?model=heart2", files={"file": file.open("rb")})
    document = answer.json()
    assert answer.status_code == (200 if document["accepted"] else 422)
    assert set(document["all_predictions"]) == {"normal", "abnormal"}
    assert document["file_name"] == file.name
    if document["accepted"]:
        assert document["predicted_class"] in ("normal", "abnormal")
        assert document["confidence"] == max(document["all_predictions"].values())


def test_b3_predict_digits_says_what_was_spoken(running: Running, datasets: Path) -> None:
    """The source's line: curl -X POST http://localhost:5000/predict -F "file=@sample.wav"."""
    spoken = sorted((datasets / "fsdd").rglob("6_*.flac"))[:5]
    said = []
    for file in spoken:
        line = ["curl", "-s", "-X", "POST", f"{running.url}/predict?model=digits", "-F", f"file=@{file}"]
        said.append(json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout))
    assert len(said) == 5
    assert {"predicted_class", "confidence", "all_predictions"} <= set(said[0])
    assert sum(answer["predicted_class"] == "six" for answer in said) >= 3


def test_b3_under_the_threshold_the_answer_is_422_and_no_class(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "noise.wav"
    soundfile.write(file, np.random.default_rng(1).normal(0, 0.1, 16000), 16000)
    answer = running.post("/predict?model=digits", files={"file": file.open("rb")})
    document = answer.json()
    assert (answer.status_code, document["accepted"], document["predicted_class"]) == (422, False, "unknown")
    assert document["error"] == "Low confidence prediction"


def test_d1_predict_emotion_has_the_fields_of_its_system(running: Running, heart: Path) -> None:
    document = running.post("/predict?model=emotion", files={"file": heart.open("rb")}).json()
    assert {"emotion", "probabilities", "audio_file", "visualization"} <= set(document)
    assert len(document["probabilities"]) == 8
    audio = running.get(document["audio_file"])
    assert audio.status_code == 200
    assert audio.content[44:] == pcm_of(heart)[0]


def test_d2_record_takes_a_data_uri(running: Running, heart: Path) -> None:
    uri = "data:audio/wav;base64," + base64.b64encode(heart.read_bytes()).decode()
    answers = [
        running.post("/record?model=heart2", json={"audio": uri}),
        running.post("/record?model=heart2", data=uri, headers={"Content-Type": "text/plain"}),
    ]
    first, second = (answer.json() for answer in answers)
    assert first["all_predictions"] == second["all_predictions"]
    assert first["recording_id"] != second["recording_id"]


def test_e2_predict_heart_has_the_fields_of_its_system(running: Running, heart: Path) -> None:
    document = running.post("/predict", files={"file": heart.open("rb")}).json()
    assert document["model"] == "heart2"
    assert {"probability_normal", "probability_abnormal", "timestamp", "file_name"} <= set(document)


def test_e2_a_bad_file_does_not_fail_the_others(running: Running, heart: Path) -> None:
    files = [
        ("files", (f"{name}.wav", content))
        for name, content in (
            ("good", heart.read_bytes()),
            ("bad", b"no sound"),
            ("empty", b""),
            ("again", heart.read_bytes()),
        )
    ]
    answer = running.post("/batch-predict", files=files)
    document = answer.json()
    assert (answer.status_code, document["total"]) == (200, 4)
    assert [each["status"] for each in document["results"]] == ["success", "error", "error", "success"]
    assert [each["file_name"] for each in document["results"]] == [
        "good.wav",
        "bad.wav",
        "empty.wav",
        "again.wav",
    ]
    assert document["results"][0]["all_predictions"] == document["results"][3]["all_predictions"]
    assert "wav, mp3" in document["results"][1]["error"]


def test_an_upload_is_a_recording_of_its_device(running: Running, heart: Path) -> None:
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


def test_who_does_not_wait_gets_202_and_an_address(running: Running, heart: Path) -> None:
    answer = running.post(
        "/api/v1/recordings?wait=0", data=heart.read_bytes(), headers={"Content-Type": "audio/wav"}
    )
    assert answer.status_code == 202
    state = analysed(running.url + answer.headers["Location"])
    assert state["result"]["recording_id"] == state["recording_id"]


def test_the_same_key_is_the_same_recording_even_at_once(running: Running, heart: Path) -> None:
    def send(_: int) -> str:
        headers = {"Idempotency-Key": "one"}
        answer = running.post("/api/v1/recordings", files={"file": heart.open("rb")}, headers=headers)
        return str(answer.json()["recording_id"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    other = running.post("/api/v1/recordings", data=b"RIFF", headers={"Idempotency-Key": "one"})
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


def test_many_uploads_at_once_all_get_their_own_result(running: Running, heart: Path) -> None:
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


@pytest.mark.parametrize(
    ("address", "body", "status", "says"),
    [
        ("/predict", {"files": {"other": b"x"}}, 400, "under the key file"),
        ("/predict", {"files": {"file": ("x.wav", b"this is no sound")}}, 415, "wav, mp3"),
        ("/predict", {"files": {"file": ("../../etc/passwd", b"root:x:0:0")}}, 415, "wav, mp3"),
        ("/predict?model=nothing", {"files": {"file": b"x"}}, 400, "heart2"),
        ("/predict?model=..%2F..%2Fx", {"files": {"file": b"x"}}, 400, "heart2"),
        ("/predict?device=..%2F", {"files": {"file": b"x"}}, 400, "device"),
        ("/predict?wait=-1", {"files": {"file": b"x"}}, 400, "0 to 60"),
        ("/record", {"json": {"audio": "data:audio/wav;base64,%%%"}}, 400, "base64"),
        ("/record", {"json": ["no", "object"]}, 400, "No audio data received"),
        ("/batch-predict", {"files": {"other": b"x"}}, 400, "key files"),
        ("/upload_audio", {"data": b"xx", "headers": {"X-Sample-Rate": "0"}}, 400, "1000 to 192000"),
        ("/upload_audio?amplification=1000", {"data": b"xx"}, 400, "1 to 100"),
    ],
)
def test_what_is_wrong_is_said(
    running: Running, address: str, body: dict[str, Any], status: int, says: str
) -> None:
    answer = running.post(address, **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    # What a test before this one sent may be on its way for a moment.
    wait_until(lambda: not spooled(running.site), "an empty spool")


def test_a_file_that_was_cut_off_is_refused(running: Running, heart: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(heart)
    for kind in ("mp3", "flac", "wav"):
        whole = tmp_path / f"whole.{kind}"
        soundfile.write(whole, samples, rate)
        content = whole.read_bytes()
        answer = running.post("/predict", files={"file": content[: len(content) // 2]})
        assert answer.status_code in (415, 422), kind
        assert answer.headers["Content-Type"] == "application/problem+json", kind


def test_a_sound_of_ten_hours_or_no_rate_is_refused(running: Running, tmp_path: Path) -> None:
    long = tmp_path / "long.flac"
    with soundfile.SoundFile(long, "w", 4000, 1) as file:
        for _ in range(10):
            file.write(np.zeros(4000 * 60 * 2, np.int16))
    assert running.post("/predict", files={"file": long.open("rb")}).status_code == 413
    header = wav_header(rate=0)
    assert running.post("/predict", files={"file": header + bytes(8000)}).status_code in (415, 422)


def wav_header(rate: int) -> bytes:
    size, head = (8000).to_bytes(4, "little"), rate.to_bytes(4, "little")
    fmt = b"fmt \x10\0\0\0\x01\0\x01\0" + head + (2 * rate).to_bytes(4, "little") + b"\x02\0\x10\0"
    return b"RIFF" + (8036).to_bytes(4, "little") + b"WAVE" + fmt + b"data" + size


def test_a_deleted_upload_frees_its_key_and_clears_the_display(running: Running, heart: Path) -> None:
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
    with Client(running.site.broker, running.site.operator, shown) as ear:
        wait_until(lambda: ear.documents(shown), "the result for the display")
        assert requests.delete(running.url + first, timeout=WITHIN_S).status_code == 204
        wait_until(lambda: not ear.messages[-1].payload, "the display to be cleared")
    second = send()
    assert second != first
    assert running.get(second).status_code == 200


def test_why_a_worker_refused_an_upload_can_be_asked_for(tmp_path: Path) -> None:
    mqtt_session = MqttSession(ApiSettings(data_dir=tmp_path, api_mqtt_password="x"))
    pcm = tmp_path / "sound.pcm"
    pcm.write_bytes(bytes(8))
    publisher = UploadPublisher.spool(Sound("st-01", 7, 4000, 1, 4), pcm)
    mqtt_session.send(publisher)
    said = {
        "type": "rejected",
        "recording_id": publisher.sound.name,
        "reason": "too_long",
        "detail": "too long",
    }
    mqtt_session.on_message(Inbound(topics.control("st-01"), json.dumps(said).encode(), False, 1))
    assert mqtt_session.find_upload("st-01", publisher.sound.name) is publisher
    assert (publisher.problem, publisher.has_ended.is_set()) == ("too long", True)
    assert publisher.next_payload(0.0) is None
    assert not list(tmp_path.glob("sound.*"))


def test_what_a_killed_process_had_not_taken_in_is_swept(tmp_path: Path) -> None:
    for name in ("whole.pcm", "half.pcm", "sent.part", "sent.ffmpeg.wav", "orphan.json", "note.tmp"):
        (tmp_path / name).write_bytes(bytes(8))
    (tmp_path / "labelled").mkdir()
    (tmp_path / "labelled" / "0001.wav").write_bytes(b"RIFF")
    sound = Sound("st-01", 7, 4000, 1, 4, {"site": "MV"})
    UploadPublisher.spool(sound, tmp_path / "whole.pcm")
    assert [each.sound for each in UploadPublisher.found(tmp_path)] == [sound]
    assert {path.name for path in tmp_path.iterdir()} == {"whole.pcm", "whole.json"}
    assert not list(UploadPublisher.found(tmp_path / "nowhere"))


def test_what_the_broker_says_of_itself_is_a_metric(running: Running) -> None:
    for _ in range(60):
        text = running.get("/metrics").text
        if "stetho_broker_publish_messages_dropped 0.0" in text:
            break
        time.sleep(0.5)  # Mosquitto says it every ten seconds
    assert "stetho_broker_publish_messages_dropped 0.0" in text


def test_without_a_worker_nothing_is_taken_in(tmp_path: Path, heart: Path) -> None:
    with Site(tmp_path / "site") as site:
        site.start_worker().stop()
        url = site.start_api()
        answer = requests.post(f"{url}/predict", files={"file": heart.open("rb")}, timeout=WITHIN_S)
        assert answer.status_code == 503
        assert "nothing was taken in" in answer.json()["detail"]
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
            answer = pool.submit(_predict, url, heart)
            with pytest.raises(TimeoutError):
                answer.result(1)
        finally:
            site.broker.resume()
        assert answer.result(WITHIN_S).status_code == 200


def _predict(url: str, file: Path) -> requests.Response:
    return requests.post(f"{url}/predict", files={"file": file.read_bytes()}, timeout=WITHIN_S)


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
        api.kill()  # and the API's, too: what was promised is on disk
        site.start_worker()
        url = site.start_api()
        analysed(url + answer.headers["Location"])
        # The history knows of it before the API has heard so from the worker.
        wait_until(lambda: not spooled(site), "an empty spool")
