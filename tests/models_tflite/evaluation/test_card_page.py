"""Pages of the model cards: the shipped ones are up to date, and cards hold what users must know."""

import json
from pathlib import Path
from typing import Any

import pytest

from models_tflite import card_page

MODELS = Path(card_page.__file__).parent
CARDS = card_page.cards(MODELS)


def test_cards_exist() -> None:
    assert {"heart2", "heart5"} <= {path.stem for path in CARDS}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_shipped_page_is_up_to_date(path: Path) -> None:
    shipped = path.with_suffix(".md").read_text(encoding="utf-8")

    assert shipped == card_page.page(json.loads(path.read_text())), "run stetho report cards"


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_shipped_card_is_complete(path: Path) -> None:
    card = json.loads(path.read_text())

    for fact in ("task", "data", "licence_of_data", "split", "baseline", "not_for", "threshold_rule"):
        assert card[fact], fact
    whole = card["figures"]["cross_validation"]
    assert whole["groups"] > 1
    figures = ["accuracy", "balanced_accuracy", "expected_calibration_error"]
    if card["threshold"] < 1:  # else it accepts nothing until known hearts prove it right
        figures.append("accuracy_when_accepted")
    for figure in figures:
        low, high = whole["intervals"][figure]
        assert low <= high
    assert whole["reliability"]
    assert len(whole["confusion"]) == len(whole["per_class"]) == len(card["labels"])
    if (
        "unseen_sites" not in card["figures"]
    ):  # its out-of-fold predictions are those of the int8 models alone
        assert card["figures"]["before_int8"]["int8_minus_float"]["accuracy"] >= -0.01
    assert card["check"]["n"] > 0


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_shipped_model_is_better_than_its_baseline(path: Path) -> None:
    """Both on the same recordings and folds; the whole interval is above the baseline."""
    card = json.loads(path.read_text())
    whole = card["figures"]["cross_validation"]
    assert card["baseline"]["method"]
    if "balanced_accuracy_by_site" in card["baseline"]:
        of_sites = [of for site, of in card["figures"]["by_site"].items() if site.startswith("physionet")]
        mean = sum(of["balanced_accuracy"] for of in of_sites) / len(of_sites)
        assert mean > card["baseline"]["balanced_accuracy_by_site"]
        return

    figure = "balanced_accuracy" if "balanced_accuracy" in card["baseline"] else "accuracy"

    assert whole["intervals"][figure][0] > card["baseline"][figure]


def synthetic_card(labels: tuple[str, ...] = ("normal", "abnormal")) -> dict[str, Any]:
    part = {
        "n": 20,
        "groups": 7,
        "accuracy": 0.8,
        "auc": None,
        "intervals": {"accuracy": [0.7, 0.9]},
        "background": {"n": 9, "rejected": 0.95, "intervals": {"rejected": [0.9, 1.0]}},
    }
    of_class = {"n": 10, "precision": 0.8, "recall": None, "f1": 0.8, "intervals": {"precision": [0.6, 0.9]}}
    return {
        "model": "odd",
        "version": "1.0.0",
        "sha256": "0" * 64,
        "labels": list(labels),
        "features": {"kind": "log_mel", "n_mels": 40},
        "window_s": 4.0,
        "hop_s": 1.0,
        "background": True,
        "temperature": 1.2,
        "threshold": 0.7,
        "threshold_rule": "the confidence that 80 % reach",
        "task": "Tells odd from even.",
        "data": ["Numbers"],
        "licence_of_data": "none",
        "split": "number",
        "baseline": {"method": "guessing", "claimed": "0.99", "accuracy": 0.5},
        "not_for": "Money.",
        "nrdt_or_log_mel": {"nrdt": 0.5, "log_mel": 0.8},
        "training": {"recordings": 30, "model_bytes": 1000},
        "cost": {"bytes": 1000, "features_ms": 0.1, "inference_ms": 0.2, "runtime": "ai-edge-litert 2"},
        "check": {"every": 3, "n": 10, "accuracy": 0.9, "interval": [0.6, 0.98]},
        "figures": {
            "how": "Unheard.",
            "cross_validation": {
                "folds": 2,
                **part,
                "per_class": dict.fromkeys(labels, of_class),
                "confusion": [
                    [n if i == j else i for j in range(len(labels))] for i, n in enumerate([9] * len(labels))
                ],
                "reliability": [{"from": 0.9, "to": 1.0, "n": 4, "confidence": 0.95, "accuracy": 0.75}],
                "by_fold": [part, part],
            },
            "before_int8": {"accuracy": 0.81, "same_label": 0.99, "int8_minus_float": {"accuracy": -0.01}},
            "by_site": {"here": part, "there": part},
            "site_held_out": {"there": part},
        },
    }


def test_the_page_shows_all_of_the_card() -> None:
    page = card_page.page(synthetic_card())

    for text in (
        "not a medical device",
        "**Not for:** Money.",
        "| accuracy | 0.800 | 0.700–0.900 | 0.500 |",
        "| sounds that are none of the labels, rejected (n = 9) | 0.950 | 0.900–1.000 | – |",
        "guessing; 0.99",
        "| normal | 10 | – | – | 0.800 | 0.600–0.900 | 0.800 |",
        "| here | 20 | 0.800 (0.700–0.900) | 9 | 0.950 (0.900–1.000) |",
        "Sites without any recording in training",
        "By fold",
        "| **abnormal** | 1 | 9 |",
        "| 0.9–1 | 4 | 0.950 | 0.750 |",
        "| accuracy | 0.810 | -0.0100 |",
        "- nrdt or log mel: nrdt: 0.5; log mel: 0.8",
        "`" + "0" * 64 + "`",
    ):
        assert text in page, text
    assert "AUC" not in page, "metrics without a value are not shown"


def test_for_many_labels_the_most_frequent_confusions_are_listed() -> None:
    page = card_page.page(synthetic_card(tuple(f"sound{n}" for n in range(30))))

    assert "Most frequent confusions" in page
    assert "| sound29 | sound0 | 29 |" in page
    assert "| sound1 | sound0 | 1 |" not in page


def test_pages_are_written_for_classifiers_only(tmp_path: Path) -> None:
    for name, card in (("odd", synthetic_card()), ("marks", {"kind": "segmentation"})):
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
        (tmp_path / f"{name}.tflite").touch()
    (tmp_path / "notes.json").write_text("{}")

    assert card_page.main(["--models-dir", str(tmp_path)]) == 0

    assert [path.name for path in tmp_path.glob("*.md")] == ["odd.md"]
