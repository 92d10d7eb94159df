"""Proof of a model on one device: the confidence from which on enough hearts of each label are right."""

import numpy as np
import pytest

from edge_worker.inference import device_proof

HEARTS = 100


def hearts(seed: int, right_from: float) -> tuple[list[float], list[bool], list[bool]]:
    """Return confidences, of which those from `right_from` on are right, and the others by chance."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.5, 1, HEARTS)
    is_right = (confidence >= right_from) | (random.uniform(size=HEARTS) < 0.5)
    return confidence.tolist(), is_right.tolist(), (np.arange(HEARTS) % 2 == 1).tolist()


def test_labels_are_accepted_from_where_they_are_right() -> None:
    assert device_proof.least_confidence(*hearts(1, 0.7)) == pytest.approx(0.7, abs=0.05)
    assert device_proof.least_confidence(*hearts(1, 0.5)) == 0.5


@pytest.mark.parametrize("seed", range(20))
def test_where_confidence_says_nothing_nothing_is_accepted(seed: int) -> None:
    assert device_proof.least_confidence(*hearts(seed, 1.0)) == 1


def test_one_label_proves_nothing_for_the_other() -> None:
    confidence, _, is_abnormal = hearts(1, 0.5)
    assert device_proof.least_confidence(confidence, is_abnormal, is_abnormal) == 1
    of_one = [each and abnormal for each, abnormal in zip([True] * HEARTS, is_abnormal, strict=True)]
    assert device_proof.least_confidence(confidence, of_one, [True] * HEARTS) == 1


def test_a_confidence_that_holds_by_luck_below_one_that_does_not_is_none() -> None:
    is_abnormal = [False, True] * 40
    confidence = [0.6] * 50 + [0.9] * 30
    is_right = [True] * 50 + [True] * 24 + [False] * 6
    assert np.mean(is_right) < device_proof.RIGHT < 0.96
    assert device_proof.least_confidence(confidence, is_right, is_abnormal) == 1


def test_the_middle_between_labels_is_the_bias() -> None:
    assert device_proof.midpoint([1.0, 2.0, 5.0], [False, False, True]) == pytest.approx(3.25)
