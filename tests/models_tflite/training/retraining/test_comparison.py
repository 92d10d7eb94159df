"""The decision between candidate and incumbent, on given confusion matrices."""

from dataclasses import replace

import numpy as np
import pytest

from models_tflite.training.retraining.comparison import Comparison, PairedConfusion

LABELS = ("normal", "abnormal")


def paired(candidate: list[list[int]], incumbent: list[list[int]]) -> PairedConfusion:
    return PairedConfusion(LABELS, np.array(candidate, dtype=float), np.array(incumbent, dtype=float))


BETTER = paired([[9, 1], [0, 10]], [[9, 1], [5, 5]])


@pytest.mark.parametrize(
    ("uploads", "public", "incumbent_learned_public", "reason"),
    [
        (BETTER, None, True, None),
        (paired([[9, 1], [5, 5]], [[9, 1], [5, 5]]), None, True, "0.700 is not above 0.700"),
        (paired([[8, 2], [0, 10]], [[9, 1], [5, 5]]), None, True, "normal falls from 0.900 to 0.800"),
        (paired([[99, 1], [0, 10]], [[100, 0], [5, 5]]), None, True, None),
        (paired([[97, 3], [0, 10]], [[100, 0], [5, 5]]), None, True, "normal falls from 1.000"),
        (BETTER, paired([[90, 10], [10, 90]], [[98, 2], [2, 98]]), True, None),
        (BETTER, paired([[90, 10], [10, 90]], [[98, 2], [2, 98]]), False, "falls from 0.980 to 0.900"),
        (BETTER, paired([[100, 0], [60, 40]], [[80, 20], [10, 90]]), True, "falls from 0.850 to 0.700"),
        (BETTER, paired([[100, 0], [60, 40]], [[50, 50], [10, 90]]), False, "abnormal falls from 0.900"),
    ],
)  # fmt: skip
def test_e6_the_incumbent_stays_unless_the_candidate_is_better_and_loses_no_class(
    uploads: PairedConfusion,
    public: PairedConfusion | None,
    incumbent_learned_public: bool,
    reason: str | None,
) -> None:
    rejection_reason = Comparison(uploads, public, incumbent_learned_public).rejection_reason()
    assert rejection_reason is None if reason is None else reason in (rejection_reason or "")


def test_a_class_without_uploads_is_not_compared() -> None:
    assert (
        Comparison(
            paired([[9, 1], [0, 0]], [[5, 5], [0, 0]]), None, incumbent_learned_public=True
        ).rejection_reason()
        is None
    )


@pytest.mark.parametrize(
    ("rejected", "incumbent_learned_public", "reason"),
    [
        ((0.95, 0.96), False, None),
        ((0.90, 0.96), False, "0.900 are rejected instead of 0.960"),
        ((0.90, 0.96), True, None),
        ((0.80, 0.96), True, "0.800 are rejected instead of 0.960"),
    ],
)
def test_e6_a_candidate_that_accepts_more_background_is_rejected(
    rejected: tuple[float, float], incumbent_learned_public: bool, reason: str | None
) -> None:
    compared = Comparison(BETTER, None, incumbent_learned_public, rejected)

    assert (
        compared.rejection_reason() is None if reason is None else reason in str(compared.rejection_reason())
    )
    assert compared.document()["others_rejected"]["incumbent"] == rejected[1]


def test_e6_a_candidate_whose_right_labels_are_not_accepted_is_rejected() -> None:
    """A threshold of 1 makes every result inconclusive, however right its label is."""
    better = paired([[9, 1], [1, 9]], [[5, 5], [1, 9]])
    few_accepted, many_accepted = (replace(better, accepted_correct=(share, 0.7)) for share in (0.1, 0.6))

    assert "accepted fall from 0.700 to 0.100" in str(
        Comparison(few_accepted, None, incumbent_learned_public=True).rejection_reason()
    )
    assert Comparison(many_accepted, None, incumbent_learned_public=True).rejection_reason() is None
