"""Stand-ins for training, with sounds and model files, for the tests of retraining.

A module of its own, because a child process imports it.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from edge_worker.errors import AudioError
from models_tflite.training.retraining.training_process import TrainingRequest
from simulator.sound.heart_sound import Finding, synthesise

MODELS = Path(__file__).parents[1] / "models_tflite"
RATE = 4000
ProgressCallback = Callable[[dict[str, Any]], None]


def write_pair(folder: Path, model: str = "heart2", **facts: object) -> Path:
    """Write a shipped network with other entries in its card; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODELS / f"{model}.tflite", folder / f"{model}.tflite")
    card = {**json.loads((MODELS / f"{model}.json").read_text()), **facts}
    if "labels" in facts:
        card.pop("adaptation", None)  # which is for normal and abnormal alone
    if "threshold" in facts and "unfamiliar_device" in card:
        entry = card["unfamiliar_device"]
        same = [facts["threshold"]] * len(entry["thresholds"])
        card["unfamiliar_device"] = {**entry, "threshold": facts["threshold"], "thresholds": same}
    (folder / f"{model}.json").write_text(json.dumps(card))
    return folder


def write_clips(folder: Path, count: int = 3, seconds: float = 4.5) -> Path:
    """Write hearts without and with a murmur in class folders; return the folder."""
    findings: dict[str, Finding] = {"normal": "normal", "abnormal": "murmur"}
    for label, finding in findings.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for seed in range(count):
            sound = synthesise(finding, 60 + 5 * seed, seconds, RATE, seed)
            soundfile.write(folder / label / f"{seed}.wav", sound, RATE)
    return folder


def good(request: TrainingRequest, report: ProgressCallback) -> None:
    """Write the shipped model as the result of training."""
    report({"phase": "training", "epoch": 1, "epochs": 1})
    write_pair(request.out, request.model, version=request.version)


def bad(request: TrainingRequest, report: ProgressCallback) -> None:
    """Write a model with its labels exchanged."""
    labels = json.loads((MODELS / f"{request.model}.json").read_text())["labels"]
    report({"phase": "training", "epoch": 1, "epochs": 1})
    write_pair(request.out, request.model, version=request.version, labels=labels[::-1])


def refusing(_request: TrainingRequest, _report: ProgressCallback) -> None:
    raise AudioError("the third clip cannot be read: repair it")


def broken(_request: TrainingRequest, _report: ProgressCallback) -> None:
    raise ZeroDivisionError


def killed(_request: TrainingRequest, _report: ProgressCallback) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def endless(_request: TrainingRequest, report: ProgressCallback) -> None:
    report({"phase": "training", "epoch": 1, "epochs": 1, "pid": os.getpid()})
    while True:
        time.sleep(1)
