"""Evaluation on sites left out, each by the model without it; what cannot be measured is said."""

import dataclasses
import json
from pathlib import Path

import pytest

from models_tflite import evaluate, unseen_sites
from models_tflite.training.recipes import heart2


def test_a_model_without_such_pairs_is_refused_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main(["digits", "--unseen-sites", str(tmp_path)]) == 2

    assert "holds no digits without a site" in capsys.readouterr().err


def test_missing_datasets_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["heart2", "--unseen-sites", str(tmp_path)]) == 2

    assert "physionet2016" in capsys.readouterr().err


def test_a_site_without_recordings_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = dataclasses.replace(heart2.RECIPE, gather=lambda _data: iter(()))
    monkeypatch.setattr(heart2, "RECIPE", empty)

    assert evaluate.main(["heart2", "--unseen-sites", str(tmp_path)]) == 2

    assert "no recording of bmd-hs, circor" in capsys.readouterr().err


def test_either_labels_or_sites_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        evaluate.main(["heart2"])

    assert left.value.code == 2
    assert "--unseen-sites DIR" in capsys.readouterr().err


def test_the_kept_models_are_those_of_the_card() -> None:
    card = json.loads((evaluate.MODELS_DIR / "heart2.json").read_text())
    kept = {path.parent.name for path in (evaluate.MODELS_DIR / unseen_sites.FOLDER).glob("*/heart2.tflite")}

    assert kept == set(card["figures"]["unseen_sites"]["by_site"]) == set(heart2.SITES)
    for site in kept:
        without = json.loads((evaluate.MODELS_DIR / unseen_sites.FOLDER / site / "heart2.json").read_text())
        known = {each["site"] for each in without["unfamiliar_device"]["familiarity"]["sites"]}
        assert site not in known
        assert without["version"] == card["version"]
