"""Worth of a proof at sites whose truth is made up: right ones, and ones where confidence says nothing."""

import numpy as np
import pytest

from models_tflite.evaluation import proof_worth
from models_tflite.evaluation.classification_report import LabelledPredictions


def site(blur: float, bias: float = 0.0, n: int = 400) -> LabelledPredictions:
    """Return recordings, two of a patient; `blur` is the noise of their log odds, `bias` moves them all."""
    random = np.random.default_rng(3)
    targets = np.arange(n) // 2 % 2
    odds = np.where(targets == 1, 2.0, -2.0) + random.normal(0, blur, n) + bias
    abnormal = 0.99 / (1 + np.exp(-odds))
    probabilities = np.column_stack([0.99 - abnormal, abnormal, np.full(n, 0.01)])
    groups = np.array([f"patient-{i // 2}" for i in range(n)])
    return LabelledPredictions(targets, probabilities, np.zeros(n, dtype=bool), groups)


@pytest.mark.parametrize("bias", [0.0, 4.0])
def test_a_site_where_the_model_is_right_is_proven_whatever_its_bias(bias: float) -> None:
    worth = proof_worth.worth(site(1.0, bias), 30)

    assert worth is not None
    assert worth["proven"] > 0.9
    assert worth["accepted_fraction"] > 0.8
    assert min(worth["right"].values()) > 0.9


def test_a_site_where_confidence_says_nothing_is_not() -> None:
    worth = proof_worth.worth(site(50.0), 30)

    assert worth is not None
    assert worth["proven"] < 0.1


def test_a_site_with_too_few_hearts_has_no_figure() -> None:
    assert proof_worth.worth(site(1.0, n=80), 30) is not None
    assert proof_worth.worth(site(1.0, n=60), 30) is None
