"""The trainer's decisions and its commands, on real sound, a real database and the shipped models.

What trains is replaced (`trainers`); `test_retraining_tensorflow.py` trains.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import trainers
from conftest import wait_until

from edge_worker.database.store import Store
from edge_worker.database.training import Clip, Job, ModelVersion, TrainingTables
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from models_tflite.evaluation import audio
from models_tflite.training.corpus.corpus import BACKGROUND, UNTOLD, Recording, TrainingError
from models_tflite.training.recipes.heart2 import RECIPE
from models_tflite.training.retraining import commands, comparison, material
from models_tflite.training.retraining.comparison import Comparison, Figures
from models_tflite.training.retraining.service import Service
from models_tflite.training.retraining.training_process import Trainer
from models_tflite.training.retraining.versions import Versions

LABELS = ("normal", "abnormal")


class Rig:
    """A data directory with a database, and a shipped heart2 that says the opposite of what it should."""

    def __init__(self, folder: Path) -> None:
        shipped = trainers.write_pair(folder / "shipped", version="1.0.0", labels=["abnormal", "normal"])
        self.settings = Settings(data_dir=folder / "data", models_dir=shipped)
        self.settings.data_dir.mkdir()
        Store.open(self.settings.database).close()
        self.ledger = TrainingTables.open(self.settings.database)
        self.shelf = ModelRegistry.from_settings(self.settings)
        self.environ = {"STETHO_DATA_DIR": str(self.settings.data_dir), "STETHO_MODELS_DIR": str(shipped)}

    def serve(self, trainer: Trainer) -> Job:
        """Do what waits; return the newest job."""
        Service(self.settings, self.ledger, trainer=trainer).run(once=True)
        return self.ledger.jobs()[0]

    def ask(self, trainer: Trainer) -> Job:
        """Ask for a training of heart2 and do it."""
        self.ledger.queue_job("heart2")
        return self.serve(trainer)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rig(tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    yield made
    made.ledger.close()


def submit(folder: Path, model: str = "heart2") -> int:
    return commands.main(["submit", model, "--data", str(folder)])


@pytest.fixture
def submitted(rig: Rig, tmp_path: Path) -> Rig:
    assert submit(trainers.write_clips(tmp_path / "clips")) == 0
    return rig


def test_e6_a_better_candidate_is_promoted_and_one_that_is_not_better_is_kept_out(submitted: Rig) -> None:
    first = submitted.serve(trainers.good)
    assert (first.state, first.report["why"]) == (
        "promoted",
        "better on held-out uploads, and no class is lost",
    )
    version = f"1.0.0+local.{first.id}"
    assert submitted.shelf.active("heart2") == version
    figures = first.report["uploads"]
    assert (figures["candidate"]["n"], figures["incumbent"]["n"]) == (2, 2), (
        "one of three sources of each label"
    )
    assert figures["candidate"]["macro_recall"] > figures["incumbent"]["macro_recall"]
    assert submitted.shelf.card("heart2", version)["figures"]["uploads"] == figures

    second = submitted.ask(trainers.good)
    assert second.state == "kept"
    assert "is not above" in second.report["why"]
    assert second.report["incumbent"]["version"] == version, "the promoted one is to be beaten now"
    third = submitted.ask(trainers.bad)
    assert third.state == "kept"
    assert submitted.shelf.active("heart2") == version
    states = {each.version: each.state for each in submitted.ledger.versions("heart2")}
    assert states == {"1.0.0": "former", version: "active"}


def test_e6_every_version_can_be_rolled_back_even_the_one_that_an_upgrade_replaced(
    submitted: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    made = submitted.serve(trainers.good).report["candidate"]["version"]
    trainers.write_pair(submitted.settings.models_dir, version="1.1.0")
    for version, active in (
        ("1.0.0", "1.0.0"),
        (made, made),
        ("shipped", None),
        (made, made),
        ("1.1.0", None),
    ):
        assert commands.main(["rollback", "heart2", version]) == 0
        assert submitted.shelf.active("heart2") == active
        states = {each.version: each.state for each in submitted.ledger.versions("heart2")}
        assert [each for each, state in states.items() if state == "active"] == ([active] if active else [])
    capsys.readouterr()
    assert commands.main(["versions", "heart2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:1] for line in lines] == ["*", " ", " "]
    assert ["1.1.0" in lines[0], "1.0.0 " in lines[1], made in lines[2]] == [True] * 3
    assert commands.main(["rollback", "heart2", "7.0.0"]) == 2
    assert f"choose shipped, 1.0.0, {made}" in capsys.readouterr().err


def test_a_version_that_does_not_load_is_not_rolled_back_to(
    submitted: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    made = submitted.serve(trainers.good).report["candidate"]["version"]
    (submitted.shelf.directory("heart2", "1.0.0") / "heart2.tflite").write_bytes(b"damaged")
    assert commands.main(["rollback", "heart2", "1.0.0"]) == 2
    assert "do not belong together" in capsys.readouterr().err
    assert submitted.shelf.active("heart2") == made


@pytest.mark.parametrize(
    ("trainer", "said"),
    [
        (trainers.refusing, "the third clip cannot be read: repair it"),
        (trainers.broken, "the training process ended with 1:"),
        (trainers.killed, "the training process ended with -9:"),
    ],
)
def test_a_training_that_fails_is_one_sentence_and_the_next_job_goes_on(
    submitted: Rig, trainer: Trainer, said: str
) -> None:
    failed = submitted.serve(trainer)
    assert failed.state == "failed"
    assert failed.report["why"].startswith(said)
    assert submitted.shelf.active("heart2") is None
    assert submitted.ask(trainers.good).state == "promoted"


def test_a_job_without_enough_uploads_or_of_no_model_fails_with_what_to_do(rig: Rig, tmp_path: Path) -> None:
    assert rig.ask(trainers.good).report["why"] == "there are no uploads: give some with `submit`"
    folder = trainers.write_clips(tmp_path / "clips")
    for path in (folder / "abnormal").iterdir():
        path.unlink()
    assert submit(folder) == 0
    why = rig.serve(trainers.good).report["why"]
    assert why.startswith("there is nothing of abnormal to learn from: upload two or more")
    rig.ledger.queue_job("digits9")
    assert rig.serve(trainers.good).report["why"].startswith("there is no classifier digits9: choose heart2")


def test_e6_stopped_while_it_trains_the_job_waits_again(submitted: Rig) -> None:
    service = Service(submitted.settings, submitted.ledger, trainer=trainers.endless)
    serving = threading.Thread(target=service.run)
    serving.start()
    wait_until(
        lambda: any(job.progress.get("epoch") for job in submitted.ledger.jobs(state="running")), "progress"
    )
    service.stop()
    serving.join(30)
    assert not serving.is_alive()
    (job,) = submitted.ledger.jobs()
    assert (job.state, job.started_at) == ("queued", None)
    assert submitted.serve(trainers.good).state == "promoted"


def serve_endlessly() -> None:
    settings = Settings.from_environ(os.environ)
    Service(settings, TrainingTables.open(settings.database), trainer=trainers.endless).run()


def test_e6_kill_9_ends_the_training_too_and_the_job_is_done_after_it(submitted: Rig) -> None:
    trainer = multiprocessing.get_context("spawn").Process(target=serve_endlessly)
    trainer.start()
    told: list[int] = []

    def tells() -> list[int]:
        told[:] = [job.progress["pid"] for job in submitted.ledger.jobs() if "pid" in job.progress]
        return told

    wait_until(tells, "the training to tell its process")
    trainer.kill()
    wait_until(lambda: not is_alive(told[0]), "the end of the training")
    assert submitted.ledger.jobs()[0].state == "running", "as the crash left it"
    assert submitted.serve(trainers.good).state == "promoted"


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not waited for is a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_e6_after_a_crash_jobs_wait_again_and_a_winner_is_put_to_use(submitted: Rig, tmp_path: Path) -> None:
    job = submitted.ledger.start_next_job()
    assert job is not None
    Versions(submitted.shelf, submitted.ledger).recover()
    assert submitted.ledger.jobs()[0].state == "queued"
    submitted.ledger.start_next_job()
    version = f"1.0.0+local.{job.id}"
    submitted.shelf.put("heart2", version, trainers.write_pair(tmp_path / "won", version=version))
    submitted.ledger.add_version(
        ModelVersion("heart2", version, "f" * 64, "candidate", job.id, {"why": "better"})
    )
    Versions(submitted.shelf, submitted.ledger).recover()
    assert submitted.shelf.active("heart2") == version
    (done,) = submitted.ledger.jobs()
    assert (done.state, done.report) == ("promoted", {"why": "better"})
    assert submitted.ledger.versions("heart2")[0].state == "active"


def test_a_version_that_a_crash_left_is_not_overwritten(submitted: Rig, tmp_path: Path) -> None:
    (job,) = submitted.ledger.jobs()
    version = f"1.0.0+local.{job.id}"
    submitted.shelf.put("heart2", version, trainers.write_pair(tmp_path / "left", version=version))
    assert submitted.serve(trainers.good).report["candidate"]["version"] == f"{version}.2"


def test_the_trainer_never_learns_what_it_is_judged_by(submitted: Rig) -> None:
    clips = submitted.ledger.clips("heart2")
    known = material.gather(clips, submitted.settings.data_dir, None, None, LABELS)
    learned, judged = ({each.path for each in side} for side in (known.learn, known.uploads))
    assert (len(learned), len(judged)) == (4, 2)
    assert not learned & judged
    assert all(path.is_file() for path in learned | judged)


def test_public_groups_stand_on_one_side_for_good() -> None:
    recordings = [
        Recording(Path(f"{n}.wav"), LABELS[n % 2], "physionet-a" if n % 3 else "circor", f"patient{n // 4}")
        for n in range(800)
    ]
    recordings += [Recording(Path(f"{n}.ogg"), BACKGROUND, "background-esc50", f"{n}") for n in range(50)]
    recordings += [Recording(Path(f"{n}.flac"), UNTOLD, "physionet-b", f"untold{n}") for n in range(50)]
    recipe = replace(RECIPE, gather=lambda _: iter(recordings))
    clips = [clip(label, f"{held_out}", held_out=held_out) for label in LABELS for held_out in (True, False)]
    known = material.gather(clips, Path("data"), recipe, Path("datasets"), LABELS)
    learned, judged = ({each.group for each in side} for side in (known.learn, known.public))
    assert not learned & judged
    assert 25 <= len(judged) <= 55, "one in five of 200"
    assert {each.site for each in known.public} == {"physionet-a"}, "where its figures are of"
    assert {each.label for each in known.public} == set(LABELS)
    assert {each.label for each in known.background} == {BACKGROUND}
    assert not learned & {each.group for each in known.background}
    assert sum(each.label == UNTOLD for each in known.learn) >= 25, "of which no figure is"


def clip(label: str, name: str, *, held_out: bool) -> Clip:
    return Clip("heart2", label, f"{label}-{name}.wav", name, f"{label}-{name}", held_out)


def figures(candidate: list[list[int]], incumbent: list[list[int]]) -> Figures:
    return Figures(LABELS, np.array(candidate, dtype=float), np.array(incumbent, dtype=float))


BETTER = figures([[9, 1], [0, 10]], [[9, 1], [5, 5]])


@pytest.mark.parametrize(
    ("uploads", "public", "is_flattered", "said"),
    [
        (BETTER, None, True, None),
        (figures([[9, 1], [5, 5]], [[9, 1], [5, 5]]), None, True, "0.700 is not above 0.700"),
        (figures([[8, 2], [0, 10]], [[9, 1], [5, 5]]), None, True, "normal falls from 0.900 to 0.800"),
        (figures([[99, 1], [0, 10]], [[100, 0], [5, 5]]), None, True, None),
        (figures([[97, 3], [0, 10]], [[100, 0], [5, 5]]), None, True, "normal falls from 1.000"),
        (BETTER, figures([[90, 10], [10, 90]], [[98, 2], [2, 98]]), True, None),
        (BETTER, figures([[90, 10], [10, 90]], [[98, 2], [2, 98]]), False, "falls from 0.980 to 0.900"),
        (BETTER, figures([[100, 0], [60, 40]], [[80, 20], [10, 90]]), True, "falls from 0.850 to 0.700"),
        (BETTER, figures([[100, 0], [60, 40]], [[50, 50], [10, 90]]), False, "abnormal falls from 0.900"),
    ],
)  # fmt: skip
def test_e6_the_incumbent_stays_unless_the_other_is_better_and_loses_no_class(
    uploads: Figures, public: Figures | None, is_flattered: bool, said: str | None
) -> None:
    objection = Comparison(uploads, public, is_flattered).objection()
    assert objection is None if said is None else said in (objection or "")


def test_a_class_that_no_upload_is_of_counts_for_nothing() -> None:
    assert (
        Comparison(figures([[9, 1], [0, 0]], [[5, 5], [0, 0]]), None, is_flattered=True).objection() is None
    )


def test_candidates_with_other_labels_are_refused(submitted: Rig, tmp_path: Path) -> None:
    mine = Versions(submitted.shelf, submitted.ledger).active("heart2")
    folder = trainers.write_pair(tmp_path / "other", labels=["calm", "fast"])
    other = Classifier.load(folder, "heart2")
    with pytest.raises(TrainingError, match="other labels"):
        comparison.compare(other, mine, material.Material((), (), ()), lambda _: None, is_flattered=True)


def test_what_an_upgrade_left_with_other_labels_is_not_trained_against(submitted: Rig) -> None:
    """Said before hours of training, not after them."""
    trainers.write_pair(submitted.settings.models_dir, version="2.0.0", labels=["calm", "fast"])

    job = submitted.serve(trainers.endless)

    assert (job.state, job.report["why"]) == (
        "failed",
        "heart2 2.0.0 has other labels than this program trains: "
        "roll back to `shipped`; if that is it, install models and program of one release",
    )


@pytest.mark.parametrize(
    ("rejected", "is_flattered", "said"),
    [
        ((0.95, 0.96), False, None),
        ((0.90, 0.96), False, "0.900 are rejected instead of 0.960"),
        ((0.90, 0.96), True, None),
        ((0.80, 0.96), True, "0.800 are rejected instead of 0.960"),
    ],
)
def test_e6_a_candidate_that_answers_to_what_is_none_of_its_labels_is_kept_out(
    rejected: tuple[float, float], is_flattered: bool, said: str | None
) -> None:
    compared = Comparison(BETTER, None, is_flattered, rejected)

    assert compared.objection() is None if said is None else said in str(compared.objection())
    assert compared.document()["others_rejected"]["incumbent"] == rejected[1]


def test_both_judge_the_public_sounds_that_are_none_of_the_labels(submitted: Rig, tmp_path: Path) -> None:
    mine = Versions(submitted.shelf, submitted.ledger).active("heart2")
    clips = material.gather(
        submitted.ledger.clips("heart2"), submitted.settings.data_dir, None, None, LABELS
    ).uploads
    others = tuple(replace(each, label=BACKGROUND) for each in clips)
    deaf = Classifier.load(trainers.write_pair(tmp_path / "deaf", threshold=1.0), "heart2")

    found = comparison.compare(
        deaf, mine, material.Material((), clips, (), others), lambda _: None, is_flattered=True
    )

    assert found.rejected is not None
    assert found.rejected[0] == 1
    accepted = [mine.classify(audio.read(each.path)).accepted for each in others]
    assert found.rejected[1] == pytest.approx(1 - np.mean(accepted))


def test_jobs_are_listed_newest_first(submitted: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    submitted.serve(trainers.good)
    submitted.ledger.queue_job("heart2")
    assert commands.main(["jobs"]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()[-2:]
    assert newest.split()[1:3] == ["heart2", "queued"]
    assert oldest.endswith("better on held-out uploads, and no class is lost")


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_serving_without_tensorflow_says_what_to_install(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["serve", "--once"]) == 2
    assert "pip install -r requirements/training.txt" in capsys.readouterr().err


def test_without_a_worker_before_every_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path / "none"))
    for arguments in (["jobs"], ["versions", "heart2"], ["submit", "heart2", "--data", str(tmp_path)]):
        assert commands.main(arguments) == 2
        assert "start the worker once" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_e6_a_candidate_whose_right_labels_nobody_would_see_is_kept_out() -> None:
    """A threshold of 1 makes every result inconclusive, however right its label is."""
    better = figures([[9, 1], [1, 9]], [[5, 5], [1, 9]])
    shy, open_ = (replace(better, answered=(share, 0.7)) for share in (0.1, 0.6))

    assert "accepted fall from 0.700 to 0.100" in str(Comparison(shy, None, is_flattered=True).objection())
    assert Comparison(open_, None, is_flattered=True).objection() is None
