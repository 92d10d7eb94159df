"""Upload endpoints of the five replaced systems on a running site, and the faults of uploads."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from conftest import wait_until
from upload_site import UploadSite, pcm_of, spooled, synthesise_heart

from simulator.site.site import Site


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadSite]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield UploadSite(site)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise_heart(tmp_path_factory.mktemp("sound") / "heart.wav")


def test_a1_upload_audio_answers_with_class_and_confidence(
    running: UploadSite, heart: Path, tmp_path: Path
) -> None:
    pcm, rate = pcm_of(heart)
    file = tmp_path / "your_audio_file.pcm"
    file.write_bytes(pcm)
    # The original's own command with another address: curl declares a form, and sends none.
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


def test_a1_upload_audio_without_sound_is_refused_in_the_words_of_the_original(running: UploadSite) -> None:
    answer = running.post("/upload_audio", data=b"")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "No audio data received"


def test_a1_the_default_sample_rate_is_16_khz(running: UploadSite) -> None:
    answer = running.post("/upload_audio", data=b"\x00\x01" * 8000)
    assert answer.status_code == 200
    assert answer.text.startswith("cannot tell (")
    assert running.get("/api/v1/results?limit=1").json()["items"][0]["audio"]["sample_rate"] == 16000


def test_a2_amplification_saturates_and_counts_as_clipping_while_the_raw_sound_is_stored(
    running: UploadSite, heart: Path
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
def test_b3_d1_predict_decodes_every_format(
    running: UploadSite, heart: Path, tmp_path: Path, kind: str
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


def test_b3_predict_digits_recognises_spoken_digits(running: UploadSite, datasets: Path) -> None:
    """The source's line: curl -X POST http://localhost:5000/predict -F "file=@sample.wav"."""
    spoken = sorted((datasets / "fsdd").rglob("6_*.flac"))[:5]
    said = []
    for file in spoken:
        line = ["curl", "-s", "-X", "POST", f"{running.url}/predict?model=digits", "-F", f"file=@{file}"]
        said.append(json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout))
    assert len(said) == 5
    assert {"predicted_class", "confidence", "all_predictions"} <= set(said[0])
    assert sum(answer["predicted_class"] == "six" for answer in said) >= 3


def test_b3_under_the_threshold_the_answer_is_422_and_no_class(running: UploadSite, tmp_path: Path) -> None:
    file = tmp_path / "noise.wav"
    soundfile.write(file, np.random.default_rng(1).normal(0, 0.1, 16000), 16000)
    answer = running.post("/predict?model=digits", files={"file": file.open("rb")})
    document = answer.json()
    assert (answer.status_code, document["accepted"], document["predicted_class"]) == (422, False, "unknown")
    assert document["error"] == "Low confidence prediction"


def test_d1_predict_emotion_has_the_fields_of_its_system(running: UploadSite, heart: Path) -> None:
    document = running.post("/predict?model=emotion", files={"file": heart.open("rb")}).json()
    assert {"emotion", "probabilities", "audio_file", "visualization"} <= set(document)
    assert len(document["probabilities"]) == 8
    audio = running.get(document["audio_file"])
    assert audio.status_code == 200
    assert audio.content[44:] == pcm_of(heart)[0]


def test_d2_record_takes_a_data_uri(running: UploadSite, heart: Path) -> None:
    uri = "data:audio/wav;base64," + base64.b64encode(heart.read_bytes()).decode()
    answers = [
        running.post("/record?model=heart2", json={"audio": uri}),
        running.post("/record?model=heart2", data=uri, headers={"Content-Type": "text/plain"}),
    ]
    first, second = (answer.json() for answer in answers)
    assert first["all_predictions"] == second["all_predictions"]
    assert first["recording_id"] != second["recording_id"]


def test_e2_predict_heart_has_the_fields_of_its_system(running: UploadSite, heart: Path) -> None:
    document = running.post("/predict", files={"file": heart.open("rb")}).json()
    assert document["model"] == "heart2"
    assert {"probability_normal", "probability_abnormal", "timestamp", "file_name"} <= set(document)


def test_e2_a_bad_file_does_not_fail_the_others(running: UploadSite, heart: Path) -> None:
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


@pytest.mark.parametrize(
    ("address", "body", "status", "detail"),
    [
        ("/predict", {"files": {"other": b"x", "another": b"x"}}, 400, "under the key file"),
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
def test_an_invalid_upload_is_a_problem_document_that_names_the_fault(
    running: UploadSite, address: str, body: dict[str, Any], status: int, detail: str
) -> None:
    answer = running.post(address, **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    # An upload of an earlier test may still be on its way.
    wait_until(lambda: not spooled(running.site), "an empty spool")


def test_a_truncated_file_is_refused(running: UploadSite, heart: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(heart)
    for kind in ("mp3", "flac", "wav"):
        whole = tmp_path / f"whole.{kind}"
        soundfile.write(whole, samples, rate)
        content = whole.read_bytes()
        answer = running.post("/predict", files={"file": content[: len(content) // 2]})
        assert answer.status_code in (415, 422), kind
        assert answer.headers["Content-Type"] == "application/problem+json", kind


def test_a_sound_that_is_too_long_or_has_no_rate_is_refused(running: UploadSite, tmp_path: Path) -> None:
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
