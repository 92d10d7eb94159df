"""`stetho trainer`: jobs, versions, rollback, and refusals of the other commands."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import trainers
from trainer_site import TrainerSite

from edge_worker.own_command import pip_install
from models_tflite.training.retraining import commands


@pytest.fixture
def trainer_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainerSite]:
    with TrainerSite(tmp_path, monkeypatch) as site:
        yield site


@pytest.fixture
def submitted(trainer_site: TrainerSite, tmp_path: Path) -> TrainerSite:
    return trainer_site.submit(trainers.write_clips(tmp_path / "clips"))


def test_e6_every_version_can_be_rolled_back_even_the_one_that_an_upgrade_replaced(
    submitted: TrainerSite, capsys: pytest.CaptureFixture[str]
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
        assert submitted.registry.active("heart2") == active
        states = {each.version: each.state for each in submitted.tables.versions("heart2")}
        assert [each for each, state in states.items() if state == "active"] == ([active] if active else [])
    capsys.readouterr()
    assert commands.main(["versions", "heart2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:1] for line in lines] == ["*", " ", " "]
    assert ["1.1.0" in lines[0], "1.0.0 " in lines[1], made in lines[2]] == [True] * 3
    assert commands.main(["rollback", "heart2", "7.0.0"]) == 2
    assert f"choose shipped, 1.0.0, {made}" in capsys.readouterr().err


def test_a_version_that_does_not_load_is_not_rolled_back_to(
    submitted: TrainerSite, capsys: pytest.CaptureFixture[str]
) -> None:
    made = submitted.serve(trainers.good).report["candidate"]["version"]
    (submitted.registry.directory("heart2", "1.0.0") / "heart2.tflite").write_bytes(b"damaged")
    assert commands.main(["rollback", "heart2", "1.0.0"]) == 2
    assert "do not belong together" in capsys.readouterr().err
    assert submitted.registry.active("heart2") == made


def test_jobs_are_listed_newest_first(submitted: TrainerSite, capsys: pytest.CaptureFixture[str]) -> None:
    submitted.serve(trainers.good)
    submitted.tables.queue_job("heart2")
    assert commands.main(["jobs"]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()[-2:]
    assert newest.split()[1:3] == ["heart2", "queued"]
    assert oldest.endswith("better on held-out uploads, and no class is lost")


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_serving_without_tensorflow_says_what_to_install(
    trainer_site: TrainerSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["serve", "--once"]) == 2
    assert pip_install("training") in capsys.readouterr().err


def test_without_a_worker_before_every_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path / "none"))
    for arguments in (["jobs"], ["versions", "heart2"], ["submit", "heart2", "--data", str(tmp_path)]):
        assert commands.main(arguments) == 2
        assert "start the worker once" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
