"""The trainer's decisions on real sound, a real database and the shipped models.

Training itself is replaced (`trainers`); `test_retraining_tensorflow.py` trains.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trainers
from conftest import wait_until
from trainer_site import TrainerSite

from edge_worker.database.training import ModelVersion, TrainingTables
from edge_worker.inference.classifier import Classifier
from edge_worker.settings import Settings
from models_tflite.evaluation import audio
from models_tflite.training.corpus.corpus import BACKGROUND, TrainingError
from models_tflite.training.retraining import comparison, data_split
from models_tflite.training.retraining.deployment import ModelDeployment
from models_tflite.training.retraining.service import RetrainingService
from models_tflite.training.retraining.training_process import TrainFunction

LABELS = ("normal", "abnormal")


@pytest.fixture
def trainer_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainerSite]:
    with TrainerSite(tmp_path, monkeypatch) as site:
        yield site


@pytest.fixture
def submitted(trainer_site: TrainerSite, tmp_path: Path) -> TrainerSite:
    return trainer_site.submit(trainers.write_clips(tmp_path / "clips"))


def test_e6_a_better_candidate_is_promoted_and_one_that_is_not_better_is_rejected(
    submitted: TrainerSite,
) -> None:
    first = submitted.serve(trainers.good)
    assert (first.state, first.report["why"]) == (
        "promoted",
        "better on held-out uploads, and no class is lost",
    )
    version = f"1.0.0+local.{first.id}"
    assert submitted.registry.active("heart2") == version
    figures = first.report["uploads"]
    assert (figures["candidate"]["n"], figures["incumbent"]["n"]) == (2, 2), (
        "one of three sources of each label is held out"
    )
    assert figures["candidate"]["macro_recall"] > figures["incumbent"]["macro_recall"]
    assert submitted.registry.card("heart2", version)["figures"]["uploads"] == figures

    second = submitted.queue_and_run(trainers.good)
    assert second.state == "kept"
    assert "is not above" in second.report["why"]
    assert second.report["incumbent"]["version"] == version, "the promoted version is the incumbent now"
    third = submitted.queue_and_run(trainers.bad)
    assert third.state == "kept"
    assert submitted.registry.active("heart2") == version
    states = {each.version: each.state for each in submitted.tables.versions("heart2")}
    assert states == {"1.0.0": "former", version: "active"}


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        (trainers.refusing, "the third clip cannot be read: repair it"),
        (trainers.broken, "the training process ended with 1:"),
        (trainers.killed, "the training process ended with -9:"),
    ],
)
def test_a_training_that_fails_is_reported_with_one_sentence_and_the_next_job_runs(
    submitted: TrainerSite, trainer: TrainFunction, message: str
) -> None:
    failed = submitted.serve(trainer)
    assert failed.state == "failed"
    assert failed.report["why"].startswith(message)
    assert submitted.registry.active("heart2") is None
    assert submitted.queue_and_run(trainers.good).state == "promoted"


def test_a_job_without_enough_uploads_or_of_no_model_fails_with_what_to_do(
    trainer_site: TrainerSite, tmp_path: Path
) -> None:
    assert (
        trainer_site.queue_and_run(trainers.good).report["why"]
        == "there are no uploads: give some with `submit`"
    )
    folder = trainers.write_clips(tmp_path / "clips")
    for path in (folder / "abnormal").iterdir():
        path.unlink()
    trainer_site.submit(folder)
    why = trainer_site.serve(trainers.good).report["why"]
    assert why.startswith("there is no recording of abnormal to train on: upload two or more")
    trainer_site.tables.queue_job("digits9")
    assert (
        trainer_site.serve(trainers.good)
        .report["why"]
        .startswith("there is no classifier digits9: choose heart2")
    )


def test_e6_a_job_stopped_in_training_is_queued_again(submitted: TrainerSite) -> None:
    service = RetrainingService(submitted.settings, submitted.tables, train=trainers.endless)
    serving = threading.Thread(target=service.run)
    serving.start()
    wait_until(
        lambda: any(job.progress.get("epoch") for job in submitted.tables.jobs(state="running")), "progress"
    )
    service.stop()
    serving.join(30)
    assert not serving.is_alive()
    (job,) = submitted.tables.jobs()
    assert (job.state, job.started_at) == ("queued", None)
    assert submitted.serve(trainers.good).state == "promoted"


def serve_endlessly() -> None:
    settings = Settings.from_environ(os.environ)
    RetrainingService(settings, TrainingTables.open(settings.database), train=trainers.endless).run()


def test_e6_kill_9_ends_the_training_too_and_the_next_start_runs_the_job(submitted: TrainerSite) -> None:
    trainer = multiprocessing.get_context("spawn").Process(target=serve_endlessly)
    trainer.start()
    pids: list[int] = []

    def reported_pids() -> list[int]:
        pids[:] = [job.progress["pid"] for job in submitted.tables.jobs() if "pid" in job.progress]
        return pids

    wait_until(reported_pids, "the process id of the training")
    trainer.kill()
    wait_until(lambda: not is_alive(pids[0]), "the end of the training")
    assert submitted.tables.jobs()[0].state == "running", "as the crash left it"
    assert submitted.serve(trainers.good).state == "promoted"


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not waited for is a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_e6_after_a_crash_jobs_are_queued_again_and_a_winner_is_put_to_use(
    submitted: TrainerSite, tmp_path: Path
) -> None:
    job = submitted.tables.start_next_job()
    assert job is not None
    ModelDeployment(submitted.registry, submitted.tables).recover()
    assert submitted.tables.jobs()[0].state == "queued"
    submitted.tables.start_next_job()
    version = f"1.0.0+local.{job.id}"
    submitted.registry.put("heart2", version, trainers.write_pair(tmp_path / "won", version=version))
    submitted.tables.add_version(
        ModelVersion("heart2", version, "f" * 64, "candidate", job.id, {"why": "better"})
    )
    ModelDeployment(submitted.registry, submitted.tables).recover()
    assert submitted.registry.active("heart2") == version
    (done,) = submitted.tables.jobs()
    assert (done.state, done.report) == ("promoted", {"why": "better"})
    assert submitted.tables.versions("heart2")[0].state == "active"


def test_a_version_that_a_crash_left_is_not_overwritten(submitted: TrainerSite, tmp_path: Path) -> None:
    (job,) = submitted.tables.jobs()
    version = f"1.0.0+local.{job.id}"
    submitted.registry.put("heart2", version, trainers.write_pair(tmp_path / "left", version=version))
    assert submitted.serve(trainers.good).report["candidate"]["version"] == f"{version}.2"


def test_uploads_are_trained_on_or_held_out(submitted: TrainerSite) -> None:
    clips = submitted.tables.clips("heart2")
    divided = data_split.split(clips, submitted.settings.data_dir.joinpath, None, None, LABELS)
    trained_on, held_out = (
        {each.path for each in side} for side in (divided.training, divided.held_out_uploads)
    )
    assert (len(trained_on), len(held_out)) == (4, 2)
    assert not trained_on & held_out
    assert all(path.is_file() for path in trained_on | held_out)


def test_candidates_with_other_labels_are_refused(submitted: TrainerSite, tmp_path: Path) -> None:
    incumbent = ModelDeployment(submitted.registry, submitted.tables).active("heart2")
    folder = trainers.write_pair(tmp_path / "other", labels=["calm", "fast"])
    other = Classifier.load(folder, "heart2")
    with pytest.raises(TrainingError, match="other labels"):
        comparison.compare(
            other, incumbent, data_split.DataSplit((), (), ()), lambda _: None, incumbent_learned_public=True
        )


def test_a_shipped_model_with_other_labels_is_refused_before_training(submitted: TrainerSite) -> None:
    """Before hours of training, not after them."""
    trainers.write_pair(submitted.settings.models_dir, version="2.0.0", labels=["calm", "fast"])

    job = submitted.serve(trainers.endless)

    assert (job.state, job.report["why"]) == (
        "failed",
        "heart2 2.0.0 has other labels than this program trains: "
        "roll back to `shipped`; if that is it, install models and program of one release",
    )


def test_both_models_classify_the_held_out_background(submitted: TrainerSite, tmp_path: Path) -> None:
    incumbent = ModelDeployment(submitted.registry, submitted.tables).active("heart2")
    clips = data_split.split(
        submitted.tables.clips("heart2"), submitted.settings.data_dir.joinpath, None, None, LABELS
    ).held_out_uploads
    others = tuple(replace(each, label=BACKGROUND) for each in clips)
    rejecting = Classifier.load(trainers.write_pair(tmp_path / "rejecting", threshold=1.0), "heart2")

    compared = comparison.compare(
        rejecting,
        incumbent,
        data_split.DataSplit((), clips, (), others),
        lambda _: None,
        incumbent_learned_public=True,
    )

    assert compared.rejected is not None
    assert compared.rejected[0] == 1
    accepted = [incumbent.classify(audio.read(each.path)).accepted for each in others]
    assert compared.rejected[1] == pytest.approx(1 - np.mean(accepted))
