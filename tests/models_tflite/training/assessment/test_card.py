"""The card command: from a training run to the files of a model, on real recordings."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from edge_worker.inference.classifier import Classifier
from models_tflite import card_page
from models_tflite.training import card
from models_tflite.training.assessment import check
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.assessment.training_run import TrainedModel
from models_tflite.training.recipes import heart5

MODELS = Path(card_page.__file__).parent


@pytest.fixture
def arguments(tmp_path: Path, datasets: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A training run of the shipped network, with predictions in three folds for what heart5 is tested on."""
    classifier = Classifier.load(MODELS, "heart5")
    shipped = {
        name: getattr(classifier.card, name)
        for name in ("labels", "features", "window_s", "hop_s", "pad", "trim_db", "background")
    }
    recipe = dataclasses.replace(heart5.RECIPE, **shipped, domain=classifier.card.domain)
    monkeypatch.setattr(heart5, "RECIPE", recipe)
    chosen, _ = check.recordings(recipe, datasets, 5)
    targets = np.array([recipe.labels.index(each.label) for each in chosen])
    outputs = classifier.card.outputs
    random = np.random.default_rng(0)
    logits = (random.normal(0, 1, (len(chosen), outputs)) + 3 * np.eye(outputs)[targets]).astype(np.float32)
    groups, group = np.unique([each.group for each in chosen], return_inverse=True)
    assert len(groups) > 20
    whole = OutOfFoldPredictions(
        logits,
        logits,
        np.arange(len(chosen)),
        targets,
        group % 3,
        groups[group],
        np.array([each.site for each in chosen]),
        np.array([each.path.as_posix() for each in chosen]),
    )
    content = (MODELS / "heart5.tflite").read_bytes()
    TrainedModel(content, None, whole).save(tmp_path / "run", "heart5")
    TrainedModel(content, None, whole.subset(whole.fold == 0)).save(tmp_path / "one fold", "heart5")
    folders = {"--run": tmp_path / "run", "--data": datasets, "--out": tmp_path / "out"}
    return ["heart5", *(str(each) for option in folders.items() for each in option)]


def test_the_card_holds_figures_baseline_cost_and_check(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "baseline.json").write_text(json.dumps({"method": "guessing", "balanced_accuracy": 0.2}))

    status = card.main([*arguments, "--baseline", str(tmp_path / "baseline.json")])

    assert status == 0
    made = Classifier.load(tmp_path / "out", "heart5").card.document
    assert made["figures"]["cross_validation"]["folds"] == 3
    assert made["figures"]["cross_validation"]["accuracy"] > 0.7
    assert made["figures"]["before_int8"]["same_label"] == 1
    assert made["baseline"]["method"] == "guessing"
    shipped = json.loads((MODELS / "heart5.json").read_text())
    assert (made["name"], made["meanings"]) == (shipped["name"], shipped["meanings"]), (
        "written by hand, copied"
    )
    assert made["check"]["n"] >= check.ABOUT
    assert made["cost"]["bytes"] == (MODELS / "heart5.tflite").stat().st_size
    assert (tmp_path / "out" / "heart5.md").read_text() == card_page.page(made)


def test_wrong_arguments_are_refused_with_one_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "file").touch()
    for changed, sentence in (
        (["--run", str(tmp_path / "gone")], "gone holds no training run of heart5"),
        (["--run", str(tmp_path / "one fold")], "give those of all folds"),
        (["--baseline", str(tmp_path / "list.json")], "list.json holds no object"),
        (["--out", str(tmp_path / "file" / "out")], "cannot be written"),
    ):
        assert card.main([*arguments, *changed]) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("card: ")]
        assert len(lines) == 1
        assert sentence in lines[0]
    assert not list((tmp_path / "out").iterdir())
