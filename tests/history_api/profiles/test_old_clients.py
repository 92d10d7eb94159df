"""Clients of the five older systems, line by line as their documents have them, against a running site.

Only the address differs, and the key in it: `http://key:KEY@host/…`. Rows are those of each document.
"""

import base64
import json
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile
from upload_site import WITHIN_S, pcm_of, synthesise_heart

from edge_worker.database.access.api_key import ApiKeys
from history_api.settings import ApiSettings
from simulator.site.site import Site

HEARTS = ("Artifact", "Murmur", "Normal", "Extrahls", "Extrastole")
EMOTIONS = {"neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"}


@dataclass
class OldClients:
    """A site, the files that its clients send, and the address that they are given."""

    address: str
    """Ends with the host and its port, credentials included where there are keys."""
    folder: Path

    def at(self, base: str) -> str:
        return f"{self.address}/{base}"

    def curl(self, line: str) -> tuple[int, bytes]:
        """Run a line of a document, in the folder of the files; return status and body."""
        command = [*shlex.split(line), "-s", "-o", "answer", "-w", "%{http_code}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder)
        return int(done.stdout), (self.folder / "answer").read_bytes()

    def json(self, line: str, status: int = 200) -> Any:  # noqa: ANN401 - JSON is what it is
        answered, body = self.curl(line)
        assert answered == status, body
        return json.loads(body)


@pytest.fixture(scope="module", params=["keys", "none"])
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldClients]:
    folder = tmp_path_factory.mktemp("files")
    heart = synthesise_heart(folder / "heartbeat1.wav")
    for name in ("heartbeat2.wav", "test_audio.wav", "your_audio.wav", "audio.wav"):
        (folder / name).write_bytes(heart.read_bytes())
    (folder / "your_audio_file.pcm").write_bytes(pcm_of(heart)[0])
    noise = np.random.default_rng(1).normal(0, 3000, 16000).astype("<i2")
    soundfile.write(folder / "sample.wav", noise, 16000)
    with Site(tmp_path_factory.mktemp("site"), {"STETHO_API_AUTH": request.param}) as site:
        site.start_worker()
        host = site.start_api().removeprefix("http://")
        keys = ApiKeys(ApiSettings(data_dir=site.data_dir).database)
        key = f"key:{keys.add('old', 'admin')}@" if request.param == "keys" else ""
        keys.close()
        yield OldClients(f"http://{key}{host}", folder)


def test_a_heart_api(old: OldClients) -> None:
    root = old.at("heart-api")
    status, body = old.curl(f"curl -X POST --data-binary @your_audio_file.pcm {root}/upload_audio")
    label, confidence = body.decode().split()[:2]
    assert (status, label in HEARTS, confidence[-1]) == (200, True, "%")
    last = old.json(f"curl {root}/")
    assert last["class"] == label
    assert last["confidence"] == pytest.approx(float(confidence.rstrip("%")), abs=0.01)
    empty = old.curl(f"curl -X POST --data-binary @/dev/null {root}/upload_audio")
    assert (empty[0], b"No audio data received" in empty[1]) == (400, True)


def test_a_the_esp32_is_heard_at_the_rate_it_records_at(old: OldClients) -> None:
    seconds = np.arange(4 * 44100) / 44100
    pcm = (3000 * np.sin(2 * np.pi * 80 * seconds)).astype("<i2").tobytes()
    assert len(pcm) == 352_800
    kind = {"Content-Type": "application/octet-stream"}
    answer = requests.post(old.at("heart-api/upload_audio"), data=pcm, headers=kind, timeout=WITHIN_S)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    newest = requests.get(old.at("api/v1/results?limit=1"), timeout=WITHIN_S).json()["items"][0]
    assert (newest["audio"]["sample_rate"], newest["audio"]["samples"]) == (44100, 176_400)


def test_b_digits(old: OldClients) -> None:
    root = old.at("digits")
    assert {"message", "usage"} <= requests.get(f"{root}/", timeout=WITHIN_S).json().keys()
    answer = old.json(f'curl -X POST {root}/predict -F "file=@sample.wav"', 422)
    assert (answer["predicted_class"], answer["error"]) == ("unknown", "Low confidence prediction")
    assert set(answer["all_predictions"]) == {"eight", "nine", "six", "two", "zero"}
    assert isinstance(answer["confidence"], float)
    assert answer["accepted"] is False


def test_b_a_digit(old: OldClients, datasets: Path) -> None:
    spoken = sorted((datasets / "fsdd").rglob("6_*.flac"))[:8]
    assert spoken
    url = old.at("digits/predict")
    answers = [requests.post(url, files={"file": each.open("rb")}, timeout=WITHIN_S) for each in spoken]
    taken = [each.json() for each in answers if each.status_code == 200]
    assert taken
    assert {each["predicted_class"] for each in taken} == {"six"}
    assert all(each["confidence"] >= 0.8 for each in taken)


def test_c_sounds(old: OldClients) -> None:
    answer = requests.post(
        old.at("sounds/predict"), files={"file": (old.folder / "sample.wav").open("rb")}, timeout=WITHIN_S
    )
    assert (answer.status_code, len(answer.json()["probabilities"]) >= 50) == (200, True)


def test_d_emotion(old: OldClients) -> None:
    root = old.at("emotion")
    answer = old.json(f'curl -X POST -F "file=@audio.wav" {root}/predict')
    assert answer["emotion"] in EMOTIONS
    assert set(answer["probabilities"]) == EMOTIONS
    assert answer["audio_file"] == "audio.wav"
    assert answer["visualization"] == "visualizations/audio_analysis.png"
    picture = requests.get(f"{root}/{answer['visualization']}", timeout=WITHIN_S)
    assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG")
    text = base64.b64encode((old.folder / "audio.wav").read_bytes()).decode()
    (old.folder / "uri").write_text(json.dumps({"audio": f"data:audio/wav;base64,{text}"}))
    recorded = old.json(f'curl -X POST -H "Content-Type: application/json" -d @uri {root}/record')
    assert recorded.keys() >= answer.keys() - {"note"}
    history = old.json(f"curl {root}/history")["history"]
    assert [each["filename"] for each in history[:2]] == [recorded["audio_file"], "audio.wav"]
    assert len(history[0]["timestamp"]) == len("2024-01-15 14:30:25")
    assert history[1]["predicted_emotion"] == answer["emotion"]
    assert len(json.loads(history[1]["top_3_probabilities"])) == 3
    status, report = old.curl(f"curl {root}/download-report/audio.wav")
    assert (status, report[:5]) == (200, b"%PDF-")
    info = old.json(f"curl {root}/models/info")
    kinds = {"model_type": str, "classes": list, "n_features": int, "trained_on": str}
    assert all(isinstance(info[name], kind) for name, kind in kinds.items())
    assert isinstance(info["feature_type"], str)
    assert isinstance(info["scaler"], str)
    assert old.json(f"curl {root}/health") == {"status": "ok"}


def test_e_heart_cnn(old: OldClients) -> None:
    root = old.at("heart-cnn")
    answer = old.json(f'curl -X POST -F "file=@test_audio.wav" {root}/predict')
    assert answer["class"] in ("Normal", "Abnormal")
    assert isinstance(answer["confidence"], float)
    assert answer["accepted"] is False, "this stethoscope is unproven, and its client is told"
    assert "not accepted" in answer["note"]
    names = ("heartbeat1.wav", "heartbeat2.wav")
    files = [("files", (old.folder / name).open("rb")) for name in names]
    batch = requests.post(f"{root}/batch-predict", files=files, timeout=WITHIN_S).json()
    assert [each["file_name"] for each in batch["results"]] == list(names)
    assert {each["class"] for each in batch["results"]} <= {"Normal", "Abnormal"}
    figures = requests.get(f"{root}/metrics", timeout=WITHIN_S).json()
    assert all(
        isinstance(figures[name], float) for name in ("accuracy", "precision", "recall", "f1", "auc_roc")
    )
    for address in ("health", "uptime", "visualizations/prediction-history", "training-status"):
        assert requests.get(f"{root}/{address}", timeout=WITHIN_S).json()
    shown = requests.get(f"{root}/visualizations/class-distribution", timeout=WITHIN_S).json()["distribution"]
    assert shown.keys() == {"normal", "abnormal"}
    assert min(shown.values()) > 0
    assert requests.post(f"{root}/retrain", timeout=WITHIN_S).json()


def test_a_browser_gets_the_dashboard_and_a_client_without_a_key_a_401(old: OldClients) -> None:
    page = requests.get(old.at("sounds/"), headers={"Accept": "text/html"}, timeout=WITHIN_S)
    assert "<html" in page.text
    if "@" in old.address:
        bare = "http://" + old.address.partition("@")[2]
        for size in (3, 3_000_000):
            answer = requests.post(f"{bare}/heart-api/upload_audio", data=b"x" * size, timeout=WITHIN_S)
            assert answer.status_code == 401
